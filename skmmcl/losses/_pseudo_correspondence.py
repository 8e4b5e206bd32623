"""Partial order between subjects whose tokens do not correspond by themselves."""

from __future__ import annotations

from itertools import permutations
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skmmcl.losses._similarity import at_least_single


class PseudoCorrespondenceLoss(nn.Module):
    """Neighbourhoods of one subject's matched tokens shall be kept in another subject.

    Tokens of two subjects match where each is the other's nearest by the cosine. Around a
    matched token, those of its neighbours that are matched too are to be closer, in the
    other subject, than its unmatched tokens, with a margin. Tokens without a match are
    drawn nowhere.

    Parameters
    ----------
    n_neighbors : int, default=5
        Neighbours of a token, matched or not.
    margin : float, default=0.4
        By how much neighbours must be closer.
    match : {"mutual", "identity"}, default="mutual"
        Whether matches are found, or token t is the same place in all subjects, as in an
        atlas.
    max_pairs : int or None, default=6
        At most so many ordered pairs of subjects are drawn; None for all.
    seed : int, default=0
        Draws the pairs.

    References
    ----------
    .. [1] Pan C. et al. (2026). Beyond instance-level self-supervision in 3D multi-modal
       medical imaging. ICML. arXiv 2605.14654.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import PseudoCorrespondenceLoss
    >>> z = torch.randn(1, 8, 3, generator=torch.Generator().manual_seed(0))
    >>> PseudoCorrespondenceLoss()(z, z)  # a single subject
    tensor(0.)
    """

    def __init__(
        self,
        *,
        n_neighbors: int = 5,
        margin: float = 0.4,
        match: Literal["mutual", "identity"] = "mutual",
        max_pairs: int | None = 6,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.n_neighbors = n_neighbors
        self.margin = margin
        self.match = match
        self.max_pairs = max_pairs
        self.rng = np.random.default_rng(seed)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """Mean over pairs of subjects, from ``one`` to ``other`` and back.

        Parameters
        ----------
        one, other : Tensor of shape (n_samples, n_tokens, n_components)
            Tokens of two modalities.

        Returns
        -------
        Tensor
            A scalar; 0 with a single subject.
        """
        pairs = list(permutations(range(len(one)), 2))
        if self.max_pairs is not None and len(pairs) > self.max_pairs:
            drawn = self.rng.choice(len(pairs), self.max_pairs, replace=False)
            pairs = [pairs[i] for i in np.sort(drawn)]
        if not pairs:
            return (one.sum() + other.sum()) * 0
        losses = [self.of_pair(one[p], other[q]) + self.of_pair(other[p], one[q]) for p, q in pairs]
        return torch.stack(losses).mean()

    def of_pair(self, one: Tensor, other: Tensor) -> Tensor:
        """Loss of one ordered pair of subjects, whose first gives the neighbourhoods.

        Parameters
        ----------
        one, other : Tensor of shape (n_tokens, n_components)
            Tokens of two subjects.

        Returns
        -------
        Tensor
            A scalar; 0 where no matched token has a matched neighbour.
        """
        a, b = (F.normalize(at_least_single(x), dim=-1) for x in (one, other))
        image, matched = self._matches(a.detach(), b.detach())
        near = _neighbours(a.detach(), self.n_neighbors) & matched
        anchors = torch.nonzero(matched & near.any(1))[:, 0]
        distance = 1 - b @ b.mT
        losses = []
        for anchor in anchors.tolist():
            u = image[anchor]
            positives = image[near[anchor]]
            negatives = _negatives(image[matched], positives, u, len(b))
            if len(negatives):
                apart = distance[u, positives][:, None] - distance[u, negatives] + self.margin
                losses.append(F.relu(apart).mean())
        return torch.stack(losses).mean() if losses else (a.sum() + b.sum()) * 0

    def _matches(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """The token of b that each token of a matches, and which of them truly do."""
        rows = torch.arange(len(a), device=a.device)
        if self.match == "identity":
            return rows, torch.ones_like(rows, dtype=torch.bool)
        similarity = a @ b.mT
        image, back = similarity.argmax(1), similarity.argmax(0)
        return image, back[image] == rows


def _neighbours(a: Tensor, k: int) -> Tensor:
    """Whether the column is among the k nearest of the row, itself left out."""
    similarity = a @ a.mT
    similarity.fill_diagonal_(-torch.inf)
    order = similarity.argsort(dim=1, descending=True, stable=True)[:, : min(k, len(a) - 1)]
    return torch.zeros_like(similarity, dtype=torch.bool).scatter(1, order, value=True)


def _negatives(images: Tensor, positives: Tensor, u: Tensor, n_tokens: int) -> Tensor:
    """Unmatched tokens; where there are none, all but the token and its positives."""
    free = torch.ones(n_tokens, dtype=torch.bool, device=images.device)
    free[images] = False
    if not free.any():
        free[:] = True
        free[positives] = False
        free[u] = False
    return torch.nonzero(free)[:, 0]
