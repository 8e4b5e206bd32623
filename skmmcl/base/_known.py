"""The training subjects: their modalities, classes, numbers and weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing

from skmmcl.base._guide import Guide
from skmmcl.base._input import (
    check_n_subjects,
    check_subjects,
    checked_weight,
    read_input,
    warn_if_unpaired,
)
from skmmcl.base._views import resolve_views
from skmmcl.data import MultimodalData
from skmmcl.data._frames import is_table
from skmmcl.data._who import check_same_subjects
from skmmcl.exceptions import DataError
from skmmcl.utils._named import named
from skmmcl.utils._sklearn import num_samples
from skmmcl.utils._targets import ContinuousError, as_labels, encode_classes, warn_if_measured

Known = dict[str, Any]  # "y", "targets" and "sample_weight", as terms of an objective name them


def read_training(
    estimator: Any, X: Any, y: Any, sample_weight: Any, *, reset: bool
) -> tuple[MultimodalData, Known, Any]:
    """Return the subjects of a fit with their targets and weights; raise before any training.

    Parameters
    ----------
    estimator : BaseEmbedder
        With ``reset`` it learns modalities, shapes, its guide and the classes, against which
        later calls are checked.
    X, y, sample_weight : Any
        As `BaseEmbedder.fit` takes them.
    reset : bool
        Whether this fit begins anew.

    Returns
    -------
    data : MultimodalData
        The subjects of weight above 0.
    known : dict of str to ndarray or None
        Their class codes "y", by which batches are stratified, -1 for none; numbers
        "targets"; and "sample_weight".
    counted : slice or ndarray of int
        Positions of these subjects in X.
    """
    user = type(estimator).__name__
    data = read_input(estimator, X, reset=reset)
    check_same_subjects({"X": X if is_table(X) else data, "y": y, "sample_weight": sample_weight})
    counted: Any = slice(None)
    if sample_weight is not None:
        sample_weight = checked_weight(sample_weight, data)
        counted = np.flatnonzero(sample_weight)
        sample_weight = sample_weight[counted]
    check_n_subjects(data[counted], 2 if reset else 1, user)
    _check_length(y, data)
    guide: Guide = estimator._make_guide(y)
    if not reset:
        guide = guide.after(estimator._guide)
    estimator._guide = guide
    _check_given(estimator, guide, y)
    codes = _read_classes(estimator, guide, y, data, counted, reset=reset)
    data = data[counted]
    values = guide.values(_counted(y, counted), data)
    if values is not None and reset:
        guide.learn(values, sample_weight)
    if values is not None and not _asks_for_classes(estimator, guide):
        strata = guide.strata(values)
        codes = codes if strata is None else strata
    vars(estimator).update(guide.learned)
    if reset:
        estimator._dtype = _choose_dtype(estimator.dtype, data)
    check_subjects(data, estimator._dtype)
    estimator._n_samples = len(data)
    if reset:
        _check_modalities(data)
    if estimator._aligns and resolve_views(estimator) != "augmentation":
        warn_if_unpaired(data, user)
    return data, {"y": codes, "targets": values, "sample_weight": sample_weight}, counted


def _counted(y: Any, counted: Any) -> Any:
    if y is None or isinstance(counted, slice):
        return y
    return _safe_indexing(y if hasattr(y, "__getitem__") else np.asarray(y), counted)


def _is_probed(settings: Any) -> bool:
    return settings.validation_fraction is not None and settings.monitor == "probe"


def _asks_for_classes(settings: Any, guide: Guide) -> bool:
    return guide.of_classes or _is_probed(settings) or settings.sampler == "balanced"


def _check_length(y: Any, data: MultimodalData) -> None:
    with named("y", "one entry for each subject"):
        n_targets = len(data) if y is None else num_samples(y)
    if n_targets != len(data):
        raise DataError(f"y has {n_targets} entries, but X has {len(data)} subjects.")


def _check_given(settings: Any, guide: Guide, y: Any) -> None:
    is_sampled_by_y = settings.sampler == "balanced" and not guide.of_classes
    if y is None and (guide.is_required or _is_probed(settings) or is_sampled_by_y):
        raise ValueError(
            f"This {type(settings).__name__} estimator requires y to be passed, but the target y "
            f"is None.{guide.without_y}"
        )


def _read_classes(
    estimator: Any, guide: Guide, y: Any, data: MultimodalData, counted: Any, *, reset: bool
) -> np.ndarray:
    """Return the class codes of the subjects; all -1 where no classes are needed."""
    if not _asks_for_classes(estimator, guide):
        return np.full(len(data), -1)[counted]
    user, advice = type(estimator).__name__, _advice_on_numbers(estimator, guide)
    y = as_labels(guide.labels(y, data))[counted]
    if not reset and not hasattr(estimator, "classes_"):
        raise ValueError(
            f"The training of this {user} began without classes, and cannot go on with them: fit "
            "it anew, warm_start=False."
        )
    try:
        codes, classes = encode_classes(y, None if reset else estimator.classes_)
    except ContinuousError as error:
        raise DataError(f"{error} {advice}") from error
    if reset and guide.warns_of_numbers:
        known = classes[codes[codes >= 0]]
        warn_if_measured(known, f"y, given to {user},", advice, stacklevel=7)
    if len(classes) < 2:
        raise DataError(
            f"{user} needs at least two classes in y, found 1 class or none: {classes.tolist()}, "
            f"with {np.sum(codes < 0)} unlabeled subjects (y = -1)."
            + (" Where -1 is a class, give it another number." if (codes < 0).any() else "")
        )
    estimator.classes_ = classes
    if reset and guide.of_classes:
        guide.see_classes(codes)
    return codes


def _advice_on_numbers(settings: Any, guide: Guide) -> str:
    """Return what to do instead of taking numbers for classes."""
    if guide.of_classes:
        return guide.instead_of_classes
    asked_by = "monitor='probe'" if _is_probed(settings) else "sampler='balanced'"
    return f"{asked_by} needs classes here; its default needs none."


def _choose_dtype(dtype: str, data: MultimodalData) -> str:
    if dtype != "auto":
        return dtype
    return "float64" if np.dtype(np.float64) in data.dtypes.values() else "float32"


def _check_modalities(data: MultimodalData) -> None:
    for name, rows in zip(data.modalities, data.mask.T, strict=True):
        if not rows.any():
            raise DataError(f"Modality {name!r} is missing in all {len(data)} subjects.")
