"""Uniformity of the subjects' mean embeddings."""

from __future__ import annotations

from typing import ClassVar, Literal, cast

import torch
from torch import Tensor, nn

from skmmcl.kernels._affinity import Kernel, affinity_weights, check_kernel
from skmmcl.kernels._distance import cosine_weights
from skmmcl.losses._conditional import log_mean
from skmmcl.losses._guided import Subjects, metadata, subjects
from skmmcl.losses._pairs import log_sum
from skmmcl.losses._parameters import LaneParameter, per_column, per_lane
from skmmcl.losses._similarity import over


class DecoupledUniformityLoss(nn.Module):
    """Logarithm of the mean Gaussian potential of the means of each subject's views.

    No positives are needed: means can be far from each other only if they are long, which
    is where views agree. With a kernel of a prior representation, or of metadata, means are
    first replaced by their kernel ridge regression on it. The optimum is not determined by what
    is known of the subjects alone, so there is no ``target``.

    Parameters
    ----------
    t : float or Tensor of shape ``(*lanes,)``, default=2.0
        The potential of two means at distance d is ``exp(-t d^2)``.
    kernel : "cosine", str, sequence of str or callable, optional
        As `skmmcl.kernels.affinity` takes it, or "cosine".
    bandwidth : float, sequence of float or Tensor, default=1.0
        Of the kernel, for all columns or for each; a tensor is of shape ``(*lanes,)`` or
        ``(*lanes, n_columns)``.
    regularization : float or "auto", default=0.01
        Added to the diagonal of the kernel matrix; "auto" is one over the root of the number
        of subjects.

    References
    ----------
    .. [1] Dufumier B. et al. (2023). Integrating prior knowledge in contrastive learning
       with kernel. ICML.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import DecoupledUniformityLoss
    >>> z = torch.eye(2).expand(2, 2, 2)  # two views of two subjects
    >>> DecoupledUniformityLoss()(z).item()
    -4.0
    """

    lane_parameters: ClassVar[tuple[str, ...]] = ("bandwidth", "t")
    bandwidth = LaneParameter()
    t = LaneParameter()

    def __init__(
        self,
        t: float | Tensor = 2.0,
        *,
        kernel: Kernel | None = None,
        bandwidth: float | tuple[float, ...] | Tensor = 1.0,
        regularization: float | Literal["auto"] = 0.01,
    ) -> None:
        super().__init__()
        self.t = t
        self.kernel = kernel if kernel is None or kernel == "cosine" else check_kernel(kernel)
        self.bandwidth = bandwidth
        self.regularization = regularization

    def forward(
        self,
        z: Tensor,
        prior: Tensor | None = None,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Value of each lane.

        Parameters
        ----------
        z : Tensor of shape ``(*lanes, n_views, n_samples, n_components)``
            Embeddings; each view is a modality or an augmentation.
        prior : Tensor of shape ``(*lanes, n_samples, n_features)``, optional
            What the kernel is of; needed if there is one. A subject with NaN is alike to
            itself alone.
        mask : Tensor of shape ``(*lanes, n_samples, n_views)``, optional
            True where the subject has the view; an absent embedding takes no part.
        sample_weight : Tensor of shape ``(*lanes, n_samples)``, optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of shape ``(*lanes,)``
            A scalar without lanes; 0 with fewer than two subjects.
        """
        batch = subjects(z, mask, sample_weight)
        n_present = (batch.anchors > 0).to(batch.u.dtype)
        means = (batch.u * over(n_present, n_present.sum(1, keepdim=True))[..., None]).sum(1)
        counts = batch.anchors.amax(1)
        if self.kernel is not None:
            if prior is None:
                raise ValueError("The kernel needs a prior, got none.")
            means = torch.bmm(self._smoother(metadata(prior, z, batch.u), counts, batch), means)
        squares = means.square().sum(-1)
        distances = squares[:, :, None] + squares[:, None] - 2 * torch.bmm(means, means.mT)
        keys = counts[:, None].expand_as(distances).clone()
        keys.diagonal(dim1=1, dim2=2).mul_(batch.own)
        by_row = log_sum(-per_lane(self.t, batch.u) * distances, keys)
        total = keys.sum(-1)
        return log_mean(by_row, counts, total > 0, total).view(z.shape[:-3])

    @torch.no_grad()
    def _smoother(self, prior: Tensor, counts: Tensor, batch: Subjects) -> Tensor:
        """Kernel ridge regression as a matrix: (K + regularization)^-1 K for counts of 1."""
        if self.kernel == "cosine":
            k = cosine_weights(prior)
        else:
            kernel = cast("Kernel", self.kernel)
            k = affinity_weights(prior, kernel, per_column(self.bandwidth, batch.u))
        k = k.to(batch.u.dtype)
        root = counts.sqrt()
        if self.regularization == "auto":
            ridge = counts.sum(-1, keepdim=True).clamp_min(1).rsqrt().expand_as(counts)
        else:
            ridge = torch.full_like(counts, self.regularization)
        inner = root[:, :, None] * k * root[:, None] + torch.diag_embed(ridge)
        # The form that does not look at whether it worked, for which it would have to wait.
        solved, _ = torch.linalg.solve_ex(inner, root[:, :, None] * k)
        return solved.mT * root[:, None]
