"""``skmmcl demo``: read, compare, print the table and the code, save the figure."""

from __future__ import annotations

from argparse import Namespace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import check_cv

from skmmcl import _demo
from skmmcl._folder import Cohort, read_cohort, words_of
from skmmcl.data import MultimodalData, check_values
from skmmcl.datasets import make_cohort
from skmmcl.exceptions import DataError
from skmmcl.inspection._report_code import import_lines, imports_of, written
from skmmcl.model_selection import BalancedGroupKFold


def run(options: Namespace) -> None:
    """Compare the methods, print the table and the code, save the figure."""
    _check_format(options.output)
    cohort = read(options)
    for note in cohort.notes:
        print(note)
    print(cohort.X)
    check_cohort(cohort, options.folds)
    task = _demo.CLASSIFICATION if cohort.classes else _demo.REGRESSION
    cohort, cv = with_folds(cohort, task, options)
    splits = list(check_cv(cv).split(cohort.X, cohort.y))
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
    print(as_code(cohort, methods[task.main], next(iter(task.scores))))


def read(options: Namespace) -> Cohort:
    """Return the cohort of a folder, or a simulated one where no folder is named."""
    if options.data is not None:
        return read_cohort(
            options.data, words_of(options), target=options.target, task=options.task,
            groups=options.groups,
        )  # fmt: skip
    n_subjects = 60 if options.quick else 240
    few = ("--quick only shows that it runs: 60 subjects are too few to compare methods.",)
    X, y, _ = make_cohort(n_subjects, random_state=0)
    return Cohort(
        X,
        y,
        classes=[str(k) for k in np.unique(y)],
        code=(f"X, y, _ = make_cohort({n_subjects}, random_state=0)",),
        imports=(("skmmcl.datasets", "make_cohort"),),
        notes=(
            "A simulated cohort; --data FOLDER takes your own.",
            *(few if options.quick else ()),
        ),
    )


def with_folds(cohort: Cohort, task: _demo.Task, options: Namespace) -> tuple[Cohort, Any]:
    """Return a splitter, or splits that keep groups together, whose code joins the cohort's."""
    if cohort.groups is None:
        cv = task.splitter(n_splits=options.folds, n_repeats=options.repeats, random_state=0)
        home = ("sklearn.model_selection", type(cv).__name__)
        return cohort._replace(
            code=(*cohort.code, f"cv = {cv!r}"), imports=(*cohort.imports, home)
        ), cv
    splits = [
        split
        for seed in range(options.repeats)
        for split in BalancedGroupKFold(options.folds, random_state=seed).split(
            cohort.X, cohort.y, cohort.groups
        )
    ]
    return cohort._replace(
        imports=(*cohort.imports, ("skmmcl.model_selection", "BalancedGroupKFold")),
        code=(
            *cohort.code,
            "cv = [",
            "    split",
            f"    for seed in range({options.repeats})",
            f"    for split in BalancedGroupKFold({options.folds}, random_state=seed).split(",
            "        X, y, groups",
            "    )",
            "]",
        ),
    ), splits


# ------------------------------------------------------------ what would otherwise fail after hours
def _check_format(output: Path) -> None:
    if find_spec("matplotlib"):
        from matplotlib.backend_bases import FigureCanvasBase

        known = FigureCanvasBase.get_supported_filetypes()
        if output.suffix[1:].lower() not in known:
            raise DataError(f"--output: {output.name} must end with one of {', '.join(known)}.")


def check_cohort(cohort: Cohort, n_folds: int) -> None:
    """Raise for infinite values and too few subjects, which would fail later."""
    _check(cohort.X)
    _check_sizes(cohort, n_folds)


def _check(X: MultimodalData) -> None:
    """Raise for infinite values; missing single values are imputed later."""
    if gaps := _demo.find_gaps(X):
        print(f"Single values are missing in {gaps}: imputed by means within each training fold.")
        X = X.assign({name: np.where(np.isnan(X[name]), 0, X[name]) for name in gaps})
    check_values(X, "float32")


def _check_sizes(cohort: Cohort, n_folds: int) -> None:
    kept = "subjects"
    if cohort.groups is not None:
        kept, n_groups = "groups", cohort.groups.max() + 1
        if n_groups < n_folds:
            raise DataError(f"{n_groups} groups are too few for {n_folds} folds; lower --folds.")
    if cohort.classes is None:
        if len(cohort.y) < 2 * n_folds:
            raise DataError(f"{len(cohort.y)} subjects are too few for {n_folds} folds.")
        return
    counts = np.bincount(cohort.y)
    if cohort.groups is not None:  # those who are kept together count once
        pairs = np.unique(np.column_stack([cohort.y, cohort.groups]), axis=0)
        counts = np.bincount(pairs[:, 0])
    if len(counts) < 2 or min(counts) < n_folds:
        listed = ", ".join(f"{k}: {n}" for k, n in zip(cohort.classes, counts, strict=True))
        raise DataError(
            f"the target needs two or more classes with {n_folds} or more {kept} each for "
            f"{n_folds} folds, found {listed}; lower --folds or choose another --target."
        )


# -------------------------------------------------------------------------- what was run, as code
def as_code(cohort: Cohort, pipeline: BaseEstimator, scoring: str) -> str:
    """Return the program that gives the mean score of a method."""
    names = imports_of([pipeline]) | {*cohort.imports}
    lines = [
        *import_lines(names | {("sklearn.model_selection", "cross_val_score")}),
        "",
        *cohort.code,
        f"pipe = {written(pipeline)}",
        f"scores = cross_val_score(pipe, X, y, cv=cv, scoring={scoring!r})",
        "print(scores.mean())",
    ]
    return "\n".join(lines)
