"""Neighbourhoods of tokens that two modalities, or two subjects, should have in common."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skmmcl.losses._parts._batch import at_least_single, safe_divide

MOST_EXACT = 256  # tokens; with more, negatives are drawn under negatives="auto"


class NeighbourhoodLoss(nn.Module):
    """Tokens that are neighbours in one modality shall be so in the other.

    For each token of a modality, its nearest tokens there (by Euclidean distance) are to
    be closer to it in the other modality, by the cosine, than those that are not, with a
    margin. Both directions are summed. Neighbourhoods are constants: the gradient goes
    through the other modality.

    Parameters
    ----------
    n_neighbors : int, default=5
        Neighbours of a token; no more than half of the others.
    margin : float, default=0.05
        By how much neighbours must be closer.
    negatives : {"auto", "all", "sample"}, default="auto"
        Whether neighbours are held against all other tokens, or against as many drawn
        ones; "auto" draws above 256 tokens.
    seed : int, default=0
        Draws them.

    References
    ----------
    .. [1] Pan C. et al. (2026). Beyond instance-level self-supervision in 3D multi-modal
       medical imaging. ICML. arXiv 2605.14654.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import NeighbourhoodLoss
    >>> z = torch.randn(2, 8, 3, generator=torch.Generator().manual_seed(0))
    >>> z = z / z.norm(dim=-1, keepdim=True)
    >>> NeighbourhoodLoss(margin=0.0)(z, z)  # the same order in both
    tensor(0.)
    """

    def __init__(
        self,
        *,
        n_neighbors: int = 5,
        margin: float = 0.05,
        negatives: Literal["auto", "all", "sample"] = "auto",
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.n_neighbors = n_neighbors
        self.margin = margin
        self.negatives = negatives
        self.generator = torch.Generator().manual_seed(seed)

    def forward(
        self,
        one: Tensor,
        other: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
        drawn: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Mean over the subjects of the sum of both directions.

        Parameters
        ----------
        one, other : Tensor of shape (n_samples, n_tokens, n_components)
            Tokens of two modalities; token t is the same place in both.
        mask : Tensor of shape (n_samples, 2), optional
            True where the subject has the modality; without one of them it is left out.
        sample_weight : Tensor of shape (n_samples,), optional
            A subject of weight w counts as w identical subjects.
        drawn : (Tensor, Tensor) of int (n_samples, n_tokens, n_neighbors), optional
            The negatives of each direction, in place of drawing them.

        Returns
        -------
        Tensor
            A scalar.
        """
        given = drawn or (None, None)
        loss = self.one_way(one, other, given[0]) + self.one_way(other, one, given[1])
        weight = torch.ones_like(loss) if sample_weight is None else sample_weight.to(loss.dtype)
        if mask is not None:
            weight = weight * mask.all(1)
        return (loss * safe_divide(weight, weight.sum())).sum()

    def one_way(self, one: Tensor, other: Tensor, drawn: Tensor | None = None) -> Tensor:
        """Loss of each subject, with the neighbourhoods of ``one``.

        Parameters
        ----------
        one, other : Tensor of shape (n_samples, n_tokens, n_components)
            Tokens of two modalities.
        drawn : Tensor of int (n_samples, n_tokens, n_neighbors), optional
            Negatives of each token.

        Returns
        -------
        Tensor of shape (n_samples,)
            Mean over tokens and their neighbours.
        """
        one, other = (at_least_single(x) for x in (one, other))
        n_tokens = one.shape[1]
        k = max(1, min(self.n_neighbors, (n_tokens - 1) // 2))
        near = nearest(one, k)
        u = F.normalize(other, dim=-1, eps=1e-12)
        distance = 1 - u @ u.mT
        to_near = distance.gather(2, near)
        if drawn is None and self._draws(n_tokens):
            drawn = self._draw(near, n_tokens)
        if drawn is not None:
            hinge = F.relu(to_near - distance.gather(2, drawn.to(near.device)) + self.margin)
            return hinge.mean((1, 2))
        far = ~_marked(near, n_tokens)
        hinge = F.relu(to_near[..., None] - distance[:, :, None] + self.margin)
        return (hinge * far[:, :, None]).sum((1, 2, 3)) / (far.sum((1, 2)) * k).clamp_min(1)

    def _draws(self, n_tokens: int) -> bool:
        return self.negatives == "sample" or (self.negatives == "auto" and n_tokens > MOST_EXACT)

    def _draw(self, near: Tensor, n_tokens: int) -> Tensor:
        """As many tokens as there are neighbours, none of them near, none twice."""
        noise = torch.rand(*near.shape[:2], n_tokens, generator=self.generator).to(near.device)
        noise = noise.masked_fill(_marked(near, n_tokens), -1)
        return noise.topk(near.shape[2], dim=-1).indices


def nearest(tokens: Tensor, k: int) -> Tensor:
    """The k nearest other tokens of each, by Euclidean distance: (n_samples, n_tokens, k).

    Also where tokens coincide, a token is never its own neighbour.
    """
    tokens = tokens.detach()
    distance = torch.cdist(tokens, tokens, compute_mode="donot_use_mm_for_euclid_dist")
    distance.diagonal(dim1=1, dim2=2).fill_(torch.inf)
    return distance.argsort(dim=-1, stable=True)[..., :k]


def _marked(near: Tensor, n_tokens: int) -> Tensor:
    """Which tokens are near to each, or itself: (n_samples, n_tokens, n_tokens)."""
    marked = torch.eye(n_tokens, dtype=torch.bool, device=near.device).repeat(len(near), 1, 1)
    return marked.scatter(2, near, value=True)
