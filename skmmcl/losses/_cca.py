"""Correlation of the embeddings of two modalities."""

from __future__ import annotations

from itertools import permutations
from typing import Any, Literal

import torch
from torch import Tensor, nn

from skmmcl.losses._similarity import at_least_single


class CCALoss(nn.Module):
    """Negative canonical correlation of each ordered pair of modalities, summed.

    Between views with covariances ``S11``, ``S22`` and ``S12`` it is the norm of
    ``S11^(-1/2) S12 S22^(-1/2)``. With no more subjects in a batch than components, nearly
    everything correlates, and the ridge alone decides.

    Parameters
    ----------
    norm : {"fro", "nuc"}, default="fro"
        Root of the sum of squared canonical correlations, as in published code, or their
        sum, as in the original paper.
    ridge : float, default=0.001
        Added to the variances.

    References
    ----------
    .. [1] Andrew G., Arora R., Bilmes J., Livescu K. (2013). Deep canonical correlation
       analysis. ICML.
    .. [2] Wang W., Arora R., Livescu K., Bilmes J. (2015). On deep multi-view
       representation learning. ICML.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import CCALoss
    >>> h = torch.tensor([[0.0, 1.0], [1.0, 0.0], [-1.0, 2.0], [2.0, -3.0]])
    >>> round(CCALoss()(torch.stack([h, h])).item(), 2)  # twice the root of two
    -2.82
    """

    def __init__(self, *, norm: Literal["fro", "nuc"] = "fro", ridge: float = 1e-3) -> None:
        super().__init__()
        self.norm: Any = norm
        self.ridge = ridge

    def forward(
        self, z: Tensor, mask: Tensor | None = None, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Sum over the ordered pairs of views.

        Parameters
        ----------
        z : Tensor of shape (n_views, n_samples, n_components)
            Embeddings, not put on the sphere.
        mask : Tensor of shape (n_samples, n_views), optional
            True where the subject has the view. A subject takes part in the pairs of
            which it has both views.
        sample_weight : Tensor of shape (n_samples,), optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor
            A scalar; 0 with fewer than two subjects.
        """
        z = at_least_single(z)
        weight = z.new_ones(z.shape[1]) if sample_weight is None else sample_weight.to(z.dtype)
        total = z.new_zeros(())
        for i, j in permutations(range(len(z)), 2):
            both = weight if mask is None else weight * (mask[:, i] & mask[:, j])
            total = total - torch.linalg.matrix_norm(self._whitened(z[i], z[j], both), self.norm)
        return total

    def _whitened(self, one: Tensor, other: Tensor, weight: Tensor) -> Tensor:
        """Cross-covariance of both views after whitening, but for rotations.

        Cholesky factors in place of symmetric roots: norms are the same, and gradients
        stay finite where variances are equal.
        """
        count = weight.sum()
        share = (weight / (count - 1).clamp_min(1))[:, None]
        one, other = (h - (weight[:, None] * h).sum(0) / count.clamp_min(1) for h in (one, other))
        ridge = self.ridge * torch.eye(one.shape[1], dtype=one.dtype, device=one.device)
        left, right = (torch.linalg.cholesky(h.mT @ (share * h) + ridge) for h in (one, other))
        between = one.mT @ (share * other)
        half = torch.linalg.solve_triangular(left, between, upper=False)
        return torch.linalg.solve_triangular(right, half.mT, upper=False).mT
