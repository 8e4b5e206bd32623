"""What the embedders share that are guided by what is known of the subjects."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np

from skmmcl.base import BaseEmbedder
from skmmcl.contrastive._columns import the_column, warn_of_lone
from skmmcl.data import MultimodalData
from skmmcl.utils._sklearn import Interval, StrOptions

# What a loss of guided contrast is computed on, beside a class or metadata.
OF_CLASSES = ("z", "y", "mask", "sample_weight")
OF_METADATA = ("z", "targets", "mask", "sample_weight")

POSITIVE = [Interval(Real, 0, None, closed="neither")]
NOT_NEGATIVE = [Interval(Real, 0, None, closed="left")]
WIDTH = [Interval(Integral, 1, None, closed="left"), None]
COLUMNS = [str, list, tuple, None]
KERNEL = [
    StrOptions({"cauchy", "delta", "epanechnikov", "exponential", "gaussian", "jaccard"}),
    list,
    tuple,
    callable,
]
BANDWIDTH = [StrOptions({"scott", "silverman", "median"}), *POSITIVE, list, tuple]


class BaseGuidedEmbedder(BaseEmbedder):
    """An embedder with a projection head between the representation and its losses."""

    projection_dim: int | None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseEmbedder._parameter_constraints,  # noqa: SLF001
        "projection_dim": WIDTH,
    }

    def _make_network(self, **layout: Any) -> partial:
        return super()._make_network(projection_dim=self.projection_dim, **layout)


class BaseClassEmbedder(BaseGuidedEmbedder):
    """An embedder that may be guided by one class of each subject, of ``y`` or of the meta."""

    metadata: str | Sequence[str] | None

    def _uses_classes(self) -> bool:
        return True

    def _requires_y(self) -> bool:
        return self.metadata is None

    def _read_classes(
        self, y: Any, data: MultimodalData, counted: Any, *, reset: bool
    ) -> np.ndarray:
        guided = self._uses_classes()
        if guided and self.metadata is not None:
            y = the_column(data, self.metadata)
        codes = super()._read_classes(y, data, counted, reset=reset)
        if guided and reset:
            warn_of_lone(codes, "classes", stacklevel=5)
        return codes
