"""Tables, intervals and the figure of benchmarks/worth.py."""

from __future__ import annotations

import numpy as np
from scipy.stats import t as student

SCORES = ("auc", "balanced", "log_loss")
OURS, FIRST = "CMC+CSS", "concatenation"
N_SPLITS = 5


def interval(a, b, n_splits: int = N_SPLITS) -> tuple[float, float]:
    """Return the mean of paired differences and the half-width of its corrected interval."""
    difference = np.subtract(a, b)
    n = len(difference)
    variance = difference.var(ddof=1) * (1 / n + 1 / (n_splits - 1))
    return float(difference.mean()), float(student.ppf(0.975, n - 1) * np.sqrt(variance))


def report(name: str, table: dict[str, dict], n_splits: int) -> None:
    """Print one task: every method, and its difference to concatenation."""
    print(f"\n{name}\n{'':30}{'AUC':>7}{'bal.':>7}{'log':>7}{'s/fold':>8}   AUC - {FIRST}")
    for method, row in table.items():
        mean, half = interval(row["auc"], table[FIRST]["auc"], n_splits)
        cells = "".join(f"{np.mean(row[score]):7.3f}" for score in SCORES)
        gain = f"{mean:+.3f} ± {half:.3f}"
        print(f"{method:30}{cells}{row['fold_seconds']:8.2f}   {gain}", flush=True)


def best_baseline(table: dict[str, dict]) -> str:
    """Return the baseline with the largest mean AUC, which is chosen afterwards."""
    baselines = [method for method in table if not method.startswith(OURS)]
    return max(baselines, key=lambda method: np.mean(table[method]["auc"]))


def summarize(results: dict[str, dict]) -> None:
    """Print what the bar of the flagship asks for."""
    tables = [result["methods"] for result in results.values()]

    def gain(score: str, other) -> float:
        return np.mean([np.mean(t[OURS][score]) - np.mean(t[other(t)][score]) for t in tables])

    print(f"\n{len(tables)} tasks: mean AUC {gain('auc', lambda _: FIRST):+.4f} against {FIRST},")
    print(f"{gain('auc', best_baseline):+.4f} against the best baseline of each task,")
    print(f"mean log-loss {gain('log_loss', lambda _: FIRST):+.4f} against {FIRST}.")


def print_rst(results: dict[str, dict], few: dict[str, dict]) -> None:
    """Print the rows of the guide's tables."""
    for name, result in results.items():
        table = result["methods"]
        best = best_baseline(table)
        mean, half = interval(table[OURS]["auc"], table[FIRST]["auc"])
        cells = [f"{name} ({result['subjects']})", _both(table, "auc"), f"{mean:+.3f} ± {half:.3f}"]
        _print_row([*cells, f"{np.mean(table[best]['auc']):.3f} ({best})"])
    print("\nbalanced accuracy and log-loss")
    for name, result in results.items():
        _print_row([name, *(_both(result["methods"], score) for score in SCORES[1:])])
    print("\nfew labels")
    for name, result in few.items():
        cells = [name]
        for of_labels in result["labels"].values():
            mean, half = interval(of_labels[OURS], of_labels[FIRST])
            cells += [f"{np.mean(of_labels[OURS]):.3f}, {mean:+.3f} ± {half:.3f}"]
        _print_row(cells)


def _both(table: dict[str, dict], score: str) -> str:
    return " / ".join(f"{np.mean(table[method][score]):.3f}" for method in (OURS, FIRST))


def _print_row(cells: list[str]) -> None:
    print("   * - " + "\n     - ".join(cells))


def plot(results: dict[str, dict], path: str) -> None:
    """Draw the differences in AUC, with intervals, to concatenation and to the best baseline."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 0.32 * len(results) + 1.4), layout="constrained")
    ax = figure.subplots()
    for row, result in enumerate(results.values()):
        table = result["methods"]
        others = {
            f"to {FIRST}": FIRST,
            "to the best of eight, chosen afterwards": best_baseline(table),
        }
        for k, (label, other) in enumerate(others.items()):
            mean, half = interval(table[OURS]["auc"], table[other]["auc"])
            ax.errorbar(
                mean, row + 0.3 * k - 0.15, xerr=half, fmt="os"[k], color=f"C{k}", capsize=2, ms=5,
                label=label if row == 0 else None,
            )  # fmt: skip
    ax.axvline(0, color="0.7", zorder=0)
    ax.set_yticks(range(len(results)), results)
    ax.invert_yaxis()
    ax.set_xlabel("difference of CMC+CSS in ROC AUC, with intervals of 95 %")
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    figure.savefig(path, dpi=110)
