"""``python -m skmmcl``: cross-validate embeddings beside single modalities and concatenation."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.utils.multiclass import type_of_target
from threadpoolctl import threadpool_limits

from skmmcl._demo import MAIN, compare, find_gaps, format_table, make_methods, plot
from skmmcl.data import MultimodalData, check_values
from skmmcl.datasets import make_cohort
from skmmcl.exceptions import DataError, TrainingError

CODE = """
What CMC+CSS is in code:

{line}
pipe = Pipeline([("cmc", CMCCSSEmbedder()), ("clf", LogisticRegression(class_weight="balanced"))])
cross_val_score(pipe, X, y, cv={folds}, scoring="balanced_accuracy")"""
TARGETS = {"y", "label", "diagnosis", "group", "target"}


def parse(args: list[str] | None) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    """Return the parser and what it read."""
    parser = argparse.ArgumentParser("python -m skmmcl", description=__doc__.partition(": ")[2])
    parser.add_argument("--data", metavar="FOLDER", help="with <modality>.npy, .npz, .csv or .tsv")
    parser.add_argument("--target", metavar="COLUMN", help="of classes, in participants.tsv")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("skmmcl_demo.png"), metavar="FILE")
    parser.add_argument("--n-jobs", type=int, default=2, help="processes; -1: one per core")
    parser.add_argument("--quick", action="store_true", help="few epochs, only to see it run")
    options = parser.parse_args(args)
    if options.folds < 2 or options.repeats < 1:
        parser.error("--folds must be at least 2 and --repeats at least 1")
    if not options.output.parent.is_dir():
        parser.error(f"--output: there is no folder {options.output.parent}")
    return parser, options


def load(options: argparse.Namespace) -> tuple:
    """Return the subjects, their classes, and the line of code that does it."""
    if options.data is None:
        n_subjects = 60 if options.quick else 240
        X, y, _ = make_cohort(n_subjects, random_state=0)
        print("A simulated cohort; --data FOLDER takes your own.")
        return X, y, f"X, y, _ = make_cohort({n_subjects}, random_state=0)"
    X = MultimodalData.from_folder(options.data)
    column = _find_target(list(X.meta), options.target)
    labeled = np.array([str(value) not in {"None", "nan", "<NA>"} for value in X.meta[column]])
    X = X[labeled]
    if not labeled.all():
        print(f"{np.sum(~labeled)} subjects without {column!r} are left out.")
    y = np.array(X.meta[column].tolist())
    _check_classes(column, y, options.folds)
    line = f"X = MultimodalData.from_folder({options.data!r}); y = X.meta[{column!r}]"
    return X, y, line


def _find_target(columns: list[str], target: str | None) -> str:
    found = [name for name in columns if name.lower() in TARGETS] if target is None else [target]
    if len(found) != 1 or found[0] not in columns:
        raise DataError(
            f"which column of participants.tsv is the target? --target names it; found {found} "
            f"among {columns}."
        )
    return found[0]


def _check_classes(column: str, y: np.ndarray, n_folds: int) -> None:
    classes, counts = np.unique(y, return_counts=True)
    if type_of_target(y).startswith("continuous"):
        raise DataError(f"the target {column!r} is continuous; --target names one with classes.")
    if len(classes) < 2 or min(counts) < n_folds:
        listed = ", ".join(f"{k}: {n}" for k, n in zip(classes, counts, strict=True))
        raise DataError(
            f"the target {column!r} needs two or more classes with {n_folds} or more subjects "
            f"each for {n_folds} folds, found {listed}; lower --folds or choose another --target."
        )


def run(options: argparse.Namespace) -> None:
    """Compare the methods, print the table, save the figure."""
    X, y, line = load(options)
    print(X)
    if gaps := find_gaps(X):
        print(f"Single values are missing in {gaps}: imputed by means within each training fold.")
    check_values(X[[name for name in X.modalities if name not in gaps]], "float32")
    codes = np.unique(y, return_inverse=True)[1]
    folds = {"n_splits": options.folds, "n_repeats": options.repeats, "random_state": 0}
    splits = list(RepeatedStratifiedKFold(**folds).split(X, codes))
    methods = make_methods(X, random_state=0, **({"max_epochs": 2} if options.quick else {}))
    table = compare(methods, X, codes, splits, options.n_jobs)
    print(f"\nMean +- standard deviation over {len(splits)} folds\n{format_table(table)}\n")
    if find_spec("matplotlib"):
        plot(table, methods[MAIN], X, y, splits[0]).savefig(options.output, dpi=150)
        print(f"The figure is {options.output.resolve()}.")
    else:
        print('There is no figure without matplotlib: pip install "skmmcl[plot]"')
    print(CODE.format(line=line, folds=options.folds))


def main(args: list[str] | None = None) -> None:
    """Run the job; what the user can mend ends it with a message and exit code 2."""
    parser, options = parse(args)
    try:
        with threadpool_limits(1):  # small networks lose more to threads than they win
            run(options)
    except (ValueError, TrainingError, OSError, ModuleNotFoundError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
