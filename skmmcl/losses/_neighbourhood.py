"""TACO, within subjects: neighborhoods of tokens that two modalities should have in common."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from skmmcl.losses._parts._batch import at_least_single, mean_of_subjects
from skmmcl.losses._parts._stacking import Loss, loss_parameters

MAX_EXACT = 256  # tokens; with more, negatives are drawn under negatives="auto"


class TokenLoss(Loss):
    """Base of losses of the order of tokens, all of which may be drawn as negatives."""

    negatives: Literal["auto", "all", "sample"]
    seed: int

    def __post_init__(self) -> None:
        self.generator = torch.Generator().manual_seed(self.seed)

    def _draws(self, n_tokens: int) -> bool:
        return self.negatives == "sample" or (self.negatives == "auto" and n_tokens > MAX_EXACT)


@loss_parameters
class NeighbourhoodLoss(TokenLoss):
    """Preservation of neighborhoods: neighbors in one modality are to be neighbors in the other.

    For each token of a modality, its nearest tokens there (by Euclidean distance) are to be closer
    to it in the other modality, by the cosine distance d, than those that are not, with a margin:
    ``relu(d(t, near) - d(t, far) + margin)``, the term within subjects of :cite:t:`pan2026`. Both
    directions are summed. Neighborhoods are constants: the gradient goes through the other
    modality.

    Parameters
    ----------
    n_neighbors : int, default=5
        Number of neighbors of a token, at most half of the others.
    margin : float, default=0.05
        By how much neighbors must be closer.
    negatives : {"auto", "all", "sample"}, default="auto"
        Whether neighbors are contrasted with all other tokens, or with as many drawn ones;
        "auto" draws above 256 tokens.
    seed : int, default=0
        Seed of the tokens that are drawn.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import NeighbourhoodLoss
    >>> z = torch.randn(2, 8, 3, generator=torch.Generator().manual_seed(0))
    >>> z = z / z.norm(dim=-1, keepdim=True)
    >>> NeighbourhoodLoss(margin=0.0)(z, z)  # the same order in both
    tensor(0.)
    """

    _: KW_ONLY
    n_neighbors: int = 5
    margin: float = 0.05
    negatives: Literal["auto", "all", "sample"] = "auto"
    seed: int = 0

    def forward(
        self,
        one: Tensor,
        other: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
        drawn: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Return the mean over the subjects of the sum of both directions.

        ``one`` and ``other`` are tokens (n_samples, n_tokens, n_components), of which token t is
        the same place in both; a subject without one of them in ``mask`` (n_samples, 2) is left
        out. ``drawn`` are the negatives of each direction, in place of drawing them.
        """
        given = drawn or (None, None)
        loss = self.one_way(one, other, given[0]) + self.one_way(other, one, given[1])
        return mean_of_subjects(loss, sample_weight, None if mask is None else mask.all(1))

    def one_way(self, one: Tensor, other: Tensor, drawn: Tensor | None = None) -> Tensor:
        """Return the loss of each subject, with the neighborhoods of ``one``.

        Parameters
        ----------
        one, other : Tensor of shape (n_samples, n_tokens, n_components)
            Tokens of two modalities.
        drawn : Tensor of int (n_samples, n_tokens, n_neighbors), optional
            Negatives of each token.

        Returns
        -------
        Tensor of shape (n_samples,)
            Mean over tokens and their neighbors.
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

    def _draw(self, near: Tensor, n_tokens: int) -> Tensor:
        """Draw as many tokens as there are neighbors, none of them near, none twice."""
        noise = torch.rand(*near.shape[:2], n_tokens, generator=self.generator).to(near.device)
        noise = noise.masked_fill(_marked(near, n_tokens), -1)
        return noise.topk(near.shape[2], dim=-1).indices


def nearest(tokens: Tensor, k: int) -> Tensor:
    """Return the k nearest other tokens by Euclidean distance: (n_samples, n_tokens, k).

    Also where tokens coincide, a token is never its own neighbor.
    """
    tokens = tokens.detach()
    distance = torch.cdist(tokens, tokens, compute_mode="donot_use_mm_for_euclid_dist")
    distance.diagonal(dim1=1, dim2=2).fill_(torch.inf)
    return distance.argsort(dim=-1, stable=True)[..., :k]


def _marked(near: Tensor, n_tokens: int) -> Tensor:
    """Return which tokens are near to each, or itself: (n_samples, n_tokens, n_tokens)."""
    marked = torch.eye(n_tokens, dtype=torch.bool, device=near.device).repeat(len(near), 1, 1)
    return marked.scatter(2, near, value=True)
