"""Topological consistency over all pairs of modalities, and between subjects."""

from __future__ import annotations

from itertools import combinations
from math import inf
from numbers import Real
from typing import Any

import torch
from torch import Tensor, nn

from skmmcl.losses import NeighbourhoodLoss, PseudoCorrespondenceLoss, ReconstructionLoss
from skmmcl.training import Term


class OverPairs(nn.Module):
    """Mean of a loss of two modalities over all pairs of them."""

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def forward(
        self, tokens: Tensor, mask: Tensor | None = None, sample_weight: Tensor | None = None
    ) -> Tensor:
        values = []
        for v, w in combinations(range(len(tokens)), 2):
            both = None if mask is None else mask[:, [v, w]]
            values.append(self.loss(tokens[v], tokens[w], both, sample_weight))
        return torch.stack(values).mean()


def consistency_terms(settings: Any) -> list[Term]:
    """Make the terms within and between subjects, and the reconstruction."""
    intra_margin, inter_margin = _two_margins(settings.margins)
    options = {"n_neighbors": settings.n_neighbors, "negatives": settings.negatives}
    intra = NeighbourhoodLoss(margin=intra_margin, **options)
    inter = PseudoCorrespondenceLoss(
        margin=inter_margin, match=_matching(settings), max_pairs="auto", **options
    )
    on = ("tokens", "mask", "sample_weight")
    terms = [
        Term("intra", OverPairs(intra), on, settings.intra_weight),
        Term("inter", OverPairs(inter), on, settings.inter_weight),
    ]
    if settings.reconstruction_weight:
        per_modality = settings.reconstruction_weight / max(2, len(settings.modalities_))
        seen = ("x_hat", "x_seen", "mask", "sample_weight")
        terms.append(Term("reconstruction", ReconstructionLoss(), seen, per_modality))
    return terms


def _two_margins(margins: Any) -> tuple[float, float]:
    if len(margins) != 2 or not all(isinstance(m, Real) and 0 <= float(m) < inf for m in margins):
        raise ValueError(
            "margins must be two numbers of at least 0, within and between subjects, got "
            f"{margins!r}."
        )
    return float(margins[0]), float(margins[1])


def _matching(settings: Any) -> Any:
    """Return what "auto" means for the tokens that are the same place in two subjects."""
    if settings.match != "auto":
        return settings.match
    has_volumes = any(len(shape) > 2 for shape in settings.shapes_.values())
    return "mutual" if has_volumes else "identity"
