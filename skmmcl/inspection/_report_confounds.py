"""Confounds and maps in the representation of a report."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError
from skmmcl.inspection._confounds import decode_all
from skmmcl.inspection._decoding import Fold, Task, read_confound
from skmmcl.inspection._plot_embedding import draw_map, in_two_dimensions
from skmmcl.inspection._report_blocks import Table, Text, number, p_value, picture
from skmmcl.inspection._report_cohort import Subjects
from skmmcl.inspection._report_models import Model
from skmmcl.inspection._values import known_values
from skmmcl.model_selection._leakage import are_sites

MAX_CONFOUNDS = 8
MAX_CLASSES = 20  # of a confound
MAX_MAPS = 3


def confounds(
    models: list[Model],
    result: Any,
    method: str,
    X: MultimodalData,
    subjects: Subjects,
    *,
    n_permutations: int,
    seed: int,
) -> list[Any]:
    """Return what can be decoded from the representation in addition to the target."""
    blocks: list[Any] = []
    folds = [(model.train, model.test, represent(model.fitted, X)) for model in models]
    # Sites are too few and too large to exchange them.
    people = None if result.groups is None or are_sites(result.groups) else result.groups
    tasks, skipped = {}, []
    for name, values in list(subjects.side_data().items())[:MAX_CONFOUNDS]:
        try:
            tasks[name] = _task(name, values, folds, people)
        except DataError as error:
            skipped.append(str(error))
    if tasks:
        blocks += [
            Text(
                "Scores of linear probes that predict side data of held-out subjects from the "
                f"representation of {method}, and the mean of {n_permutations} scores with the "
                "side data permuted, which is what chance gives. Each p-value is for one row, "
                "without correction for their number. What is decoded is no proof of harm, since "
                "classes may differ in it."
            ),
            _table_of_confounds(decode_all(tasks, n_permutations, seed)),
        ]
    else:
        blocks.append(Text("There are no side data to decode."))
    test, Z = folds[0][1], folds[0][2]
    return [*blocks, *map(Text, skipped), *_maps(Z[test], test, subjects)]


def represent(fitted: Any, X: Any) -> np.ndarray:
    """Return what reaches the last step of a pipeline, or what an estimator transforms to."""
    fitted = getattr(fitted, "best_estimator_", fitted)  # of a search
    transformer = fitted[:-1] if hasattr(fitted, "named_steps") else fitted
    if not hasattr(transformer, "transform"):
        raise TypeError(f"{type(fitted).__name__} has no representation to look into.")
    Z = np.asarray(transformer.transform(X), dtype=float)
    if Z.ndim != 2 or not np.isfinite(Z).all():
        raise DataError("The representation holds values that are not finite.")
    return Z


def _task(name: str, values: np.ndarray, folds: list, people: np.ndarray | None) -> Task:
    """Return the probe of side data, in the folds of the models."""
    known, labels, is_class = read_confound(name, values)
    if is_class and len(np.unique(labels)) > MAX_CLASSES:
        raise DataError(f"Confound {name!r} has more than {MAX_CLASSES} classes.")
    if is_class and np.bincount(labels).min() < 2:
        raise DataError(f"Confound {name!r} has a class of a single subject.")
    place = np.cumsum(known) - 1
    among = [
        Fold(place[train[known[train]]], place[test[known[test]]], Z[known])
        for train, test, Z in folds
    ]
    if is_class and not any(np.isin(labels[f.test], labels[f.train]).any() for f in among):
        raise DataError(
            f"{name!r} cannot be decoded: the folds hold whole classes of it out, which no probe "
            "has seen in training."
        )
    units = None if people is None else np.unique(people[known], return_inverse=True)[1]
    return Task(among, labels, is_class, units)


def _table_of_confounds(report: Any) -> Table:
    rows = [
        [name, scoring, number(score), number(chance), p_value(p), str(n)]
        for name, scoring, score, chance, p, n in zip(
            report.names, report.scorings, report.scores, report.chance, report.p_values,
            report.n_subjects, strict=True,
        )
    ]  # fmt: skip
    return Table(["side data", "score", "decoded", "permuted", "p", "subjects"], rows)


def _maps(Z: np.ndarray, rows: np.ndarray, subjects: Subjects) -> list[Any]:
    target = subjects.y
    if subjects.names:
        target = np.array([subjects.names[label] for label in target.tolist()], dtype=object)
    points, axis = in_two_dimensions(Z, "pca", None)
    plane = ": the first two principal components" if axis == "PC" else ""
    colors = {subjects.target: target, **subjects.side_data()}
    return [
        picture(
            # A few subjects of a fold could have so few ages that these would look like classes.
            partial(draw_map, points, axis, values[rows], name, measured=known_values(values)[2]),
            f"Map of the representation colored by {name}",
            f"Held-out subjects of the first fold by {name}{plane}.",
            (4.4, 3.4),
        )
        for name, values in list(colors.items())[: MAX_MAPS + 1]
    ]
