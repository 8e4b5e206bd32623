"""TACO, between subjects: neighborhoods of tokens without a known correspondence."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from skmmcl.losses._neighbourhood import TokenLoss
from skmmcl.losses._parts._batch import at_least_single, safe_divide
from skmmcl.losses._parts._stacking import loss_parameters

MAX_HINGES = 2**19  # numbers that max_pairs="auto" lets a direction hold
MIN_PAIRS = 6


@loss_parameters
class PseudoCorrespondenceLoss(TokenLoss):
    """Preservation of the neighborhoods of matched tokens between subjects.

    Tokens of two subjects match where each is the other's nearest by the cosine distance d. Around
    a matched token, those of its neighbors that are matched too are to be closer, in the other
    subject, than its unmatched tokens, with a margin: ``relu(d(t, near) - d(t, far) + margin)``,
    the term between subjects of :cite:t:`pan2026`. Tokens without a match are not attracted.

    Parameters
    ----------
    n_neighbors : int, default=5
        Number of neighbors of a token, matched or not; in an atlas at most half of the others.
    margin : float, default=0.4
        By how much neighbors must be closer.
    match : {"mutual", "identity"}, default="mutual"
        Whether matches are found, or token t is the same place in all subjects, as in an
        atlas.
    negatives : {"auto", "all", "sample"}, default="auto"
        Whether neighbors are contrasted with all tokens without a match, or each with a
        drawn one; "auto" draws above 256 tokens.
    max_pairs : int, "auto" or None, default=6
        Maximal number of ordered pairs of subjects that are drawn; "auto" for as many as keep
        the memory small, at least 6; None for all.
    seed : int, default=0
        Seed of the pairs and negatives that are drawn.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import PseudoCorrespondenceLoss
    >>> z = torch.randn(1, 8, 3, generator=torch.Generator().manual_seed(0))
    >>> PseudoCorrespondenceLoss()(z, z)  # a single subject
    tensor(0.)
    """

    _: KW_ONLY
    n_neighbors: int = 5
    margin: float = 0.4
    match: Literal["mutual", "identity"] = "mutual"
    negatives: Literal["auto", "all", "sample"] = "auto"
    max_pairs: int | Literal["auto"] | None = 6
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.rng = np.random.default_rng(self.seed)

    def forward(
        self,
        one: Tensor,
        other: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Return the mean over pairs of subjects, from ``one`` to ``other`` and back.

        Both are tokens (n_samples, n_tokens, n_components) of a modality; ``mask`` (n_samples, 2)
        says who has it. 0 with a single subject.
        """
        counts = [_pair_counts(one, mask, sample_weight, k) for k in (0, 1)]
        p, q = self._draw((counts[0] + counts[1]) > 0, one.shape[1])
        total = (one.sum() + other.sum()) * 0
        for (a, b), count in zip(((one, other), (other, one)), counts, strict=True):
            weight = count[p, q]
            losses = self.of_pairs(a.index_select(0, p), b.index_select(0, q))
            total = total + (losses * safe_divide(weight.to(losses.dtype), weight.sum())).sum()
        return total

    def of_pair(self, one: Tensor, other: Tensor) -> Tensor:
        """Return the loss of one ordered pair of subjects.

        Parameters
        ----------
        one, other : Tensor of shape (n_tokens, n_components)
            Tokens of two subjects, of which the first gives the neighborhoods.

        Returns
        -------
        Tensor
            A scalar; 0 where no matched token has a matched neighbor.
        """
        return self.of_pairs(one[None], other[None])[0]

    def of_pairs(self, one: Tensor, other: Tensor) -> Tensor:
        """Return the loss of ordered pairs of subjects.

        Parameters
        ----------
        one, other : Tensor of shape (n_pairs, n_tokens, n_components)
            Tokens of the subjects of each pair, of which the first gives the neighborhoods.

        Returns
        -------
        Tensor of shape (n_pairs,)
            0 where no matched token has a matched neighbor.
        """
        a, b = (F.normalize(at_least_single(x), dim=-1) for x in (one, other))
        image, matched = self._matches(a.detach(), b.detach())
        near = _nearest(a.detach(), self._n_neighbors(a.shape[1]))
        counted = matched[..., None] & _at(matched, near)
        u = b.gather(1, image[..., None].expand(-1, -1, b.shape[-1]))
        distance = 1 - u @ b.mT
        positives = _at(image, near)
        to_near = distance.gather(2, positives)[..., None]
        others, distance = _negatives(image, matched, positives)[:, :, None], distance[:, :, None]
        if self._draws(a.shape[1]):
            others, distance = self._drawn(others, distance, near.shape[2])
        used = counted[..., None] & others
        n_used = used.sum((2, 3))
        hinges = F.relu(to_near - distance + self.margin) * used
        of_anchor = hinges.sum((2, 3)) / n_used.clamp_min(1)
        return of_anchor.sum(1) / (n_used > 0).sum(1).clamp_min(1)

    def _drawn(self, others: Tensor, distance: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Draw one of the others for each neighbor: whether there is any, and its distance.

        All are (n_pairs, n_tokens, k or 1, n_tokens or 1); others may be drawn twice.
        """
        counted = others.squeeze(2).cumsum(2)
        n_others = counted[..., -1:]
        draw = torch.rand(*others.shape[:2], k, generator=self.generator).to(distance.device)
        nth = (draw * n_others).long().clamp_max(n_others - 1) + 1
        which = torch.searchsorted(counted, nth).clamp_max(distance.shape[-1] - 1)
        found = distance.squeeze(2).gather(2, which)
        return (n_others > 0)[..., None], found[..., None]

    def _n_neighbors(self, n_tokens: int) -> int:
        """Return the number of neighbors; negatives remain even if every token matches."""
        most = (n_tokens - 1) // 2 if self.match == "identity" else n_tokens - 1
        return max(1, min(self.n_neighbors, most))

    def _draw(self, possible: Tensor, n_tokens: int) -> tuple[Tensor, Tensor]:
        """Draw ordered pairs of subjects, as two arrays of indices."""
        pairs = possible.nonzero()
        most = self.max_pairs
        if most == "auto":
            per_pair = n_tokens**2 * (1 if self._draws(n_tokens) else self._n_neighbors(n_tokens))
            most = max(MIN_PAIRS, MAX_HINGES // per_pair)
        if most is not None and len(pairs) > most:
            drawn = np.sort(self.rng.choice(len(pairs), most, replace=False))
            pairs = pairs[torch.as_tensor(drawn, device=pairs.device)]
        return pairs[:, 0], pairs[:, 1]

    def _matches(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Return the token of b that is nearest to each token of a, and which of them match."""
        rows = torch.arange(a.shape[1], device=a.device).expand(a.shape[:2])
        if self.match == "identity":
            return rows, torch.ones_like(rows, dtype=torch.bool)
        similarity = a @ b.mT
        image, back = similarity.argmax(2), similarity.argmax(1)
        return image, back.gather(1, image) == rows


def _pair_counts(
    like: Tensor, mask: Tensor | None, sample_weight: Tensor | None, first: int
) -> Tensor:
    """Return how often each ordered pair of subjects counts, if the first shows modality ``first``.

    A subject of weight w is w subjects, which make pairs among themselves.
    """
    weight = like.new_ones(len(like)) if sample_weight is None else sample_weight
    counts = torch.outer(weight, weight) - torch.diag(weight)
    if mask is not None:
        counts = counts * torch.outer(mask[:, first], mask[:, 1 - first])
    return counts.clamp_min(0)


def _nearest(a: Tensor, k: int) -> Tensor:
    """Return the k other tokens nearest to each by the cosine: (n_pairs, n_tokens, k)."""
    similarity = a @ a.mT
    similarity.diagonal(dim1=1, dim2=2).fill_(-torch.inf)
    order = similarity.argsort(dim=2, descending=True, stable=True)
    return order[..., :k]


def _at(values: Tensor, index: Tensor) -> Tensor:
    """Return values (n_pairs, n_tokens) at indices (n_pairs, n_tokens, k) of tokens."""
    return values.gather(1, index.flatten(1)).view_as(index)


def _negatives(image: Tensor, matched: Tensor, positives: Tensor) -> Tensor:
    """Return which tokens are negatives of an anchor: (n_pairs, n_tokens, n_tokens).

    The unmatched ones; where there are none, all but the token and its positives.
    """
    taken = torch.zeros_like(image).scatter_add(1, image, matched.to(image.dtype)) > 0
    others = torch.ones_like(matched)[:, None].repeat(1, image.shape[1], 1)
    others = others.scatter(2, torch.cat([image[..., None], positives], 2), value=False)
    return torch.where(taken.all(1)[:, None, None], others, ~taken[:, None])
