"""Names of the types that public signatures share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from pandas import DataFrame
    from sklearn.model_selection import BaseCrossValidator

    from skmmcl.data import MultimodalData

# The subjects, as `fit` and `transform` take them: a container, a mapping of modality to array, or
# one table or array, which is one modality.
Subjects: TypeAlias = "MultimodalData | Mapping[str, Any] | DataFrame | ArrayLike"
# Classes or values of the subjects; None for none.
Target: TypeAlias = ArrayLike | None
SampleWeight: TypeAlias = ArrayLike | None
Groups: TypeAlias = ArrayLike | None
RandomState: TypeAlias = int | np.random.RandomState | None
CrossValidator: TypeAlias = (
    "int | BaseCrossValidator | Iterable[tuple[ArrayLike, ArrayLike]] | None"
)
Scoring: TypeAlias = str | Callable[..., float] | None
# One scorer or several, as scikit-learn takes them.
Scorers: TypeAlias = str | Callable[..., Any] | Collection[str] | Mapping[str, Any] | None
