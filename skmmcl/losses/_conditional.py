"""Alignment of subjects who are alike, and uniformity of those who are not."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from skmmcl.kernels._affinity import Kernel, affinity_weights, check_kernel
from skmmcl.losses._guided import Subjects, attraction, mean_over, metadata, subjects, totals
from skmmcl.losses._pairs import cosines, log_sum, of_views, pair_counts
from skmmcl.losses._parameters import LaneParameter, per_column, per_lane
from skmmcl.losses._similarity import over


class ConditionalLoss(nn.Module):
    """A loss of distances on the sphere, weighted by a kernel of metadata."""

    lane_parameters: ClassVar[tuple[str, ...]] = ("bandwidth",)
    bandwidth = LaneParameter()

    def __init__(self, kernel: Kernel, bandwidth: float | tuple[float, ...] | Tensor) -> None:
        super().__init__()
        self.kernel = check_kernel(kernel)
        self.bandwidth = bandwidth

    def forward(
        self,
        z: Tensor,
        y: Tensor | None = None,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Value of each lane.

        Parameters
        ----------
        z : Tensor of shape ``(*lanes, n_views, n_samples, n_components)``
            Embeddings; each view is a modality or an augmentation.
        y : Tensor of shape ``(*lanes, n_samples)`` or ``(*lanes, n_samples, n_columns)``, optional
            Metadata. A subject with NaN, or -1 among integers, is alike to itself alone, and
            so is everyone if there is none.
        mask : Tensor of shape ``(*lanes, n_samples, n_views)``, optional
            True where the subject has the view; an absent embedding takes no part.
        sample_weight : Tensor of shape ``(*lanes, n_samples)``, optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of shape ``(*lanes,)``
            A scalar without lanes; 0 when there is no pair.
        """
        batch = subjects(z, mask, sample_weight)
        if y is None:
            n_samples = batch.u.shape[2]
            weights = torch.eye(n_samples, dtype=batch.u.dtype, device=z.device)[None]
            weights = weights.expand(len(batch.u), -1, -1)
        else:
            bandwidth = per_column(self.bandwidth, batch.u)
            weights = affinity_weights(metadata(y, z, batch.u), self.kernel, bandwidth).to(
                batch.u.dtype
            )
        return self._value(batch, weights).view(z.shape[:-3])

    def _value(self, batch: Subjects, weights: Tensor) -> Tensor:
        raise NotImplementedError


class ConditionalAlignmentLoss(ConditionalLoss):
    """Mean squared distance between subjects, weighted by how alike they are.

    No closed form of the optimum with uniformity is known, so there is no ``target``.

    Parameters
    ----------
    kernel : str, sequence of str or callable, default="gaussian"
        As `skmmcl.kernels.affinity` takes it.
    bandwidth : float, sequence of float or Tensor, default=5.0
        Of the kernel, for all columns or for each; a tensor is of shape ``(*lanes,)`` or
        ``(*lanes, n_columns)``.

    References
    ----------
    .. [1] Dufumier B. et al. (2021). Conditional alignment and uniformity for contrastive
       learning with continuous proxy labels. arXiv 2111.05643.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import ConditionalAlignmentLoss
    >>> z = torch.eye(2)[None]  # one view of two subjects
    >>> ConditionalAlignmentLoss()(z, torch.tensor([20.0, 25.0])).item()
    2.0
    """

    def __init__(
        self,
        kernel: Kernel = "gaussian",
        bandwidth: float | tuple[float, ...] | Tensor = 5.0,
    ) -> None:
        super().__init__(kernel, bandwidth)

    def _value(self, batch: Subjects, weights: Tensor) -> Tensor:
        total = totals(batch, weights)
        length = batch.u.square().sum(-1)
        # Of a pair, the squares of both lengths come once from either.
        distances = 2 * over(total * length - attraction(batch, weights), total)
        return mean_over(batch.anchors * total, distances)


class ConditionalUniformityLoss(ConditionalLoss):
    """Logarithm of the mean Gaussian potential of subjects, weighted by how unlike they are.

    Without metadata this is the uniformity of [2]_.

    Parameters
    ----------
    t : float or Tensor of shape ``(*lanes,)``, default=2.0
        The potential of two embeddings at distance d is ``exp(-t d^2)``.
    kernel : str, sequence of str or callable, default="gaussian"
        As `skmmcl.kernels.affinity` takes it.
    bandwidth : float, sequence of float or Tensor, default=5.0
        Of the kernel, for all columns or for each; a tensor is of shape ``(*lanes,)`` or
        ``(*lanes, n_columns)``.
    divisor : {"weights", "pairs"}, default="weights"
        Whether the sum is divided by the weights, or by the number of pairs.

    References
    ----------
    .. [1] Dufumier B. et al. (2021). Conditional alignment and uniformity for contrastive
       learning with continuous proxy labels. arXiv 2111.05643.
    .. [2] Wang T., Isola P. (2020). Understanding contrastive representation learning
       through alignment and uniformity on the hypersphere. ICML.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import ConditionalUniformityLoss
    >>> z = torch.eye(2)[None]  # one view of two subjects
    >>> ConditionalUniformityLoss()(z, torch.tensor([20.0, 80.0])).item()
    -4.0
    """

    lane_parameters: ClassVar[tuple[str, ...]] = ("bandwidth", "t")
    t = LaneParameter()

    def __init__(
        self,
        t: float | Tensor = 2.0,
        *,
        kernel: Kernel = "gaussian",
        bandwidth: float | tuple[float, ...] | Tensor = 5.0,
        divisor: Literal["weights", "pairs"] = "weights",
    ) -> None:
        super().__init__(kernel, bandwidth)
        self.t = t
        self.divisor = divisor

    def _value(self, batch: Subjects, weights: Tensor) -> Tensor:
        counts, anchors = pair_counts(batch), batch.anchors.flatten(1)
        unlike = counts * (1 - of_views(weights, batch)).clamp_min(0)
        squares = batch.u.square().sum(-1).flatten(1)
        distances = squares[:, :, None] + squares[:, None] - 2 * cosines(batch)
        by_row = log_sum(-per_lane(self.t, batch.u) * distances, unlike)
        divided_by = unlike if self.divisor == "weights" else counts
        return log_mean(by_row, anchors, (unlike.sum(-1) > 0), divided_by.sum(-1))


def log_mean(logs: Tensor, anchors: Tensor, counted: Tensor, divisor: Tensor) -> Tensor:
    """Logarithm of the rows' sum over their divisor, in each lane; 0 where there is none."""
    total = (anchors * divisor).sum(-1)
    there_is = (anchors * counted).sum(-1) > 0
    logs = log_sum(logs, anchors * counted) - torch.where(there_is, total, 1).log()
    return torch.where(there_is, logs, 0)
