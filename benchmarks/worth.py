"""CMC+CSS with its defaults next to eight linear models, on every labeled cohort.

    python benchmarks/worth.py                       # five folds, five repeats: the published table
    python benchmarks/worth.py --repeats 1 --tasks aomic ms
    python benchmarks/worth.py --few-labels          # 20, 40 and 80 labels, the others unlabeled
    python benchmarks/worth.py --show worth.png      # table and figure of the last results

All methods see the same splits, and learn in the training folds only. Each task is written to
results/worth.json when it is done. Intervals of differences are those of Nadeau and Bengio (95 %).
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path
from time import process_time

import numpy as np
from _linear_baselines import linear_baselines
from _report import RESULTS, environment
from _tasks import TASKS, find_data, impute_gaps
from _worth_report import FIRST, OURS, interval, plot, print_rst, report, summarize
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline

from skmmcl import CMCCSSEmbedder, LabeledOnly

SCORES = {"auc": "roc_auc_ovr", "balanced": "balanced_accuracy", "log_loss": "neg_log_loss"}
N_LABELS = (20, 40, 80)


def methods(X, *, gradient: bool) -> dict[str, object]:
    """Return the pipelines by name, ours first."""
    ours = {
        OURS: CMCCSSEmbedder(),
        "CMC+CSS, exact kernel": CMCCSSEmbedder(kernel_features="exact"),
    }
    if gradient:
        ours["CMC+CSS, gradient"] = CMCCSSEmbedder(solver="gradient", random_state=0)
    impute = impute_gaps(X)
    piped = {
        name: make_pipeline(*impute, each, LogisticRegression(max_iter=2000))
        for name, each in ours.items()
    }
    return {**piped, **linear_baselines(X)}


def evaluate(model, X, y, splits: list) -> dict[str, object]:
    """Return the scores of all splits, and the processor time of one."""
    start = process_time()
    found = cross_validate(model, X, y, cv=splits, scoring=SCORES, error_score="raise")
    seconds = (process_time() - start) / len(splits)
    scores = {name: found[f"test_{name}"].round(5).tolist() for name in SCORES}
    scores["log_loss"] = (-found["test_log_loss"]).round(5).tolist()
    return {**scores, "fold_seconds": round(seconds, 3)}


def few_labels(X, y, n_splits: int, n_repeats: int, seed: int) -> dict[str, dict]:
    """Return AUC with few labels, the other training subjects unlabeled for ours."""
    table: dict[str, dict] = {}
    splits = list(
        RepeatedStratifiedKFold(n_splits=n_splits, n_repeats=n_repeats, random_state=seed).split(
            X, y
        )
    )
    for n_labels in N_LABELS:
        ours: list[float] = []
        linear: list[float] = []
        for k, (train, test) in enumerate(splits):
            kept = draw_labels(y[train], n_labels, np.random.default_rng([seed, k]))
            partly = np.where(kept, y[train], -1)
            pipe = make_pipeline(
                *impute_gaps(X),
                CMCCSSEmbedder(random_state=0),
                LabeledOnly(LogisticRegression(max_iter=2000)),
            )
            ours.append(auc(pipe.fit(X[train], partly), X[test], y[test]))
            model = linear_baselines(X)[FIRST].fit(X[train[kept]], y[train[kept]])
            linear.append(auc(model, X[test], y[test]))
        table[str(n_labels)] = {OURS: ours, FIRST: linear}
        mean, half = interval(ours, linear, n_splits)
        both = f"{np.mean(ours):.3f} / {np.mean(linear):.3f}"
        print(f"{n_labels:4} labels: {both}, {mean:+.3f} ± {half:.3f}")
    return table


def draw_labels(y: np.ndarray, n_labels: int, rng: np.random.Generator) -> np.ndarray:
    """Return who keeps the label: at least three of every class, else at random."""
    order = rng.permutation(len(y))
    first = np.concatenate([order[y[order] == k][:3] for k in np.unique(y)])
    rest = order[~np.isin(order, first)]
    kept = np.zeros(len(y), dtype=bool)
    kept[np.concatenate([first, rest])[: max(n_labels, len(first))]] = True
    return kept


def auc(model, X, y) -> float:
    """Return the area under the curve, of one class against the rest if there are several."""
    from sklearn.metrics import get_scorer

    return float(get_scorer(SCORES["auc"])(model, X, y))


def results(path: Path) -> dict[str, dict]:
    """Return what was found before."""
    return json.loads(path.read_text()) if path.exists() else {}


def main() -> None:
    """Run the tasks that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", help="methods to run; others keep their figures")
    parser.add_argument("--gradient", action="store_true", help="also the paper's training")
    parser.add_argument("--few-labels", action="store_true")
    parser.add_argument("--show", metavar="FILE", help="only draw, and print the guide's tables")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    find_data()
    output = options.output or RESULTS / (
        "worth_few_labels.json" if options.few_labels else "worth.json"
    )
    if options.show:
        print_rst(results(RESULTS / "worth.json"), results(RESULTS / "worth_few_labels.json"))
        plot(results(RESULTS / "worth.json"), options.show)
        return
    for name in options.tasks:
        X, y = TASKS[name]()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if options.few_labels:
                print(f"\n{name}, {OURS} / {FIRST}")
                found = {"labels": few_labels(X, y, options.folds, options.repeats, options.seed)}
            else:
                known = results(output).get(name, {}).get("methods", {})
                found = {"methods": compare(X, y, options, known)}
                report(name, found["methods"], options.folds)
        kept = results(output)
        kept[name] = {"environment": environment(), "subjects": len(X), **found}
        output.write_text(json.dumps(kept, indent=1) + "\n")
    if not options.few_labels:
        summarize(results(output))


def compare(X, y, options: argparse.Namespace, kept: dict[str, dict]) -> dict[str, dict]:
    """Return the scores of all methods on one task; those that are not run keep theirs."""
    folds = {"n_splits": options.folds, "n_repeats": options.repeats, "random_state": options.seed}
    splits = list(RepeatedStratifiedKFold(**folds).split(X, y))
    found: dict[str, dict] = {}
    for name, model in methods(X, gradient=options.gradient).items():
        known = kept.get(name)
        if options.only is None or name in options.only:
            found[name] = evaluate(model, X, y, splits)
        elif known is not None and len(known["auc"]) == len(splits):
            found[name] = known
    return found


if __name__ == "__main__":
    main()
