"""AnatCL: contrast by anatomy and age."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from skmmcl.kernels._affinity import affinity_weights
from skmmcl.kernels._anatomy import global_weights, local_weights
from skmmcl.kernels._metadata import isolate
from skmmcl.losses._parts._batch import make_batch, metadata
from skmmcl.losses._parts._contrast import log_denominator, weighted_contrast
from skmmcl.losses._parts._stacking import (
    TemperatureLoss,
    loss_parameters,
    per_model,
    stacked,
    stacked_temperature,
)
from skmmcl.losses._parts._target import as_rows, log_mds, min_count, single_number

KERNELS = {"local": local_weights, "global": global_weights}


@loss_parameters
class AnatCLLoss(TemperatureLoss):
    """AnatCL: a y-Aware loss of the anatomy of regions plus one of age.

    ``anatomy_weight * L(alpha) + age_weight * L(K)`` with L of `YAwareLoss`, the local (alpha) or
    global (beta) similarity of anatomy and a Gaussian kernel K of age :cite:p:`barbano2024anatcl`.

    Parameters
    ----------
    temperature : float or Tensor, default=0.1
        Temperature of the softmax. Small values focus on hard negatives.
    anatomy : {"local", "global"}, default="local"
        `skmmcl.kernels.local_anatomy` or `skmmcl.kernels.global_anatomy`.
    bandwidth : float or Tensor, default=5.0
        Bandwidth of the Gaussian kernel of age.
    age_weight, anatomy_weight : float or Tensor, default=1.0
        Weights of the two terms.
    sharpness : float, optional
        If given, the kernel a of anatomy, whose values all lie close to 1, becomes
        ``exp(sharpness * (a - 1))``.

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

    temperature: float | Tensor = stacked_temperature(0.1)
    _: KW_ONLY
    anatomy: Literal["local", "global"] = "local"
    bandwidth: float | Tensor = stacked(5.0, above=0)
    age_weight: float | Tensor = stacked(1.0, least=0)
    anatomy_weight: float | Tensor = stacked(1.0, least=0)
    sharpness: float | None = None

    def forward(
        self,
        z: Tensor,
        measures: Tensor,
        y: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Return the sum of the two terms, each a mean over the anchors.

        ``measures`` has shape (..., n_samples, n_regions, n_measures), such as thickness, volume
        and surface; ``y`` is age. In each term, a subject with NaN has only its own views as
        positives.
        """
        batch = make_batch(z, mask, sample_weight)
        u, scale = batch.u, self.scale(batch.u.dtype)
        denominator = log_denominator(batch, scale, shifted=self.shifted)
        of_age = affinity_weights(metadata(y, z, u), "gaussian", per_model(self.bandwidth, u))
        of_anatomy = self._of_anatomy(metadata(measures, z, u, n_trailing=2))
        age = weighted_contrast(batch, denominator, scale, of_age)
        anatomy = weighted_contrast(batch, denominator, scale, of_anatomy)
        terms = (self.age_weight, age), (self.anatomy_weight, anatomy)
        age, anatomy = (per_model(weight, u, 1) * loss for weight, loss in terms)
        return (age + anatomy).view(z.shape[:-3])

    def _of_anatomy(self, measures: Tensor) -> Tensor:
        weights = KERNELS[self.anatomy](measures)
        if self.sharpness is None:
            return weights
        known = ~measures.isnan().flatten(2).any(-1)
        return isolate(torch.exp(self.sharpness * (weights - 1)), known)

    def target(
        self,
        measures: ArrayLike | Tensor,
        y: ArrayLike | Tensor,
        *,
        sample_weight: ArrayLike | Tensor | None = None,
    ) -> Tensor:
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
        shape = 1, -1, *np.shape(measures)[1:]
        numbers = self.age_weight, self.anatomy_weight, self.bandwidth, self.temperature
        age_weight, anatomy_weight, bandwidth, temperature = map(single_number, numbers)

        def log_weights(rows: Tensor, count: Tensor) -> Tensor:
            of_age = affinity_weights(rows[:, -1:], "gaussian", bandwidth)
            of_anatomy = self._of_anatomy(rows[:, :-1].reshape(shape))[0]
            age, anatomy = _balanced(of_age, count), _balanced(of_anatomy, count)
            return (age_weight * age + anatomy_weight * anatomy).log()

        rows = torch.cat([as_rows(measures), as_rows(y)], 1)
        return log_mds(rows, log_weights, temperature, sample_weight)


def _balanced(weights: Tensor, count: Tensor) -> Tensor:
    """Return weights over the roots of their sums by row and by column."""
    root = (weights @ count).clamp_min(min_count(count)).sqrt()
    return weights / root / root[:, None]
