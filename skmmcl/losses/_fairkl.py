"""FairKL: similarities that do not depend on a bias."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from skmmcl.kernels._sets import delta_weights
from skmmcl.losses._parts._batch import make_batch, metadata, safe_divide
from skmmcl.losses._parts._pairs import for_views, pair_counts, products
from skmmcl.losses._parts._stacking import Loss, loss_parameters, per_model, stacked

# Keeps the slope of a deviation finite where all similarities of a group are equal.
SMOOTHING = 1e-12

# Below this variance of cosines, a divergence would compare rounding with rounding.
MIN_VARIANCE = 1e-6


class Moments(NamedTuple):
    """Moments of the similarities of a group of pairs in each model."""

    mean: Tensor
    variance: Tensor
    are_some: Tensor  # bool: whether there is a pair
    are_several: Tensor  # bool: whether there are two, so that they can deviate


@loss_parameters
class FairKLLoss(Loss):
    """FairKL: equal similarities of pairs that share a bias and of pairs that do not.

    The distributions of the cosines of the two groups are matched as Gaussians, for pairs of one
    class and for pairs of two :cite:p:`barbano2023unbiased`. Many geometries meet that, so there
    is no ``target``.

    Parameters
    ----------
    form : {"moments", "kl"}, default="moments"
        Whether means and standard deviations are matched by their squared differences, or
        by the Kullback-Leibler divergence of bias-conflicting from bias-aligned pairs.
    std_weight : float or Tensor, default=1.0
        Weight of the standard deviations among the moments.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import FairKLLoss
    >>> z = torch.randn(1, 8, 3, generator=torch.Generator().manual_seed(0))
    >>> y, site = torch.arange(8) % 2, torch.arange(8) % 3
    >>> bool(FairKLLoss()(z, y, site) > 0)
    True
    """

    form: Literal["moments", "kl"] = "moments"
    _: KW_ONLY
    std_weight: float | Tensor = stacked(1.0, least=0)

    def forward(
        self,
        z: Tensor,
        y: Tensor,
        bias: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Return one number for each fit.

        ``y`` and ``bias`` are codes (..., n_samples); a subject with -1 or NaN in either takes no
        part. A group without pairs is not matched, and one with a single pair in its mean alone.
        The other arguments are those of `YAwareLoss`.
        """
        batch = make_batch(z, mask, sample_weight)
        y, bias = (metadata(codes, z, batch.u) for codes in (y, bias))
        known = ((y >= 0) & (bias >= 0))[..., 0].to(batch.u.dtype)
        pairs = pair_counts(batch) * for_views(known[:, :, None] * known[:, None], batch)
        weight = batch.anchors.flatten(1)[..., None] * pairs
        same_class, same_bias = (for_views(delta_weights(codes), batch) for codes in (y, bias))
        similarities = products(batch)
        loss = torch.zeros_like(weight[:, 0, 0])
        for of_class in (same_class, 1 - same_class):
            aligned, conflicting = (
                moments(similarities, weight * of_class * of_bias)
                for of_bias in (same_bias, 1 - same_bias)
            )
            loss = loss + self._mismatch(aligned, conflicting)
        return loss.view(z.shape[:-3])

    def _mismatch(self, a: Moments, b: Moments) -> Tensor:
        several = a.are_several & b.are_several
        if self.form == "kl":
            return torch.where(several, gaussian_kl(a, b), 0)
        of_means = torch.where(a.are_some & b.are_some, (a.mean - b.mean).square(), 0)
        deviation = (a.variance + SMOOTHING).sqrt() - (b.variance + SMOOTHING).sqrt()
        of_deviations = per_model(self.std_weight, a.mean, 1) * deviation.square()
        return of_means + torch.where(several, of_deviations, 0)


def moments(values: Tensor, weight: Tensor) -> Moments:
    """Return the weighted mean and variance in each model."""
    total = weight.flatten(1).sum(1)
    share = safe_divide(weight, total[:, None, None])
    mean = (values * share).flatten(1).sum(1)
    deviation = values - mean[:, None, None]
    variance = (deviation.square() * share).flatten(1).sum(1)
    # Each pair is met from both ends; by their number too, as weights may be below 1.
    several = (total > 2) | ((weight > 0).flatten(1).sum(1) > 2)
    return Moments(mean, variance, total > 0, several)


def gaussian_kl(a: Moments, b: Moments) -> Tensor:
    """Return the Kullback-Leibler divergence of the Gaussian b from the Gaussian a."""
    of_a, of_b = (m.variance.clamp_min(MIN_VARIANCE) for m in (a, b))
    ratio = of_a / of_b
    return ((a.mean - b.mean).square() / of_b + ratio - ratio.log() - 1) / 2
