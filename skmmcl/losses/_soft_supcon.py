"""Supervised contrast in which subjects of other classes are positives of small weight."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from torch import Tensor

from skmmcl.kernels._sets import delta_weights
from skmmcl.losses._contrast import contrast
from skmmcl.losses._guided import metadata, subjects
from skmmcl.losses._lanes import TemperatureLoss
from skmmcl.losses._parameters import LaneParameter, per_lane
from skmmcl.losses._target import as_rows, simplex, the_one


class SoftSupConLoss(TemperatureLoss):
    """Soft SupCon: weight 1 for subjects of an anchor's class, epsilon for all others.

    The cosine between classes at the minimum is ``1 + temperature * log(epsilon)`` whatever
    their sizes, if that is not below ``-1 / (n_classes - 1)``.

    Parameters
    ----------
    temperature : float or Tensor of shape ``(*lanes,)``, default=0.1
        Divides the cosine similarities.
    epsilon : float or Tensor of shape ``(*lanes,)``, default=0.1
        Weight of other classes.
    self_pairs : bool, default=True
        Whether an anchor is a positive of itself.

    References
    ----------
    .. [1] Vock, Duchesnay E., Dufumier B. (2026). arXiv 2605.13943.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import SoftSupConLoss
    >>> z = torch.eye(2)[None]  # one view of two subjects
    >>> round(SoftSupConLoss(temperature=1.0)(z, torch.tensor([0, 1])).item(), 6)
    0.404171
    """

    lane_parameters: ClassVar[tuple[str, ...]] = ("temperature", "epsilon")
    epsilon = LaneParameter()

    def __init__(
        self,
        temperature: float | Tensor = 0.1,
        *,
        epsilon: float | Tensor = 0.1,
        self_pairs: bool = True,
    ) -> None:
        super().__init__(temperature)
        self.epsilon = epsilon
        self.self_pairs = self_pairs

    def forward(
        self,
        z: Tensor,
        y: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Mean loss over the anchors.

        Parameters
        ----------
        z : Tensor of shape ``(*lanes, n_views, n_samples, n_components)``
            Embeddings; each view is a modality or an augmentation.
        y : Tensor of shape ``(*lanes, n_samples)`` or ``(*lanes, n_samples, n_columns)``
            Class codes. A subject with -1 or NaN is a class of its own.
        mask : Tensor of shape ``(*lanes, n_samples, n_views)``, optional
            True where the subject has the view; an absent embedding takes no part.
        sample_weight : Tensor of shape ``(*lanes, n_samples)``, optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of shape ``(*lanes,)``
            A scalar without lanes.
        """
        batch = subjects(z, mask, sample_weight, self_pairs=self.self_pairs)
        scale = self.scale(batch.u.dtype)
        same = delta_weights(metadata(y, z, batch.u))
        weights = torch.where(same > 0, 1, per_lane(self.epsilon, batch.u))
        return contrast(batch, scale, weights, shifted=self.shifted).view(z.shape[:-3])

    @property
    def has_target(self) -> bool:
        """Whether other classes have a smaller weight than the own, so that they part."""
        return bool((torch.as_tensor(self.epsilon) < 1).all())

    def target(self, y: Any, *, sample_weight: Any = None) -> Tensor:
        """Return the geometry at the optimum, one row for each subject.

        A simplex of cosines ``1 + temperature * log(epsilon)`` between classes, and the regular
        one where a sphere has no room for that.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_columns)
            Class codes; -1 or NaN where unknown.
        sample_weight : array-like of shape (n_samples,), optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of float64 ``(n_samples, n_columns)``
            On the CPU; NaN for the unknown.
        """
        epsilon = the_one(self.epsilon)
        if not self.has_target:
            raise ValueError(
                f"With epsilon={epsilon} every class is asked for one place; below 1 not."
            )
        asked = 1 + the_one(self.temperature) * math.log(epsilon) if epsilon > 0 else -1.0
        return simplex(as_rows(y, codes=True), sample_weight, cosine=asked)
