"""``skmmcl compare`` and ``skmmcl report``: the methods of the demo, with intervals and tests."""

from __future__ import annotations

import warnings
from argparse import Namespace
from typing import Any

import numpy as np
from sklearn.exceptions import FitFailedWarning, UndefinedMetricWarning

from skmmcl import _demo
from skmmcl._folder import Cohort
from skmmcl._job import check_cohort, read, with_folds
from skmmcl.exceptions import LeakageWarning
from skmmcl.inspection import write_report
from skmmcl.inspection._report_blocks import p_value
from skmmcl.inspection._report_scores import difference_of, reason_of, score_of
from skmmcl.model_selection import ComparisonResult, compare
from skmmcl.utils._optional import import_optional

REFERENCE = "concatenation"  # that the others are compared to
MAX_REASON = 70  # characters of why a method failed


def run_study(options: Namespace) -> int:
    """Compare the methods, and print the table or write the report; 1 if fits failed."""
    for module in ("pandas", "tqdm", *(("jinja2", "matplotlib") * (options.command == "report"))):
        import_optional(module, f'This needs {module}: pip install "skmmcl[plot,report]".')
    cohort = read(options)
    for note in cohort.notes:
        print(note)
    print(cohort.X)
    check_cohort(cohort, options.folds)
    task = _demo.CLASSIFICATION if cohort.classes else _demo.REGRESSION
    cohort, cv = with_folds(cohort, task, options)
    result = _compare(options, cohort, task, cv)
    print(f"\n{describe(result)}\n")
    if options.command == "report":
        written = write_report(
            result,
            options.output,
            X=cohort.X,
            method=task.main,
            target=cohort.target,
            class_names=cohort.classes,
            notes=cohort.notes,
            data_code=cohort.code,
            data_imports=cohort.imports,
            overwrite=options.overwrite,
        )
        print(f"The report is {written.resolve()}.")
    elif options.output is not None:
        result.scores.to_csv(options.output)
        print(f"The scores are {options.output.resolve()}.")
    print(f"Fits are kept in {options.work}: the same command takes them from there.")
    return int(any(fit.error for fit in result.fits))


def _compare(options: Namespace, cohort: Cohort, task: _demo.Task, cv: Any) -> ComparisonResult:
    params = {"max_epochs": 2} if options.quick else {}
    methods = task.make_methods(cohort.X, random_state=0, **params)
    with warnings.catch_warnings(record=True) as caught:
        for kind in (LeakageWarning, FitFailedWarning, UndefinedMetricWarning):
            warnings.simplefilter("always", kind)
        result = compare(
            {REFERENCE: methods.pop(REFERENCE), **methods},
            cohort.X,
            cohort.y,
            cv=cv,
            groups=cohort.groups,
            scoring=list(task.scores),
            n_jobs=options.n_jobs,
            checkpoint=options.work,
            verbose=1,
        )
    for text in dict.fromkeys(str(warning.message) for warning in caught):
        print(f"Warning: {text}")
    return result


def describe(result: ComparisonResult) -> str:
    """Return the summary of the first score as a table in plain text."""
    table: Any = result.summary()
    metric = result.metrics[0]
    rows = [["", "score", "difference", "p (corrected)"]]
    for name, row in table.iterrows():
        score, difference, p = score_of(row, metric), difference_of(row), p_value(row.p_corrected)
        if not np.isfinite(row.score):
            difference, p = reason_of(result, name)[:MAX_REASON], ""
        elif name == table.index[0]:
            difference, p = "(reference)", ""
        rows.append([str(name), score, difference, p])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    title = f"{metric}, mean of {len(result.splits)} splits, with 95 % intervals"
    return "\n".join([title, *lines])
