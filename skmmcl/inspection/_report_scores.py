"""Scores of a report, with intervals and tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from skmmcl.inspection._report_blocks import Section, Table, Text, interval, p_value, picture, shown


def answer(result: Any, method: str) -> str:
    """Return the result in a sentence or two."""
    table, metric = result.summary(), result.metrics[0]
    row, reference = table.loc[method], table.index[0]
    if not np.isfinite(row.score):
        return f"{method} has no score: {reason_of(result, method)}."
    score = score_of(row, metric)
    count = "1 split" if row.splits == 1 else f"{row.splits:.0f} splits"
    text = f"{method} has a mean {shown(metric)} of {score} over {count}."
    chance = _next_to_chance(row, chance_of(result, metric))
    if method == reference or not np.isfinite(row.p_corrected):
        return f"{text}{chance}"
    size = difference_of(row)
    found = "better than" if row.difference > 0 else "worse than"
    found = found if row.p_corrected < 0.05 else "not significantly different from"
    return (
        f"{text} It is {found} {reference}: difference {size}, corrected p "
        f"{'' if row.p_corrected < 0.001 else '= '}{p_value(row.p_corrected)}.{chance}"
    )


def score_of(row: Any, metric: str) -> str:
    """Return the mean score of a row of a summary, with its interval within the metric's range."""
    if not np.isfinite(row.score):
        return "failed" if row.failed else "not defined"
    return interval(row.score, *_bounds(row, metric))


def _bounds(row: Any, metric: str) -> np.ndarray:
    """Return the ends of the interval of a score, cut where the metric of scikit-learn ends."""
    is_share = metric in {"accuracy", "balanced_accuracy"} or metric.startswith("roc_auc")
    lowest = 0 if is_share else -np.inf
    highest = 1 if is_share or metric == "r2" else 0 if metric.startswith("neg_") else np.inf
    return np.clip([row.lower, row.upper], lowest, highest)


def difference_of(row: Any) -> str:
    """Return the difference to the first method of a row of a summary, with its interval."""
    return interval(row.difference, row.difference_lower, row.difference_upper, "+z.3f")


def reason_of(result: Any, method: str) -> str:
    """Return why the first split without a score of a method has none; empty if all have one."""
    fits = [fit for fit in result.failures if fit.method == method]
    return (fits[0].error or "; ".join(fits[0].messages)) if fits else ""


def chance_of(result: Any, metric: str) -> float:
    """Return the score of predictions that ignore the subject; NaN where that depends on data."""
    if metric == "balanced_accuracy" and result.classes is not None:
        return 1 / len(result.classes)
    return 0.5 if metric.startswith("roc_auc") else 0.0 if metric == "r2" else np.nan


def _next_to_chance(row: Any, chance: float) -> str:
    if not np.isfinite([chance, row.lower, row.upper]).all():
        return ""
    if row.lower <= chance <= row.upper:
        return f" The interval of its score includes {chance:.3g}, which chance gives."
    return f" Chance gives {chance:.3g}."


def scores_section(result: Any, method: str) -> Section:
    """Return the scores of all methods, by all metrics."""
    section = Section("scores", "Scores")
    reference = next(iter(result.methods))
    section.blocks.append(
        Text(
            "Means over the splits with 95 % intervals of the corrected resampled t-test (Nadeau "
            f"and Bengio), differences to {reference!r}, and p-values of the same test, corrected "
            "for the number of comparisons (Holm). Greater is better in all scores."
        )
    )
    for metric in result.metrics:
        section.blocks.append(_table(result, metric, method))
    metric = result.metrics[0]
    height = 1.1 + 0.3 * len(result.methods)
    section.blocks.append(
        picture(
            lambda ax: _draw_scores(ax, result, method),
            f"{shown(metric)} of each method",
            f"{shown(metric)}: dots are splits, bars the 95 % intervals of the mean.",
            (5.0, height),
        )
    )
    if len(result.methods) > 1:
        section.blocks.append(
            picture(
                lambda ax: result.plot(ax=ax),
                f"Difference of each method to {reference}",
                f"Paired differences to {reference!r}, split by split.",
                (5.0, height),
            )
        )
    return section


def _table(result: Any, metric: str, method: str) -> Table:
    rows = []
    for k, (name, row) in enumerate(result.summary(metric).iterrows()):
        cells = [
            score_of(row, metric),
            difference_of(row) if k else "reference",
            p_value(row.p) if k else "",
            p_value(row.p_corrected) if k else "",
            f"{row.fit_time:.2g} s" if np.isfinite(row.fit_time) else "–",
            f"{row.splits:.0f}" + (f", {row.failed:.0f} failed" if row.failed else ""),
        ]
        rows.append([str(name), *cells])
    head = ["method", shown(metric), "difference", "p", "p, corrected", "time of a fit", "splits"]
    return Table(head, rows, marked=method)


def _draw_scores(ax: Any, result: Any, method: str) -> None:
    table, values = result.summary(), result.values()
    names = list(table.index)
    for row, name in enumerate(names):
        color = "#c1272d" if name == method else "#2b6ca3"
        spread = np.linspace(-0.2, 0.2, values.shape[1]) if values.shape[1] > 1 else [0]
        ax.plot(values[row], row + np.asarray(spread), ".", c=color, alpha=0.3, ms=5, mew=0)
        ax.plot(_bounds(table.loc[name], result.metrics[0]), [row, row], c=color, lw=2)
        ax.plot(table.loc[name, "score"], row, "o", c=color, ms=5)
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set(xlabel=shown(result.metrics[0]))
    ax.grid(axis="x", color="0.92")
    ax.set_axisbelow(True)
