"""Deep CCA: correlation of the embeddings of two modalities."""

from __future__ import annotations

from dataclasses import KW_ONLY
from itertools import permutations
from typing import Any, Literal

import torch
from torch import Tensor

from skmmcl.losses._parts._batch import at_least_single, safe_divide
from skmmcl.losses._parts._stacking import Loss, loss_parameters


@loss_parameters
class CCALoss(Loss):
    """Negative canonical correlation of each ordered pair of modalities, summed.

    Between views with covariances S11, S22 and S12 it is the norm of ``S11^(-1/2) S12
    S22^(-1/2)``, T of :cite:t:`andrew2013deep,wang2015deep`. With no more subjects in a batch than
    components, nearly everything correlates, and the ridge alone decides.

    Parameters
    ----------
    norm : {"fro", "nuc"}, default="fro"
        Root of the sum of squared canonical correlations, as in published code, or their
        sum, as in the original paper.
    ridge : float, default=0.001
        Added to the variances.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import CCALoss
    >>> h = torch.tensor([[0.0, 1.0], [1.0, 0.0], [-1.0, 2.0], [2.0, -3.0]])
    >>> round(CCALoss()(torch.stack([h, h])).item(), 2)  # twice the root of two
    -2.82
    """

    _: KW_ONLY
    norm: Literal["fro", "nuc"] = "fro"
    ridge: float = 1e-3

    def forward(
        self, z: Tensor, mask: Tensor | None = None, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Return the sum over the ordered pairs of views; 0 with fewer than two subjects.

        ``z`` (n_views, n_samples, n_components) is not put on the sphere. A subject takes part in
        the pairs of which it has both views.
        """
        z = at_least_single(z)
        norm: Any = self.norm
        weight = z.new_ones(z.shape[1]) if sample_weight is None else sample_weight.to(z.dtype)
        total = z.new_zeros(())
        for i, j in permutations(range(len(z)), 2):
            both = weight if mask is None else weight * (mask[:, i] & mask[:, j])
            total = total - torch.linalg.matrix_norm(self._whitened(z[i], z[j], both), norm)
        return total

    def _whitened(self, one: Tensor, other: Tensor, weight: Tensor) -> Tensor:
        """Return the cross-covariance of both views after whitening, but for rotations.

        Cholesky factors replace symmetric roots: norms are the same, and gradients stay finite
        where variances are equal.
        """
        count = weight.sum()
        # Weights below 1 count as those of two subjects at least, whose covariance has no bias.
        share = safe_divide(weight, torch.maximum(count - 1, count / 2))[:, None]
        one, other = (h - safe_divide((weight[:, None] * h).sum(0), count) for h in (one, other))
        ridge = self.ridge * torch.eye(one.shape[1], dtype=one.dtype, device=one.device)
        left, right = (torch.linalg.cholesky(h.mT @ (share * h) + ridge) for h in (one, other))
        between = one.mT @ (share * other)
        half = torch.linalg.solve_triangular(left, between, upper=False)
        return torch.linalg.solve_triangular(right, half.mT, upper=False).mT
