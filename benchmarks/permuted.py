"""Whether columns and scores stay at chance where labels are random.

    python benchmarks/permuted.py           # 200 draws of each case, five minutes
    python benchmarks/permuted.py --quick   # 10 draws; writes nothing

Labels that have nothing to do with the data are drawn 200 times, half or a tenth of them positive:
for people with one scan, for people with two similar scans, who are left out together by
``groups``, and for people who are in the data twice without having been named. The area under the
curve is that of a cross-validation in which the embedder is fitted within the folds, which keep the
scans of a person together. Correlations are of the training columns with the labels. The cases
of one share have the same people and labels in each draw, and so the same luck.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from _report import write_report
from _timing import one_thread
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from skmmcl import CMCCSSEmbedder, MultimodalData

WIDTHS = {"fc": 12, "t1": 90}
N_PEOPLE = 80
DRAWS = 200
SHARES = (0.5, 0.1)
# Scans of a person, how much the second differs, and how it is named that they belong together.
CASES: dict[str, tuple[int, float, str | None]] = {
    "one scan": (1, 0.0, None),
    "two scans, groups": (2, 0.05, "person"),
    "two copies, not named": (2, 0.0, None),
}


def draw(case: str, share: float, seed: int) -> tuple[float, np.ndarray]:
    """Nested area under the curve, and the correlation of each supervised training column."""
    n_scans, noise, groups = CASES[case]
    rng = np.random.default_rng(seed)
    person = np.tile(np.arange(N_PEOPLE), n_scans)
    y = rng.permutation(np.arange(N_PEOPLE) < share * N_PEOPLE).astype(int)[person]
    arrays = {}
    for name, width in WIDTHS.items():
        scan = rng.normal(size=(N_PEOPLE, width))[person]
        arrays[name] = scan + noise * rng.normal(size=scan.shape)
    X = MultimodalData(arrays, meta={"person": person})
    embedder = CMCCSSEmbedder(groups=groups)
    columns = embedder.fit_transform(X, y)
    supervised = ["css" in name for name in embedder.get_feature_names_out()]
    folds = StratifiedGroupKFold(4, shuffle=True, random_state=seed)
    model = make_pipeline(embedder, LogisticRegression())
    splits = list(folds.split(y, y, person))
    scores = cross_val_score(model, X, y, cv=splits, scoring="roc_auc", error_score="raise")
    return scores.mean(), np.array([_correlation(c, y) for c in columns[:, supervised].T])


def _correlation(column: np.ndarray, y: np.ndarray) -> float:
    """Correlation, 0 for a constant column."""
    return float(np.corrcoef(column, y)[0, 1]) if column.std() > 0 else 0.0


def run(case: str, share: float, n_draws: int) -> dict[str, Any]:
    """Mean and interval of 95 % over all draws."""
    found = [draw(case, share, seed) for seed in range(n_draws)]
    scores = np.array([score for score, _ in found])
    reach = stats.t.ppf(0.975, n_draws - 1) * scores.std(ddof=1) / np.sqrt(n_draws)
    correlations = np.mean([each for _, each in found], axis=0)
    return {
        "auc": round(float(scores.mean()), 4),
        "half width": round(float(reach), 4),
        "correlations": correlations.round(4).tolist(),
        "draws": n_draws,
    }


def main() -> None:
    """Run all cases."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    one_thread()
    found: dict[str, dict[str, Any]] = {}
    for case in CASES:
        for share in SHARES:
            name = f"{case}, {share:.0%} positive"
            found[name] = run(case, share, 10 if quick else DRAWS)
            print(f"{name:40}", found[name], flush=True)
    if not quick:
        write_report("permuted", found)


if __name__ == "__main__":
    main()
