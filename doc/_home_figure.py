"""Draw the three panels of the home page, for light and for dark pages.

Run ``python doc/_home_figure.py``. The last panel shows ``benchmarks/results/missing.json``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from skmmcl import CMCCSSEmbedder
from skmmcl.datasets import make_cohort

HERE = Path(__file__).parent
RESULTS = HERE.parent / "benchmarks" / "results" / "missing.json"
TITLES = {
    "smri": "radiomics",
    "sc": "structural\nconnectome",
    "fc": "functional\nconnectome",
    "t2": "T2",
    "clinical": "clinical",
}
METHODS = {
    "CMC+CSS": ("skmmcl, defaults", "#0a8f8f", "o-"),
    "KNN imputation": ("KNN imputation + logistic regression", "#e07a1f", "s--"),
    "mean imputation": ("mean imputation + logistic regression", "#a07fe0", "^:"),
}
CLASSES = {0: ("controls", "#0a8f8f"), 1: ("patients", "#e07a1f")}
STYLE = {"font.size": 11, "svg.hashsalt": "skmmcl", "axes.spines.top": False}
STYLE |= {"axes.spines.right": False, "legend.frameon": False}
INK = {"light": "#1f2933", "dark": "#e8ebef"}


def draw_modalities(figure: Any, X: Any) -> None:
    """Draw one subject: a tile for each modality."""
    axes = figure.subplots(len(X.modalities), 1)
    for ax, (name, values) in zip(axes, X.items(), strict=True):
        row = np.asarray(values[0], dtype=float)
        tile = row if row.ndim == 2 else row.reshape(1, -1)
        ax.imshow(tile[:, :80], aspect="auto", cmap="PuOr", interpolation="nearest")
        ax.set_ylabel(TITLES[name], rotation=0, ha="right", va="center")
        ax.set(xticks=[], yticks=[])


def draw_embedding(figure: Any, X: Any, y: np.ndarray) -> None:
    """Draw the subjects who took no part in the fit, by the joint column and a shared one."""
    train, test = train_test_split(np.arange(len(y)), test_size=0.4, stratify=y, random_state=0)
    embedder = CMCCSSEmbedder(random_state=0)
    columns = embedder.fit_transform(X[train], y[train])
    held_out = embedder.transform(X[test])
    classifier = LogisticRegression().fit(columns, y[train])
    auc = roc_auc_score(y[test], classifier.decision_function(held_out))
    names = embedder.get_feature_names_out().tolist()
    ax = figure.subplots()
    x_axis, y_axis = (names.index(name) for name in ("joint_css_0", "smri_cmc_0"))
    for label, (name, color) in CLASSES.items():
        rows = held_out[y[test] == label]
        ax.scatter(rows[:, x_axis], rows[:, y_axis], s=22, color=color, alpha=0.8, label=name)
    ax.set_xlabel("what sets the classes apart (joint_css_0)")
    ax.set_ylabel("what modalities share (smri_cmc_0)")
    ax.set_title(f"classifier on top: ROC AUC {auc:.2f}", loc="left", fontsize=11)
    ax.set(xticks=[], yticks=[])
    ax.legend(loc="lower left", handletextpad=0.1)


def draw_missing(figure: Any) -> None:
    """Draw the balanced accuracy where modalities are missing, mean of the cohorts measured."""
    cohorts = [v for k, v in json.loads(RESULTS.read_text()).items() if k != "environment"]
    ax = figure.subplots()
    rates = [100 * rate for rate in cohorts[0]["rates"]]
    for method, (label, color, style) in METHODS.items():
        values = [np.mean(c["scores"]["test"][method], axis=(1, 2)) for c in cohorts]
        ax.plot(rates, np.mean(values, axis=0), style, color=color, label=label)
    ax.set_xticks(rates, [f"{rate:.0f} %" for rate in rates])
    ax.set_xlabel("modalities missing in test subjects")
    ax.set_ylabel("balanced accuracy")
    ax.set_title(f"mean of {len(cohorts)} cohorts", loc="left", fontsize=11)
    ax.set_ylim(0.68)
    ax.legend(loc="lower left", fontsize=10)


def draw(ink: str) -> dict[str, Figure]:
    """Return the panels in one color of ink, by name."""
    colors = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    X, y, _ = make_cohort(300, random_state=0)
    with mpl.rc_context(STYLE | dict.fromkeys(colors, ink)):
        names = ("modalities", "embedding", "missing")
        panels = {name: Figure(figsize=(4.0, 3.6), layout="constrained") for name in names}
        draw_modalities(panels["modalities"], X)
        draw_embedding(panels["embedding"], X, y)
        draw_missing(panels["missing"])
    return panels


if __name__ == "__main__":
    for theme, ink in INK.items():
        for name, panel in draw(ink).items():
            path = HERE / "_static" / f"home_{name}_{theme}.png"
            panel.savefig(path, dpi=140, transparent=True)
