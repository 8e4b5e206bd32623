"""Intervals, tables and the figure of what is lost where modalities are missing."""

from __future__ import annotations

from typing import Any

import numpy as np
from _missing_methods import BASELINES, OURS
from scipy import stats

PLACES = ("test", "both")
SIMULATED = "simulated"
Scores = dict[str, dict[str, np.ndarray]]  # by place and method: (n_rates, n_repeats, n_splits)


def interval(values: np.ndarray, *, redrawn: bool) -> list[float]:
    """Mean, and interval of 95 %, of values (n_repeats, n_splits)."""
    if redrawn:  # subjects, so that repeats are independent
        sample, correction = values.mean(axis=1), 0.0
    else:
        sample, correction = values.ravel(), 1 / (values.shape[1] - 1)
    mean = sample.mean()
    error = sample.std(ddof=1) * np.sqrt(1 / len(sample) + correction)
    reach = stats.t.ppf(0.975, len(sample) - 1) * error
    return [round(float(value), 4) for value in (mean, mean - reach, mean + reach)]


def compared(scores: Scores, *, redrawn: bool) -> dict[str, Any]:
    """By how much each of our methods loses less than each baseline, and is better in the end."""

    def gains(place: str, ours: str, baseline: str) -> dict[str, list[float]]:
        gain = scores[place][ours] - scores[place][baseline]
        parts = {"loses less by": gain[-1] - gain[0], "is better by": gain[-1]}
        return {name: interval(part, redrawn=redrawn) for name, part in parts.items()}

    return {
        place: {ours: {name: gains(place, ours, name) for name in BASELINES} for ours in OURS}
        for place in PLACES
    }


def print_tables(name: str, part: dict[str, Any]) -> None:
    """What was measured in one cohort, as the user guide has it."""
    for place, of_place in part["scores"].items():
        rates = " ".join(f"{100 * rate:.0f} %" for rate in part["rates"])
        print(f"\n{name}, missing in {place}: balanced accuracy at {rates}, and what is lost")
        for method, values in of_place.items():
            means = np.mean(values, axis=(1, 2))
            cells = "  ".join(f"{mean:.3f}" for mean in means)
            print(f"{method:24}  {cells}  {means[0] - means[-1]:.3f}")
        for ours, others in part["comparison"][place].items():
            for other, found in others.items():
                each = (
                    f"{k} {m:+.3f} [{low:+.3f}, {high:+.3f}]" for k, (m, low, high) in found.items()
                )
                print(f"{ours:24} against {other:16}", *each, flush=True)


def plot(cohorts: dict[str, Any], path: str) -> None:
    """Draw means and intervals of 95 % at each rate, a row for each place of the holes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.6 * len(cohorts), 6.4), layout="constrained")
    axes = figure.subplots(len(PLACES), len(cohorts), sharex=True, sharey="col", squeeze=False)
    for column, (name, part) in zip(axes.T, cohorts.items(), strict=True):
        for ax, place in zip(column, PLACES, strict=True):
            _draw(ax, part["rates"], part["scores"][place], redrawn=name == SIMULATED)
            ax.set_title(f"{name}, missing in {place}")
        column[-1].set_xlabel("part of the modalities taken away")
    for ax in axes[:, 0]:
        ax.set_ylabel("balanced accuracy")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.savefig(path, dpi=80)


def _draw(ax: Any, rates: list[float], scores: dict[str, Any], *, redrawn: bool) -> None:
    for k, (method, values) in enumerate(scores.items()):
        bands = [interval(np.array(of_rate), redrawn=redrawn) for of_rate in values]
        mean, low, high = np.transpose(bands)
        style = "o-" if method in OURS else "s--"
        ax.plot(rates, mean, style, color=f"C{k}", label=method, markersize=4)
        ax.fill_between(rates, low, high, color=f"C{k}", alpha=0.1, linewidth=0)
    ax.set_xticks(rates)
    ax.spines[["top", "right"]].set_visible(False)
