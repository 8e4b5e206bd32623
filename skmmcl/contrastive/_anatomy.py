"""The guide of AnatCL: age, and measures of brain regions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from skmmcl.contrastive._guides import KernelGuide
from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError
from skmmcl.losses import AnatCLLoss
from skmmcl.losses._parts._stacking import loss_parameters


@loss_parameters
class AnatCLOfTargets(AnatCLLoss):
    """AnatCL of targets whose columns are the age and then all measures of a ``shape``."""

    shape: tuple[int, ...] = ()

    def forward(self, z: Tensor, targets: Tensor, *others: Tensor | None) -> Tensor:
        """Return the sum of the two terms, each a mean over the anchors."""
        measures = targets[..., 1:].unflatten(-1, self.shape)
        return super().forward(z, measures, targets[..., 0], *others)


class AnatomyGuide(KernelGuide):
    """Guidance by age and measures of brain regions."""

    table: tuple[int, ...] | None  # shape of the measures of a subject
    _kept = ("learned", "table")

    def __init__(self, settings: Any) -> None:
        super().__init__(settings, "gaussian")
        self.measures = settings.measures

    def values(self, y: Any, data: MultimodalData) -> np.ndarray | None:
        """Return the age, and then all measures."""
        age = super().values(y, data)
        if age is None or age.shape[1] != 1:
            raise DataError(f"Age must be one column, found {self.names}.")
        measures = measures_of_regions(data, self.measures)
        found = None if measures is None else measures.shape[1:]
        if not hasattr(self, "table"):
            self.table = found
        elif found != self.table:
            raise DataError(
                f"The measures have shape {found} per subject, but {self.user} was fitted on "
                f"{self.table}."
            )
        return age if measures is None else np.c_[age, measures.reshape(len(data), -1)]

    def learn(self, values: np.ndarray, sample_weight: np.ndarray | None) -> None:
        """Check both, and find the bandwidth of age."""
        super().learn(values[:, :1], sample_weight)
        if values.shape[1] > 1 and np.isnan(values[:, 1:]).any(1).all():
            raise DataError(f"None of the {len(values)} subjects has all measures of all regions.")


def measures_of_regions(
    data: MultimodalData, names: str | Sequence[str] | None
) -> np.ndarray | None:
    """Return the tables of regions, (n_samples, n_regions, n_measures); None if there is none."""
    meta = data.meta
    if names is None:
        names = [name for name, values in meta.items() if np.ndim(values) > 1]
        if not names:
            return None
    names = [names] if isinstance(names, str) else list(names)
    unknown = [name for name in names if name not in meta and name not in data.modalities]
    if unknown or not names:
        found = {name: values.shape[1:] for name, values in meta.items() if values.ndim > 1}
        raise DataError(
            f"measures={names} must name tables of X.meta, which holds the tables {found}, or "
            f"modalities, which are {list(data.modalities)}. Side data come with "
            "MultimodalData(..., meta={'thickness': of_subjects_and_regions})."
        )
    tables = {name: _table_of_regions(data, name) for name in names}
    n_regions = {name: table.shape[1] for name, table in tables.items()}
    if len(set(n_regions.values())) > 1:
        raise DataError(f"All measures must have the same number of regions; found {n_regions}.")
    return np.concatenate(list(tables.values()), axis=2)


def _table_of_regions(data: MultimodalData, name: str) -> np.ndarray:
    """Return a table as (n_samples, n_regions, n_measures), NaN in rows that are absent."""
    is_side = name in data.meta
    found = np.asarray(data.meta[name] if is_side else data[name])
    if found.ndim not in (2, 3) or found.dtype.kind not in "biuf":
        raise DataError(
            f"Measures {name!r} have shape {found.shape[1:]} per subject and type {found.dtype}; "
            "expected numbers of shape (n_regions,) or (n_regions, n_measures)."
        )
    table = np.array(found, dtype=np.float64)
    if not is_side:
        table[~data.mask[:, data.modalities.index(name)]] = np.nan
    if np.isinf(table).any():
        raise DataError(f"Measures {name!r} hold infinite numbers.")
    return table.reshape(*table.shape[:2], -1)
