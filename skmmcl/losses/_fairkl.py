"""Similarities that do not depend on a bias."""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn

from skmmcl.kernels._sets import delta_weights
from skmmcl.losses._guided import metadata, subjects
from skmmcl.losses._pairs import cosines, of_views, pair_counts
from skmmcl.losses._parameters import LaneParameter, per_lane
from skmmcl.losses._similarity import over

# Keeps the slope of a deviation finite where all similarities of a group are equal.
SMOOTHING = 1e-12

# Below this variance of cosines, a divergence would tell rounding from rounding.
LEAST_VARIANCE = 1e-6


class Moments(NamedTuple):
    """Of the similarities of a group of pairs in each lane."""

    mean: Tensor
    variance: Tensor
    weight: Tensor


class FairKLLoss(nn.Module):
    """FairKL: pairs that share a bias are to be as similar as those that do not.

    The distributions of the cosines of the two groups are matched as Gaussians, for pairs of
    one class and for pairs of two. Many geometries meet that, so there is no ``target``.

    Parameters
    ----------
    form : {"moments", "kl"}, default="moments"
        Whether means and standard deviations are matched by their squared differences, or
        by the Kullback-Leibler divergence of bias-conflicting from bias-aligned pairs.
    std_weight : float or Tensor of shape ``(*lanes,)``, default=1.0
        Of the standard deviations among the moments.

    References
    ----------
    .. [1] Barbano C. A. et al. (2023). Unbiased supervised contrastive learning. ICLR.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import FairKLLoss
    >>> z = torch.randn(1, 8, 3, generator=torch.Generator().manual_seed(0))
    >>> y, site = torch.arange(8) % 2, torch.arange(8) % 3
    >>> bool(FairKLLoss()(z, y, site) > 0)
    True
    """

    lane_parameters: ClassVar[tuple[str, ...]] = ("std_weight",)
    std_weight = LaneParameter()

    def __init__(
        self, form: Literal["moments", "kl"] = "moments", *, std_weight: float | Tensor = 1.0
    ) -> None:
        super().__init__()
        if form not in ("moments", "kl"):
            raise ValueError(f"form must be 'moments' or 'kl', got {form!r}.")
        self.form = form
        self.std_weight = std_weight

    def forward(
        self,
        z: Tensor,
        y: Tensor,
        bias: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Value of each lane.

        Parameters
        ----------
        z : Tensor of shape ``(*lanes, n_views, n_samples, n_components)``
            Embeddings; each view is a modality or an augmentation.
        y, bias : Tensor of shape ``(*lanes, n_samples)``
            Codes of class and of bias. A subject with -1 or NaN in either takes no part.
        mask : Tensor of shape ``(*lanes, n_samples, n_views)``, optional
            True where the subject has the view; an absent embedding takes no part.
        sample_weight : Tensor of shape ``(*lanes, n_samples)``, optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of shape ``(*lanes,)``
            A scalar without lanes. Of a group without pairs nothing is matched, of one with
            a single pair no standard deviation.
        """
        batch = subjects(z, mask, sample_weight)
        y, bias = (metadata(codes, z, batch.u) for codes in (y, bias))
        known = ((y >= 0) & (bias >= 0))[..., 0].to(batch.u.dtype)
        pairs = known[:, :, None] * known[:, None]
        weight = batch.anchors.flatten(1)[..., None] * pair_counts(batch) * of_views(pairs, batch)
        same_class, same_bias = (of_views(delta_weights(codes), batch) for codes in (y, bias))
        similarities = cosines(batch)
        loss = torch.zeros_like(weight[:, 0, 0])
        for of_class in (same_class, 1 - same_class):
            aligned, conflicting = (
                moments(similarities, weight * of_class * of_bias)
                for of_bias in (same_bias, 1 - same_bias)
            )
            loss = loss + self._mismatch(aligned, conflicting)
        return loss.view(z.shape[:-3])

    def _mismatch(self, a: Moments, b: Moments) -> Tensor:
        # Each pair is met from both ends.
        several = (a.weight > 2) & (b.weight > 2)
        if self.form == "kl":
            return torch.where(several, gaussian_kl(a, b), 0)
        of_means = (a.mean - b.mean).square()
        deviation = (a.variance + SMOOTHING).sqrt() - (b.variance + SMOOTHING).sqrt()
        of_deviations = per_lane(self.std_weight, a.mean, 1) * deviation.square()
        there_are = (a.weight > 0) & (b.weight > 0)
        return torch.where(there_are, of_means, 0) + torch.where(several, of_deviations, 0)


def moments(values: Tensor, weight: Tensor) -> Moments:
    """Weighted mean and variance in each lane."""
    total = weight.flatten(1).sum(1)
    share = over(weight, total[:, None, None])
    mean = (values * share).flatten(1).sum(1)
    deviation = values - mean[:, None, None]
    return Moments(mean, (deviation.square() * share).flatten(1).sum(1), total)


def gaussian_kl(a: Moments, b: Moments) -> Tensor:
    """Kullback-Leibler divergence of the Gaussian b from the Gaussian a."""
    of_a, of_b = (m.variance.clamp_min(LEAST_VARIANCE) for m in (a, b))
    ratio = of_a / of_b
    return ((a.mean - b.mean).square() / of_b + ratio - ratio.log() - 1) / 2
