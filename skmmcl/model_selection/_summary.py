"""Table of a comparison: means, intervals, corrected tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skmmcl.model_selection._ttests import bayesian_ttest, corrected_ttest, holm

if TYPE_CHECKING:
    from skmmcl.model_selection._result import ComparisonResult


def summarize(
    result: ComparisonResult,
    chosen: list[str],
    metric: str | None,
    confidence: float,
    rope: float | None,
) -> dict[str, Any]:
    """Return the columns of a summary, each with an entry for each chosen method."""
    values = dict(zip(result.methods, result.values(metric), strict=True))
    options = {**result.sizes, "confidence": confidence}
    alone = [corrected_ttest(values[name], **options) for name in chosen]
    paired = [corrected_ttest(values[name], values[chosen[0]], **options) for name in chosen]
    p = np.array([np.nan, *(test.pvalue for test in paired[1:])])
    columns: dict[str, Any] = {
        "score": [test.difference for test in alone],
        "lower": [test.lower for test in alone],
        "upper": [test.upper for test in alone],
        "difference": [test.difference for test in paired],
        "difference_lower": [test.lower for test in paired],
        "difference_upper": [test.upper for test in paired],
        "p": p,
        "p_corrected": holm(p),
        "splits": [test.n_splits for test in alone],
        "failed": [sum(bool(f.error) for f in result.fits if f.method == name) for name in chosen],
        "fit_time": [_mean_time(result, name) for name in chosen],
    }
    return columns if rope is None else columns | _posteriors(values, chosen, result, rope)


def _posteriors(
    values: dict[str, np.ndarray], chosen: list[str], result: ComparisonResult, rope: float
) -> dict[str, Any]:
    first = values[chosen[0]]
    found = [bayesian_ttest(values[name], first, **result.sizes, rope=rope) for name in chosen]
    columns = {key: [getattr(test, key) for test in found] for key in found[0]._fields[:3]}
    for column in columns.values():
        column[0] = np.nan  # the first is not compared to itself
    return columns


def _mean_time(result: ComparisonResult, name: str) -> float:
    times = [fit.fit_time for fit in result.fits if fit.method == name and not fit.error]
    return float(np.mean(times)) if times else np.nan
