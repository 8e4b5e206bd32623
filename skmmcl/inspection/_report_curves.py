"""Curves of a report: ROC and calibration of held-out subjects, and predictions of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.metrics import mean_absolute_error, r2_score, roc_auc_score, roc_curve

from skmmcl.inspection._report_blocks import Section, Table, Text, number, picture
from skmmcl.inspection._report_cohort import Subjects

MAX_CURVES = 4
GRID = np.linspace(0, 1, 101)


def shown_methods(result: Any, method: str) -> list[str]:
    """Return the methods to draw: the one reported, the reference, and the best others."""
    table = result.summary()
    best = table["score"].sort_values(ascending=False).index
    chosen = dict.fromkeys([method, table.index[0], *best])
    return list(chosen)[:MAX_CURVES]


def curves_section(result: Any, method: str, subjects: Subjects) -> Section:
    """Return ROC and calibration of classifiers, or predictions over truth of regressors."""
    tables = {name: result.predictions(name) for name in shown_methods(result, method)}
    tables = {name: table for name, table in tables.items() if len(table)}
    if not subjects.names:
        return _predictions_section(tables, method, subjects)
    section = Section("curves", "ROC and calibration")
    scores = {name: class_scores(table, subjects) for name, table in tables.items()}
    scores = {name: found for name, found in scores.items() if found}
    if not scores:
        section.blocks.append(Text("No method gives probabilities or a decision function."))
        return section
    lines, of_whom = _lines(scores, method, subjects)
    section.blocks.append(
        picture(
            lambda ax: _draw_roc(ax, lines),
            "ROC curves of held-out subjects",
            f"ROC of held-out subjects, {of_whom}: mean and standard deviation over the splits.",
            (4.6, 3.9),
        )
    )
    probable = {
        name: found
        for name, found in lines.items()
        if min(table["p"].min() for table in found) >= 0
        and max(table["p"].max() for table in found) <= 1
    }
    if probable:
        section.blocks += _calibration(probable, of_whom)
    return section


def class_scores(table: Any, subjects: Subjects) -> dict[Any, Any]:
    """Return for each class a table of ``row``, ``split``, whether it is it, and its score."""
    labels = list(subjects.names)
    columns = {labels[1]: "score"} if len(labels) == 2 else {k: f"score_{k}" for k in labels}
    found = {}
    for label, column in columns.items():
        if column in table and table[column].notna().all():
            part = table[["row", "split"]].copy()
            part["is"], part["p"] = (table["y_true"] == label).astype(int), table[column]
            found[label] = part
    return found


def _lines(scores: dict, method: str, subjects: Subjects) -> tuple[dict[str, list], str]:
    """Return a line for each method, or of several classes for each class, and what they are of."""
    if len(subjects.names) == 2:
        positive = list(subjects.names.values())[1]
        lines = {name: list(found.values()) for name, found in scores.items()}
        return lines, f"{positive!r} against the other class"
    name = method if method in scores else next(iter(scores))
    lines = {subjects.names[label]: [table] for label, table in scores[name].items()}
    return lines, f"each class of {name} against the others"


def _draw_roc(ax: Any, lines: dict[str, list]) -> None:
    ax.plot([0, 1], [0, 1], c="0.8", lw=1)
    for name, (table,) in lines.items():
        curves, areas = [], []
        for _, part in table.groupby("split"):
            if part["is"].nunique() == 2:
                false, true, _ = roc_curve(part["is"], part["p"])
                curves.append(np.interp(GRID, false, true))
                curves[-1][0] = 0.0
                areas.append(roc_auc_score(part["is"], part["p"]))
        if not curves:
            continue
        mean, deviation = np.mean(curves, axis=0), np.std(curves, axis=0)
        (line,) = ax.plot(GRID, mean, label=f"{name}: {np.mean(areas):.3f}")
        low, high = np.clip([mean - deviation, mean + deviation], 0, 1)
        ax.fill_between(GRID, low, high, color=line.get_color(), alpha=0.12, lw=0)
    ax.set(xlabel="false positive rate", ylabel="true positive rate", aspect="equal")
    ax.legend(title="area", frameon=False, fontsize="small", loc="lower right")


def _calibration(lines: dict[str, list], of_whom: str) -> list[Any]:
    curves, rows = {}, []
    for name, (table,) in lines.items():
        known = table.groupby("row")[["is", "p"]].mean()  # over the repeats
        n_bins = int(np.clip(len(known) // 15, 2, 10))
        curves[name] = calibration_curve(
            known["is"], known["p"].clip(0, 1), n_bins=n_bins, strategy="quantile"
        )
        brier = np.mean((known["is"] - known["p"]) ** 2)
        edges = np.quantile(known["p"], np.linspace(0, 1, n_bins + 1)[1:-1])
        gap = (known["is"] - known["p"]).groupby(np.digitize(known["p"], edges)).agg(["sum"])
        rows.append([name, number(brier), number(np.abs(gap["sum"]).sum() / len(known))])
    figure = picture(
        lambda ax: _draw_calibration(ax, curves),
        "Calibration of held-out subjects",
        f"Calibration of held-out subjects, {of_whom}: how often the class is the true one among "
        "subjects of similar probability.",
        (4.6, 3.9),
    )
    head = ["", "Brier score", "calibration error"]
    return [figure, Table(head, rows, "Smaller is better in both.")]


def _draw_calibration(ax: Any, curves: dict[str, tuple]) -> None:
    ax.plot([0, 1], [0, 1], c="0.8", lw=1)
    for name, (share, probability) in curves.items():
        ax.plot(probability, share, "o-", ms=4, label=name)
    ax.set(xlabel="mean probability", ylabel="share of the class", aspect="equal")
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    ax.legend(frameon=False, fontsize="small")


def _predictions_section(tables: dict, method: str, subjects: Subjects) -> Section:
    section = Section("curves", "Predictions")
    tables = {name: table for name, table in tables.items() if "y_pred" in table}
    means = {n: table.groupby("row")[["y_true", "y_pred"]].mean() for n, table in tables.items()}
    rows = [
        [
            name,
            number(mean_absolute_error(found.y_true, found.y_pred)),
            number(r2_score(found.y_true, found.y_pred)),
            number(np.corrcoef(found.y_true, found.y_pred)[0, 1]) if found.y_pred.std() else "–",
        ]
        for name, found in means.items()
    ]
    head = ["method", "mean absolute error", "R2", "correlation"]
    caption = "Of held-out predictions, averaged over the repeats."
    section.blocks.append(Table(head, rows, caption, marked=method))
    if method in means:
        section.blocks.append(
            picture(
                lambda ax: _draw_predictions(ax, means[method], subjects.target),
                "Predictions of held-out subjects over the truth",
                f"{method}, held-out subjects.",
                (4.6, 3.9),
            )
        )
    return section


def _draw_predictions(ax: Any, found: Any, target: str) -> None:
    low, high = found.y_true.min(), found.y_true.max()
    ax.plot([low, high], [low, high], c="0.8", lw=1)
    ax.plot(found.y_true, found.y_pred, "o", ms=4, alpha=0.6, mew=0)
    ax.set(xlabel=f"true {target}", ylabel=f"predicted {target}")
