"""Figure of a comparison."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from skmmcl.model_selection._ttests import corrected_ttest
from skmmcl.utils._optional import import_pyplot

if TYPE_CHECKING:
    from skmmcl.model_selection._result import ComparisonResult

LONGEST_LINE = 40  # characters, which fit below the axes of a small figure


def plot_differences(
    result: ComparisonResult, metric: str | None, confidence: float, ax: Any
) -> Any:
    """Draw the paired differences of all methods to the first."""
    pyplot = import_pyplot("ComparisonResult.plot")
    metric = result.metrics[0] if metric is None else metric
    values = result.values(metric)
    names = list(result.methods)
    if len(names) < 2:
        raise ValueError("plot draws differences to the first method: compare two methods or more.")
    if ax is None:
        _, ax = pyplot.subplots(figsize=(7, 1.4 + 0.45 * len(names)), layout="constrained")
    for row, scores in enumerate(values[1:]):
        differences = scores - values[0]
        test = corrected_ttest(scores, values[0], **result.sizes, confidence=confidence)
        shift = np.linspace(-0.22, 0.22, len(differences)) if len(differences) > 1 else [0.0]
        ax.plot(differences, row + np.asarray(shift), ".", c="C0", alpha=0.3, ms=6, mew=0)
        if np.isfinite(test.lower):
            ax.plot([test.lower, test.upper], [row, row], c="C3", lw=2.5, solid_capstyle="butt")
        ax.plot(test.difference, row, "o", c="C3", ms=7)
    ax.axvline(0, color="0.6", lw=1, zorder=0)
    ax.set_yticks(range(len(names) - 1), names[1:])
    ax.set_ylim(len(names) - 1.5, -0.5)
    title = fill(f"difference in {metric} to {names[0]!r}", LONGEST_LINE)
    ax.set_xlabel(f"{title}\n(dots: splits; bar: {confidence:.0%} interval)")
    ax.spines[["top", "right"]].set_visible(False)
    return ax
