"""Pictures of training, contributions and learning curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from skmmcl.base import BaseEmbedder
from skmmcl.exceptions import DataError
from skmmcl.inspection._axes import axes_of, whole_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from sklearn.utils import Bunch


def plot_history(estimator: Any, *, ax: Axes | None = None) -> Axes:
    """Draw the loss and each term of a training, epoch by epoch.

    Parameters
    ----------
    estimator : embedder, pipeline, search or mapping of str to array-like
        Fitted embedder of this package, fitted pipeline with one as a step, search over these, or a
        `history_`.
    ax : matplotlib.axes.Axes, default=None
        Axes to draw on; None for a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        One line for each entry of the history.

    Raises
    ------
    DataError
        If nothing was trained, as where all terms are solved in closed form.
    TypeError
        If there is no embedder.
    ImportError
        Without matplotlib.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from skmmcl import CMCCSSEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> from skmmcl.inspection import plot_history
    >>> X, y, _ = make_cohort(n_subjects=40, random_state=0)
    >>> embedder = CMCCSSEmbedder(solver="gradient", max_epochs=3, random_state=0).fit(X, y)
    >>> [line.get_label() for line in plot_history(embedder).lines]
    ['train_loss', 'cmc', 'css']
    """
    history = estimator if isinstance(estimator, Mapping) else history_of(estimator)
    if not any(len(values) for values in history.values()):
        raise DataError(
            "The history is empty: nothing was trained, all terms were solved in closed form. "
            "solver='gradient' trains a network."
        )
    ax = axes_of(ax, "plot_history")
    for name, values in history.items():
        width = 2 if name.endswith("loss") else 1
        ax.plot(np.arange(1, len(values) + 1), values, label=name, lw=width)
    whole_ticks(ax.xaxis)
    ax.set(xlabel="epoch", ylabel="loss")
    ax.legend(frameon=False)
    return ax


def history_of(estimator: Any) -> Mapping[str, np.ndarray]:
    """Return the history of the one embedder in an estimator or its steps."""
    estimator = getattr(estimator, "best_estimator_", estimator)  # of a search
    steps = getattr(estimator, "named_steps", {"": estimator}).values()
    found = [step for step in steps if isinstance(step, BaseEmbedder)]
    found += [
        inner
        for step in steps
        if isinstance(inner := getattr(step, "transformer_", None), BaseEmbedder)
    ]
    if len(found) != 1:
        raise TypeError(
            f"{type(estimator).__name__} must be a fitted embedder of skmmcl, or a pipeline with "
            f"one as a step; found {len(found)} embedders."
        )
    return found[0].history_


def plot_modality_importance(
    result: Bunch, *, label: str = "drop of the score", ax: Axes | None = None
) -> Axes:
    """Draw the contributions of modalities, or of terms, as bars.

    Parameters
    ----------
    result : :class:`~sklearn.utils.Bunch`
        As :func:`modality_importance`, :func:`modality_shapley`, :func:`modality_ablation` and
        :func:`term_ablation` give for one scorer.
    label : str, default="drop of the score"
        Name of the axis.
    ax : matplotlib.axes.Axes, default=None
        Axes to draw on; None for a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The largest mean is at the top; points are the single folds or permutations.

    Raises
    ------
    TypeError
        If the result is that of several scorers.
    ImportError
        Without matplotlib.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn.utils import Bunch
    >>> from skmmcl.inspection import plot_modality_importance
    >>> ax = plot_modality_importance(
    ...     Bunch(
    ...         modalities=("fc", "smri"), importances_mean=[0.1, 0.2], importances=[[0.1], [0.2]]
    ...     )
    ... )
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['fc', 'smri']
    """
    names = result.get("modalities") or result.get("terms")
    if names is None or "importances_mean" not in result:
        raise TypeError(f"One result is drawn at a time; pick one of the scorers {list(result)}.")
    ax = axes_of(ax, "plot_modality_importance")
    order = np.argsort(result["importances_mean"], kind="stable")
    means = np.asarray(result["importances_mean"])[order]
    each = np.asarray(result["importances"])[order]
    ax.barh(range(len(order)), means, color="#8fb3d9", height=0.6)
    if each.shape[1] > 1:
        rows = np.repeat(np.arange(len(order)), each.shape[1])
        ax.plot(each.ravel(), rows, "o", c="#1f3b57", ms=3, alpha=0.5, mew=0)
    ax.axvline(0, color="0.3", lw=1)
    ax.set_yticks(range(len(order)), [names[k] for k in order])
    ax.set(xlabel=label)
    ax.spines[["top", "right", "left"]].set_visible(False)
    return ax


def plot_learning_curve(result: Bunch, *, label: str = "score", ax: Axes | None = None) -> Axes:
    """Draw a learning curve over labeled subjects.

    Parameters
    ----------
    result : :class:`~sklearn.utils.Bunch`
        As :func:`learning_curve` gives for one scorer.
    label : str, default="score"
        Name of the axis.
    ax : matplotlib.axes.Axes, default=None
        Axes to draw on; None for a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The mean over the folds, within a standard deviation.

    Raises
    ------
    ImportError
        Without matplotlib.

    Examples
    --------
    >>> import matplotlib, numpy as np
    >>> matplotlib.use("Agg")
    >>> from sklearn.utils import Bunch
    >>> from skmmcl.inspection import plot_learning_curve
    >>> scores = np.array([[0.6, 0.7], [0.8, 0.8]])
    >>> ax = plot_learning_curve(Bunch(train_sizes=[10, 40], test_scores=scores))
    >>> ax.get_xlabel()
    'labeled subjects in training'
    """
    ax = axes_of(ax, "plot_learning_curve")
    mean, deviation = result.test_scores.mean(axis=1), result.test_scores.std(axis=1)
    ax.fill_between(result.train_sizes, mean - deviation, mean + deviation, alpha=0.2, lw=0)
    ax.plot(result.train_sizes, mean, "o-")
    ax.set(xlabel="labeled subjects in training", ylabel=label)
    return ax
