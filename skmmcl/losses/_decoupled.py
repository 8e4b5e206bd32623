"""Decoupled uniformity: uniformity of the subjects' mean embeddings."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Literal

import torch
from torch import Tensor

from skmmcl.kernels._affinity import Kernel
from skmmcl.kernels._distance import cosine_weights
from skmmcl.losses._parts._batch import make_batch, metadata, safe_divide
from skmmcl.losses._parts._guided import KernelWeights
from skmmcl.losses._parts._pairs import log_mean, log_sum, squared_distances
from skmmcl.losses._parts._stacking import loss_parameters, per_model, stacked


@loss_parameters
class DecoupledUniformityLoss(KernelWeights):
    """Logarithm of the mean Gaussian potential of the means of each subject's views.

    ``log mean_{i != j} exp(-t |mu_i - mu_j|^2)`` :cite:p:`dufumier2023integrating`. No positives
    are needed: means can be far from each other only if they are long, which is where views agree.
    With a kernel K of a prior representation, or of metadata, means are first replaced by their
    kernel ridge regression on it, ``(K + regularization * I)^-1 K mu``. The optimum is not
    determined by the metadata alone, so there is no ``target``.

    Parameters
    ----------
    t : float or Tensor, default=2.0
        The potential of two means at distance d is ``exp(-t d^2)``.
    kernel : "cosine", str, sequence of str or callable, optional
        As `skmmcl.kernels.affinity` takes it, or "cosine".
    bandwidth : float, sequence of float or Tensor, default=1.0
        Bandwidth of the kernel, for all columns or for each.
    regularization : float or "auto", default=0.01
        Added to the diagonal of the kernel matrix; "auto" is one over the root of the number
        of subjects.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import DecoupledUniformityLoss
    >>> z = torch.eye(2).expand(2, 2, 2)  # two views of two subjects
    >>> DecoupledUniformityLoss()(z).item()
    -4.0
    """

    t: float | Tensor = stacked(2.0, above=0)
    _: KW_ONLY
    kernel: Kernel | None = None  # type: ignore[assignment]
    bandwidth: float | tuple[float, ...] | Tensor = stacked(1.0, above=0)
    regularization: float | Literal["auto"] = 0.01

    def __post_init__(self) -> None:
        if self.kernel is not None and self.kernel != "cosine":
            super().__post_init__()
        # Equal subjects make the kernel matrix singular.
        if self.regularization != "auto" and not self.regularization > 0:
            raise ValueError(f"regularization must be above 0, got {self.regularization!r}.")

    def forward(
        self,
        z: Tensor,
        prior: Tensor | None = None,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Return one number for each fit; 0 with fewer than two subjects.

        ``prior`` has shape (..., n_samples, n_features); the kernel is of it. A subject with NaN
        is similar to itself alone. The other arguments are those of `YAwareLoss`.
        """
        batch = make_batch(z, mask, sample_weight)
        n_present = (batch.anchors > 0).to(batch.u.dtype)
        share = safe_divide(n_present, n_present.sum(1, keepdim=True))
        means = (batch.u * share[..., None]).sum(1)
        counts = batch.anchors.amax(1)
        if self.kernel is not None:
            if prior is None:
                raise ValueError("The kernel needs a prior, got none.")
            means = torch.bmm(self._smoother(metadata(prior, z, batch.u), counts), means)
        keys = counts[:, None].expand(-1, counts.shape[1], -1).clone()
        keys.diagonal(dim1=1, dim2=2).mul_(batch.self_weight)
        by_row = log_sum(-per_model(self.t, means) * squared_distances(means), keys)
        total = keys.sum(-1)
        return log_mean(by_row, counts, total > 0, total).view(z.shape[:-3])

    @torch.no_grad()
    def _smoother(self, prior: Tensor, counts: Tensor) -> Tensor:
        """Return kernel ridge regression as a matrix: (K + ridge I)^-1 K for counts of 1."""
        k = cosine_weights(prior) if self.kernel == "cosine" else self._weights(prior)
        k = k.to(counts.dtype)
        root = counts.sqrt()
        if self.regularization == "auto":
            ridge = counts.sum(-1, keepdim=True).clamp_min(1).rsqrt().expand_as(counts)
        else:
            ridge = torch.full_like(counts, self.regularization)
        inner = root[:, :, None] * k * root[:, None] + torch.diag_embed(ridge)
        # The form that does not look at whether it worked, for which it would have to wait.
        solved, _ = torch.linalg.solve_ex(inner, root[:, :, None] * k)
        return solved.mT * root[:, None]
