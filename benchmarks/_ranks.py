"""Tables of `compare_methods.py`, and the summary over tasks: mean ranks, critical difference."""

from __future__ import annotations

import numpy as np
from scipy.stats import friedmanchisquare, rankdata, studentized_range


def mean_ranks(scores: np.ndarray) -> np.ndarray:
    """Return the mean rank of each method, 1 for the best; rows are tasks."""
    return rankdata(-scores, axis=1).mean(axis=0)


def critical_difference(n_methods: int, n_tasks: int, level: float = 0.05) -> float:
    """Return how far mean ranks must differ for Nemenyi's test, as Demsar (2006) has it.

    >>> round(critical_difference(5, 30), 2)  # with his table, q = 2.728
    1.11
    """
    q = studentized_range.ppf(1 - level, n_methods, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(n_methods * (n_methods + 1) / (6 * n_tasks)))


def print_tables(results: dict[str, dict]) -> None:
    """Print a table of each task and the summary over tasks, as reStructuredText."""
    for name, task in results.items():
        title = f"{name} ({task['subjects']} subjects, {task['splits']} splits)"
        print(f"\n{title}\n{'^' * len(title)}\n")
        _print_table(["method", "score", "difference, 95 % interval", "p, Holm"], _rows(task))
        if failed := {n: m["errors"] for n, m in task["methods"].items() if m["errors"]}:
            print(f"\nNot for this task, with the error in the JSON: {', '.join(failed)}.")
    print("\nSummary over tasks\n------------------")
    print_summary(results)
    print_summary({n: t for n, t in results.items() if t["metrics"][0].startswith("roc")})


def _rows(task: dict) -> list[list[str]]:
    rows = []
    for method, found in task["methods"].items():
        s = found["summary"]
        if s["score"] is None:
            continue
        gain = "—"
        if s["difference_lower"] is not None and s["p"] is not None:
            half = (s["difference_upper"] - s["difference_lower"]) / 2
            gain = f"{s['difference']:+.3f} ± {half:.3f}"
        p = "—" if s["p_corrected"] is None else f"{s['p_corrected']:.3f}"
        rows.append((s["score"], [method, f"{s['score']:.3f}", gain, p]))
    return [cells for _, cells in sorted(rows, key=lambda row: -row[0])]


def print_summary(results: dict[str, dict]) -> None:
    """Print mean ranks over tasks of the methods that have a score in all of them."""
    tables = [
        {m: f["summary"]["score"] for m, f in task["methods"].items()} for task in results.values()
    ]
    names = [
        m for m in tables[0] if all(t.get(m) is not None for t in tables) and " alone" not in m
    ]
    scores = np.array([[table[m] for m in names] for table in tables])
    if len(scores) < 2 or len(names) < 3:
        return
    ranks = mean_ranks(scores)
    print(
        f"\n{len(names)} methods have a score in all of {len(tables)} tasks ({', '.join(results)})."
    )
    print(f"Friedman's test: p = {friedmanchisquare(*scores.T).pvalue:.2g}. ", end="")
    print(f"Critical difference: {critical_difference(len(names), len(tables)):.1f}.\n")
    order = np.argsort(ranks)
    _print_table(["method", "mean rank"], [[names[k], f"{ranks[k]:.2f}"] for k in order])


def _print_table(head: list[str], rows: list[list[str]]) -> None:
    print(".. list-table::\n   :header-rows: 1\n")
    for cells in [head, *rows]:
        print("   * - " + "\n     - ".join(cells))
