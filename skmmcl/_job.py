"""The job of the command line: read, compare, print the table and the code, save the figure."""

from __future__ import annotations

from argparse import Namespace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from skmmcl import _demo
from skmmcl._folder import Cohort, read_cohort
from skmmcl.data import MultimodalData, check_values
from skmmcl.datasets import make_cohort
from skmmcl.exceptions import DataError


def run(options: Namespace) -> None:
    """Compare the methods, print the table and the code, save the figure."""
    _check_format(options.output)
    cohort = read(options)
    for note in cohort.notes:
        print(note)
    print(cohort.X)
    check_cohort(cohort, options.folds)
    task = _demo.CLASSIFICATION if cohort.classes else _demo.REGRESSION
    cv = task.splitter(n_splits=options.folds, n_repeats=options.repeats, random_state=0)
    splits = list(cv.split(cohort.X, cohort.y))
    params = {"max_epochs": 2} if options.quick else {}
    methods = task.make_methods(cohort.X, random_state=0, **params)
    table = _demo.compare(methods, cohort.X, cohort.y, splits, options.n_jobs, task.scores)
    print(f"\nMean +- standard deviation over {len(splits)} folds")
    print(f"{_demo.format_table(table, task.scores)}\n")
    if find_spec("matplotlib"):
        figure = _demo.plot(table, task, methods, cohort, splits[0])
        figure.savefig(options.output, dpi=150)
        print(f"The figure is {options.output.resolve()}.")
    else:
        print('There is no figure without matplotlib: pip install "skmmcl[plot]"')
    print(f"\nThe code of {task.main}, as it was run:\n")
    print(as_code(cohort, methods[task.main], cv, next(iter(task.scores))))


def read(options: Namespace) -> Cohort:
    """Return the cohort of a folder, or a simulated one where no folder is named."""
    if options.data is not None:
        rows = dict(choice.split("=", 1) for choice in options.rows or ())
        said = {"id_column": options.id} if options.id else {}
        said |= {"rows": rows} if rows else {}
        return read_cohort(options.data, said, target=options.target, task=options.task)
    n_subjects = 60 if options.quick else 240
    X, y, _ = make_cohort(n_subjects, random_state=0)
    return Cohort(
        X,
        y,
        classes=[str(k) for k in np.unique(y)],
        code=(f"X, y, _ = make_cohort({n_subjects}, random_state=0)",),
        imports=(("skmmcl.datasets", "make_cohort"),),
        notes=("A simulated cohort; --data FOLDER takes your own.",),
    )


# ------------------------------------------------------------ what would otherwise fail after hours
def _check_format(output: Path) -> None:
    if find_spec("matplotlib"):
        from matplotlib.backend_bases import FigureCanvasBase

        known = FigureCanvasBase.get_supported_filetypes()
        if output.suffix[1:].lower() not in known:
            raise DataError(f"--output: {output.name} must end with one of {', '.join(known)}.")


def check_cohort(cohort: Cohort, n_folds: int) -> None:
    """Raise for what would otherwise fail later: infinite values, too few subjects."""
    _check(cohort.X)
    _check_sizes(cohort, n_folds)


def _check(X: MultimodalData) -> None:
    """Find values that no method can use; single ones that are missing are imputed."""
    if gaps := _demo.find_gaps(X):
        print(f"Single values are missing in {gaps}: imputed by means within each training fold.")
        X = X.assign({name: np.where(np.isnan(X[name]), 0, X[name]) for name in gaps})
    check_values(X, "float32")


def _check_sizes(cohort: Cohort, n_folds: int) -> None:
    if cohort.classes is None:
        if len(cohort.y) < 2 * n_folds:
            raise DataError(f"{len(cohort.y)} subjects are too few for {n_folds} folds.")
        return
    counts = np.bincount(cohort.y)
    if len(counts) < 2 or min(counts) < n_folds:
        listed = ", ".join(f"{k}: {n}" for k, n in zip(cohort.classes, counts, strict=True))
        raise DataError(
            f"the target needs two or more classes with {n_folds} or more subjects each for "
            f"{n_folds} folds, found {listed}; lower --folds or choose another --target."
        )


# -------------------------------------------------------------------------- what was run, as code
def as_code(cohort: Cohort, pipeline: BaseEstimator, cv: Any, scoring: str) -> str:
    """Return the program that gives the mean score of a method."""
    parts = [cv, pipeline, *pipeline.get_params(deep=True).values()]
    names = {_public(part) for part in parts if part is cv or isinstance(part, BaseEstimator)}
    names |= {*cohort.imports, ("sklearn.model_selection", "cross_val_score")}
    homes = {home: sorted(name for of, name in names if of == home) for home, _ in sorted(names)}
    lines = [
        *(f"from {home} import {', '.join(found)}" for home, found in homes.items()),
        "",
        *cohort.code,
        f"pipe = {pipeline.__repr__(N_CHAR_MAX=10**6)}",  # what is longer would be cut short
        f"cv = {cv!r}",
        f"scores = cross_val_score(pipe, X, y, cv=cv, scoring={scoring!r})",
        "print(scores.mean())",
    ]
    return "\n".join(lines)


def _public(part: Any) -> tuple[str, str]:
    """Return the module from which a class is imported, and its name."""
    kind = type(part)
    return kind.__module__.partition("._")[0], kind.__name__
