"""CMC+CSS: cross-modality contrast within subjects, supervised contrast across them."""

from __future__ import annotations

from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.losses import CMCLoss, PairwiseCMCLoss, SupConLoss
from skmmcl.training import Term
from skmmcl.utils._sklearn import Interval, StrOptions


@embedder
class CMCCSSEmbedder(BaseEmbedder):
    """docstring"""

    temperature: float = 0.7
    cmc_weight: float = 1.0
    css_weight: float = 1.0
    denominator: Literal["negatives", "all"] = "negatives"
    pairwise: bool = False
    normalize_each: bool = False
    projection_dim: int | None = None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseEmbedder._parameter_constraints,
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "cmc_weight": [Interval(Real, 0, None, closed="left")],
        "css_weight": [Interval(Real, 0, None, closed="left")],
        "denominator": [StrOptions({"negatives", "all"})],
        "pairwise": ["boolean"],
        "normalize_each": ["boolean"],
        "projection_dim": [Interval(Integral, 1, None, closed="left"), None],
    }

    @classmethod
    def from_paper(cls, **params: Any) -> Self:
        paper = {
            "n_components": 8,
            "temperature": 0.7,
            "lr": 1e-3,
            "weight_decay": 1e-3,
            "max_epochs": 1000,
            "batch_size": 10,
        }
        return cls(**{**paper, **params})

    def _make_network(self, **layout: Any) -> partial:
        return super()._make_network(
            projection_dim=self.projection_dim, normalize_each=self.normalize_each, **layout
        )

    def _make_objective(self) -> list[Term]:
        cmc = (
            PairwiseCMCLoss(self.temperature)
            if self.pairwise
            else CMCLoss(self.temperature, denominator=self.denominator)
        )
        css = SupConLoss(self.temperature)
        return [
            Term("cmc", cmc, on=("z", "mask", "sample_weight"), weight=self.cmc_weight),
            Term("css", css, on=("z_fused", "y", "sample_weight"), weight=self.css_weight),
        ]

    def _uses_classes(self) -> bool:
        return self.css_weight > 0
