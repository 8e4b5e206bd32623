"""``skmmcl compare`` and ``skmmcl report``: the methods of the demo, with intervals and tests."""

from __future__ import annotations

import warnings
from argparse import Namespace
from pathlib import Path
from typing import Any

from sklearn.exceptions import FitFailedWarning, UndefinedMetricWarning

from skmmcl import _demo
from skmmcl._folder import Cohort
from skmmcl._job import check_cohort, read, with_folds
from skmmcl.exceptions import LeakageWarning
from skmmcl.inspection import write_report
from skmmcl.model_selection import ComparisonResult, compare
from skmmcl.utils._optional import import_optional

REFERENCE = "concatenation"  # that the others are compared to


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
            target=options.target or "the class",
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
            checkpoint=Path(options.work),
            verbose=1,
        )
    for text in dict.fromkeys(str(warning.message) for warning in caught):
        print(f"Warning: {text}")
    return result


def describe(result: ComparisonResult) -> str:
    """Return the summary of the first score as text of at most 100 columns."""
    table: Any = result.summary()
    lines = [f"{result.metrics[0]}, mean of {len(result.splits)} splits, with 95 % intervals"]
    width = max(map(len, table.index))
    lines.append(f"{'':{width}}  {'score':^22}  {'difference':^24}  {'p (corrected)':>13}")
    for name, row in table.iterrows():
        score = f"{row.score:.3f} [{row.lower:.3f}, {row.upper:.3f}]"
        difference = f"{row.difference:+.3f} [{row.difference_lower:+.3f}, "
        difference += f"{row.difference_upper:+.3f}]"
        cells = f"{score:^22}  {difference:^24}  {row.p_corrected:13.3g}"
        if name == table.index[0]:
            cells = f"{score:^22}  {'(reference)':^24}"
        lines.append(f"{name:{width}}  {cells}".rstrip())
    return "\n".join(lines)
