"""Contrast whose weights are a softmax of the similarities of metadata."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from skmmcl.kernels._distance import cosine_weights
from skmmcl.kernels._missing import isolate
from skmmcl.losses._contrast import contrast
from skmmcl.losses._guided import metadata, subjects
from skmmcl.losses._lanes import TemperatureLoss
from skmmcl.losses._parameters import LaneParameter, per_lane
from skmmcl.losses._target import as_rows, log_mds, the_one


class XCLRLoss(TemperatureLoss):
    """X-CLR: the softmax of the cosines of embeddings is to be that of metadata.

    Parameters
    ----------
    temperature : float or Tensor of shape ``(*lanes,)``, default=0.1
        Divides the cosine similarities.
    target_temperature : float or Tensor of shape ``(*lanes,)``, default=0.1
        Divides the cosine similarities of the metadata. A sphere may have no room for the
        optimum if it is below ``temperature``.
    self_pairs : bool, default=False
        Whether an anchor is a positive of itself.

    References
    ----------
    .. [1] Sobal V. et al. (2025). X-sample contrastive loss: improving contrastive learning
       with sample similarity graphs. ICLR.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import XCLRLoss
    >>> y = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> copy, mixed = (XCLRLoss(self_pairs=True)(z[None], y) for z in (y, y[[0, 2, 1]]))
    >>> bool(copy < mixed)
    True
    """

    lane_parameters: ClassVar[tuple[str, ...]] = ("temperature", "target_temperature")
    target_temperature = LaneParameter()

    def __init__(
        self,
        temperature: float | Tensor = 0.1,
        *,
        target_temperature: float | Tensor = 0.1,
        self_pairs: bool = False,
    ) -> None:
        super().__init__(temperature)
        self.target_temperature = target_temperature
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
        y : Tensor of shape ``(*lanes, n_samples, n_columns)``
            Metadata or a prior representation. A subject with NaN attracts its own views
            alone and is a negative of all others.
        mask : Tensor of shape ``(*lanes, n_samples, n_views)``, optional
            True where the subject has the view; an absent embedding takes no part.
        sample_weight : Tensor of shape ``(*lanes, n_samples)``, optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of shape ``(*lanes,)``
            A scalar without lanes; 0 when no anchor has a positive.
        """
        batch = subjects(z, mask, sample_weight, self_pairs=self.self_pairs)
        scale = self.scale(batch.u.dtype)
        columns = metadata(y, z, batch.u)
        known = ~columns.isnan().any(-1)
        # Less the largest, which falls out of the weights' shares.
        logits = (cosine_weights(columns) - 1) / per_lane(self.target_temperature, batch.u)
        weights = isolate(logits.exp(), known)
        return contrast(batch, scale, weights, shifted=self.shifted).view(z.shape[:-3])

    def target(self, y: Any, *, sample_weight: Any = None) -> Tensor:
        """Return the geometry at the optimum, one row for each subject.

        Log-MDS of ``log W = cos(y_i, y_j) / target_temperature``. With like temperatures these are
        the principal components of the metadata, each subject's of unit length.

        Parameters
        ----------
        y : array-like of shape (n_samples, n_columns)
            Metadata or a prior representation; NaN where unknown.
        sample_weight : array-like of shape (n_samples,), optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of float64 ``(n_samples, n_columns)``
            On the CPU; NaN for the unknown.
        """
        of_target = the_one(self.target_temperature)
        return log_mds(
            as_rows(y),
            lambda rows, _: cosine_weights(rows) / of_target,
            the_one(self.temperature),
            sample_weight,
        )
