"""Contrast by anatomy and age."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from skmmcl.kernels._affinity import affinity_weights
from skmmcl.kernels._anatomy import global_weights, local_weights
from skmmcl.kernels._missing import isolate
from skmmcl.losses._guided import metadata, repulsion, subjects, weighted_contrast
from skmmcl.losses._lanes import TemperatureLoss
from skmmcl.losses._parameters import LaneParameter, per_lane
from skmmcl.losses._target import as_rows, least_count, log_mds, the_one

KERNELS = {"local": local_weights, "global": global_weights}


class AnatCLLoss(TemperatureLoss):
    """AnatCL: a y-Aware loss of the anatomy of regions plus one of age.

    Parameters
    ----------
    temperature : float or Tensor of shape ``(*lanes,)``, default=0.1
        Divides the cosine similarities.
    anatomy : {"local", "global"}, default="local"
        `skmmcl.kernels.local_anatomy` or `skmmcl.kernels.global_anatomy`.
    bandwidth : float or Tensor of shape ``(*lanes,)``, default=5.0
        Of the Gaussian kernel of age.
    age_weight, anatomy_weight : float or Tensor of shape ``(*lanes,)``, default=1.0
        Of the two terms.
    sharpness : float, optional
        If given, the kernel a of anatomy, whose values all lie close to 1, becomes
        ``exp(sharpness * (a - 1))``.

    References
    ----------
    .. [1] Barbano C. A. et al. (2024). Anatomical foundation models for brain MRIs.
       arXiv 2408.07079.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import AnatCLLoss
    >>> generator = torch.Generator().manual_seed(0)
    >>> z = torch.randn(2, 4, 3, generator=generator)
    >>> thickness_volume_area = torch.rand(4, 68, 3, generator=generator)
    >>> age = torch.tensor([20.0, 25.0, 40.0, 70.0])
    >>> AnatCLLoss()(z, thickness_volume_area, age).shape
    torch.Size([])
    """

    lane_parameters: ClassVar[tuple[str, ...]] = (
        "temperature",
        "bandwidth",
        "age_weight",
        "anatomy_weight",
    )
    bandwidth = LaneParameter()
    age_weight = LaneParameter()
    anatomy_weight = LaneParameter()

    def __init__(
        self,
        temperature: float | Tensor = 0.1,
        *,
        anatomy: Literal["local", "global"] = "local",
        bandwidth: float | Tensor = 5.0,
        age_weight: float | Tensor = 1.0,
        anatomy_weight: float | Tensor = 1.0,
        sharpness: float | None = None,
    ) -> None:
        super().__init__(temperature)
        if anatomy not in KERNELS:
            raise ValueError(f"anatomy must be one of {sorted(KERNELS)}, got {anatomy!r}.")
        self.anatomy = anatomy
        self.bandwidth = bandwidth
        self.age_weight = age_weight
        self.anatomy_weight = anatomy_weight
        self.sharpness = sharpness

    def forward(
        self,
        z: Tensor,
        measures: Tensor,
        y: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Sum of the two terms, each a mean over the anchors.

        Parameters
        ----------
        z : Tensor of shape ``(*lanes, n_views, n_samples, n_components)``
            Embeddings; each view is a modality or an augmentation.
        measures : Tensor of shape ``(*lanes, n_samples, n_regions, n_measures)``
            Such as thickness, volume and surface. In each term, a subject with NaN
            attracts its own views alone.
        y : Tensor of shape ``(*lanes, n_samples)``
            Age.
        mask : Tensor of shape ``(*lanes, n_samples, n_views)``, optional
            True where the subject has the view; an absent embedding takes no part.
        sample_weight : Tensor of shape ``(*lanes, n_samples)``, optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of shape ``(*lanes,)``
            A scalar without lanes; 0 when no anchor has a positive.
        """
        batch = subjects(z, mask, sample_weight)
        u, scale = batch.u, self.scale(batch.u.dtype)
        against = repulsion(batch, scale, shifted=self.shifted)
        of_age = affinity_weights(metadata(y, z, u), "gaussian", per_lane(self.bandwidth, u))
        of_anatomy = self._of_anatomy(metadata(measures, z, u, n_trailing=2))
        age = weighted_contrast(batch, against, scale, of_age)
        anatomy = weighted_contrast(batch, against, scale, of_anatomy)
        age, anatomy = (
            per_lane(weight, u, 1) * loss
            for weight, loss in ((self.age_weight, age), (self.anatomy_weight, anatomy))
        )
        return (age + anatomy).view(z.shape[:-3])

    def _of_anatomy(self, measures: Tensor) -> Tensor:
        weights = KERNELS[self.anatomy](measures)
        if self.sharpness is None:
            return weights
        known = ~measures.isnan().flatten(2).any(-1)
        return isolate(torch.exp(self.sharpness * (weights - 1)), known)

    def target(self, measures: Any, y: Any, *, sample_weight: Any = None) -> Tensor:
        """Return the geometry at the optimum, one row for each subject.

        Log-MDS of the sum of both kernels, by their weights, each divided by the roots of its row
        sums and column sums, as its term divides it.

        Parameters
        ----------
        measures : array-like of shape (n_samples, n_regions, n_measures)
            Such as thickness, volume and surface; NaN where unknown.
        y : array-like of shape (n_samples,)
            Age; NaN where unknown.
        sample_weight : array-like of shape (n_samples,), optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of float64 ``(n_samples, n_columns)``
            On the CPU; NaN for the unknown.
        """
        shape = torch.Size((-1, *np.shape(measures)[1:]))
        age_weight, anatomy_weight = the_one(self.age_weight), the_one(self.anatomy_weight)
        bandwidth = the_one(self.bandwidth)

        def log_weights(rows: Tensor, count: Tensor) -> Tensor:
            of_age = affinity_weights(rows[:, -1:], "gaussian", bandwidth)
            of_anatomy = self._of_anatomy(rows[None, :, :-1].reshape(1, *shape))[0]
            both = age_weight * _balanced(of_age, count) + anatomy_weight * _balanced(
                of_anatomy, count
            )
            return both.log()

        rows = torch.cat([as_rows(measures), as_rows(y)], 1)
        return log_mds(rows, log_weights, the_one(self.temperature), sample_weight)


def _balanced(weights: Tensor, count: Tensor) -> Tensor:
    """Weights over the roots of their sums by row and by column."""
    root = (weights @ count).clamp_min(least_count(count)).sqrt()
    return weights / root / root[:, None]
