"""Fifty repeats of ten-fold cross-validation where all terms are solved in closed form.

    python benchmarks/protocol_solved.py           # 1,000 fits, some minutes of two cores
    python benchmarks/protocol_solved.py --quick   # 40 fits; writes nothing

`cross_val_score` of ``Pipeline([("cmc", CMCCSSEmbedder(...)), ("clf", LogisticRegression())])`` on
300 simulated subjects with five modalities: ``solver="closed_form"`` in two processes, and the
default in one process inside of `stacked_fits`. Processor time is that of all processes, wall time
depends on what else the machine does. The scores must be identical.
"""

from __future__ import annotations

import argparse
from time import perf_counter
from typing import Any

from _report import write_report
from _timing import answer_if_asked, cpu_seconds, in_fresh_process
from protocol_500_fits import N_FOLDS, end_workers
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline

from skmmcl import CMCCSSEmbedder, stacked_fits
from skmmcl.datasets import make_cohort

WAYS = {
    "closed_form, n_jobs=2": CMCCSSEmbedder(solver="closed_form"),
    "default, stacked": CMCCSSEmbedder(),
}


def measure(way: str, n_fits: int) -> dict[str, Any]:
    """Run the protocol in one way; in a fresh process."""
    X, y, _ = make_cohort(random_state=0)
    pipeline = Pipeline([("cmc", WAYS[way]), ("clf", LogisticRegression())])
    cv = RepeatedStratifiedKFold(n_splits=N_FOLDS, n_repeats=n_fits // N_FOLDS, random_state=0)
    options = {"cv": cv, "scoring": "roc_auc", "error_score": "raise"}
    wall, cpu = perf_counter(), cpu_seconds(children=True)
    if "stacked" in way:
        with stacked_fits():
            scores = cross_val_score(pipeline, X, y, **options)
    else:
        scores = cross_val_score(pipeline, X, y, n_jobs=2, **options)
        end_workers()
    return {
        "cpu_seconds": round(cpu_seconds(children=True) - cpu, 1),
        "wall_seconds": round(perf_counter() - wall, 1),
        "scores": scores.tolist(),
    }


def main() -> None:
    """Run all ways."""
    answer_if_asked(measure)
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    n_fits = 20 if quick else 500
    found = {way: in_fresh_process(__file__, way=way, n_fits=n_fits) for way in WAYS}
    scores = [row.pop("scores") for row in found.values()]
    mean = round(sum(scores[0]) / n_fits, 4)
    report = {"fits": n_fits, **found, "identical": scores[0] == scores[1], "roc_auc": mean}
    print(report)
    if not quick:
        write_report("protocol_solved", report)


if __name__ == "__main__":
    main()
