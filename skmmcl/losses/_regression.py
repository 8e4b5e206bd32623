"""Contrast for regression, in which a subject repels another the more, the more they differ."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from skmmcl.kernels._affinity import Kernel
from skmmcl.losses._gram import REMOVED
from skmmcl.losses._guided import mean_over, subjects
from skmmcl.losses._kernel import KernelLoss
from skmmcl.losses._pairs import cosines, log_add, log_sum, of_views, pair_counts, row_mean
from skmmcl.losses._parameters import per_lane
from skmmcl.losses._target import kernel_components, simplex


class RegressionLoss(KernelLoss):
    """A loss in which each positive of an anchor is held against others of its own."""

    lane_parameters: ClassVar[tuple[str, ...]] = ("temperature", "bandwidth")

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
            What is regressed. A subject with NaN, or -1 among integers, attracts its own
            views alone and is a negative of all others.
        mask : Tensor of shape ``(*lanes, n_samples, n_views)``, optional
            True where the subject has the view; an absent embedding takes no part.
        sample_weight : Tensor of shape ``(*lanes, n_samples)``, optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of shape ``(*lanes,)``
            A scalar without lanes; 0 when no anchor has a positive. May be negative.
        """
        batch = subjects(z, mask, sample_weight)
        s = cosines(batch) / per_lane(self.temperature, batch.u)
        counts = pair_counts(batch)
        weights = of_views(self.weights(y, z, batch), batch)
        against = self._against(s, weights, counts)
        # A positive that nothing is held against has no term, but keeps its share.
        terms = torch.where(against > REMOVED / 2, against - s, 0)
        loss, total = row_mean(terms, weights * counts)
        anchors = batch.anchors.flatten(1) * (total > 0)
        return mean_over(anchors, loss).view(z.shape[:-3])

    def _against(self, s: Tensor, weights: Tensor, counts: Tensor) -> Tensor:
        """Logarithm of what each positive (a column) of each anchor (a row) is held against."""
        raise NotImplementedError


class ExpRegressionLoss(RegressionLoss):
    """L-exp: the more alike a subject is to the anchor, the weaker is it repelled.

    Parameters
    ----------
    temperature : float or Tensor of shape ``(*lanes,)``, default=0.1
        Divides the cosine similarities.
    kernel : str, sequence of str or callable, default="gaussian"
        As `skmmcl.kernels.affinity` takes it.
    bandwidth : float, sequence of float or Tensor, default=2.0
        Of the kernel, for all columns or for each; a tensor is of shape ``(*lanes,)`` or
        ``(*lanes, n_columns)``.
    include_positive : bool, default=True
        Whether a positive is held against itself too, which bounds its term below and
        makes training more stable; the paper's form leaves it out.

    References
    ----------
    .. [1] Barbano C. A. et al. (2023). Contrastive learning for regression in multi-site
       brain age prediction. ISBI.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import ExpRegressionLoss
    >>> angle = torch.tensor([0.0, 0.5, 1.0])
    >>> z = torch.stack([angle.cos(), angle.sin()], -1)[None]
    >>> age = torch.tensor([20.0, 22.0, 24.0])
    >>> ordered, mixed = (ExpRegressionLoss()(z, age[i]) for i in ([0, 1, 2], [1, 0, 2]))
    >>> bool(ordered < mixed)
    True
    """

    def __init__(
        self,
        temperature: float | Tensor = 0.1,
        *,
        kernel: Kernel = "gaussian",
        bandwidth: float | tuple[float, ...] | Tensor = 2.0,
        include_positive: bool = True,
    ) -> None:
        super().__init__(temperature, kernel, bandwidth)
        self.include_positive = include_positive

    def _against(self, s: Tensor, weights: Tensor, counts: Tensor) -> Tensor:
        strength = s * (1 - weights)
        if self.include_positive:
            return log_sum(strength, counts)[..., None].expand_as(s)
        others = _log_sum_of_others(strength, counts)
        copies = (counts - 1).clamp_min(0)
        alike = strength.masked_fill(copies == 0, REMOVED)
        return log_add(others, alike + copies.masked_fill(copies == 0, 1).log())

    def target(self, y: Any, *, sample_weight: Any = None) -> Tensor:
        """Return the geometry at the optimum, one row for each subject.

        Kernel principal components of the metadata, ``H W H = T T'``: subjects who are alike do
        not repel, so that the optimum has the kernel itself rather than its logarithm. It is an
        approximation, for small temperatures such as the default.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_columns)
            Metadata; NaN, or -1 among integers, where unknown.
        sample_weight : array-like of shape (n_samples,), optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of float64 ``(n_samples, n_columns)``
            On the CPU; NaN for the unknown.
        """
        rows = self.target_rows(y)
        if self.is_of_classes():
            return simplex(rows, sample_weight)
        return kernel_components(rows, self.kernel_of, sample_weight)


class ThresholdRegressionLoss(RegressionLoss):
    """L-thr: each positive is held against those less alike to the anchor than itself.

    It has no `target`, as `has_target` tells.

    Parameters
    ----------
    temperature : float or Tensor of shape ``(*lanes,)``, default=0.1
        Divides the cosine similarities.
    kernel : str, sequence of str or callable, default="gaussian"
        As `skmmcl.kernels.affinity` takes it.
    bandwidth : float, sequence of float or Tensor, default=2.0
        Of the kernel, for all columns or for each; a tensor is of shape ``(*lanes,)`` or
        ``(*lanes, n_columns)``.

    References
    ----------
    .. [1] Barbano C. A. et al. (2023). Contrastive learning for regression in multi-site
       brain age prediction. ISBI.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import ThresholdRegressionLoss
    >>> angle = torch.tensor([0.0, 0.5, 1.0])
    >>> z = torch.stack([angle.cos(), angle.sin()], -1)[None]
    >>> age = torch.tensor([20.0, 22.0, 24.0])
    >>> loss = ThresholdRegressionLoss()
    >>> ordered, mixed = (loss(z, age[i]) for i in ([0, 1, 2], [1, 0, 2]))
    >>> bool(ordered < mixed)
    True
    """

    has_target: ClassVar[bool] = False

    def __init__(
        self,
        temperature: float | Tensor = 0.1,
        *,
        kernel: Kernel = "gaussian",
        bandwidth: float | tuple[float, ...] | Tensor = 2.0,
    ) -> None:
        super().__init__(temperature, kernel, bandwidth)

    def _against(self, s: Tensor, weights: Tensor, counts: Tensor) -> Tensor:
        # Those of less weight come first in a row that is sorted by weight.
        ordered, order = weights.sort(dim=-1, stable=True)
        none = counts == 0
        logits = (s + counts.masked_fill(none, 1).log()).masked_fill(none, REMOVED)
        cumulated = torch.logcumsumexp(logits.gather(-1, order), -1)
        n_less = torch.searchsorted(ordered, weights)
        less = cumulated.gather(-1, (n_less - 1).clamp_min(0))
        return torch.where(n_less > 0, less, REMOVED)

    def target(self, y: Any, *, sample_weight: Any = None) -> Tensor:
        """Raise an error, as no geometry of the optimum is known.

        The loss is unbounded: a positive is not held against itself, so that its term falls
        as far as the temperature lets it.

        Parameters
        ----------
        y : array-like of shape (n_samples,)
            Metadata.
        sample_weight : array-like of shape (n_samples,), optional
            Weights.

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError(
            "ThresholdRegressionLoss has no target. It is unbounded: a positive is not among those "
            "that it is compared to, so that no entropy bounds its term, and no geometry of the "
            "optimum is known. Train it by gradient, or take ExpRegressionLoss or YAwareLoss, "
            "which have a target."
        )


def _log_sum_of_others(logits: Tensor, counts: Tensor) -> Tensor:
    """Logarithm of the sum over all columns of a row but this: (lanes, rows, columns).

    What is subtracted is at most half of the sum, save for the largest column, whose others
    are summed anew: so no digits are lost.
    """
    none = counts == 0
    logs = (logits + counts.masked_fill(none, 1).log()).masked_fill(none, REMOVED)
    everyone = log_sum(logits, counts)[..., None]
    largest = torch.zeros_like(none).scatter_(-1, logs.argmax(-1, keepdim=True), True)
    of_largest = log_sum(logits, counts.masked_fill(largest, 0))[..., None]
    part = torch.exp(logs - everyone).masked_fill(largest | none, 0)
    return torch.where(largest, of_largest, everyone + torch.log1p(-part))
