"""Pictures of training, contributions, learning curves and embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from skmmcl.base import BaseEmbedder
from skmmcl.data._who import check_same_subjects
from skmmcl.exceptions import DataError
from skmmcl.inspection._axes import axes_of, whole_ticks
from skmmcl.inspection._values import known_values
from skmmcl.metrics._checks import check_matrix
from skmmcl.utils._optional import import_pyplot
from skmmcl.utils._plain import plain_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike
    from sklearn.utils import Bunch

    from skmmcl.utils._typing import RandomState

MAX_GROUPS = 20  # distinguishable colors in a legend


def plot_history(estimator: Any, *, ax: Axes | None = None) -> Axes:
    """Draw the loss and each term of a training, epoch by epoch.

    Parameters
    ----------
    estimator : embedder, pipeline, search or mapping of str to array-like
        Fitted embedder of this package, fitted pipeline with one as a step, search over these, or a
        `history_`.
    ax : matplotlib.axes.Axes, default=None
        Where to draw; None for a new figure.

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
        Where to draw; None for a new figure.

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
        Where to draw; None for a new figure.

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


def plot_embedding(
    Z: ArrayLike,
    color: ArrayLike | Mapping[str, Any] | None = None,
    *,
    method: Literal["pca", "tsne"] = "pca",
    random_state: RandomState = 0,
    ax: Any = None,
) -> Axes | list[Axes]:
    """Draw a map of a representation, colored by label, site, age and the like.

    Parameters
    ----------
    Z : array-like of shape (n_subjects, n_features)
        Representation, as an embedder's ``transform`` gives it.
    color : array-like of shape (n_subjects,), mapping of str to array-like or None, default=None
        Classes or numbers; where unknown (None or NaN) a subject is gray. A mapping, such as
        ``{"diagnosis": y, "site": X.meta["site"]}``, makes one map for each entry.
    method : {"pca", "tsne"}, default="pca"
        How the representation is brought to two dimensions; one with two features stays as it is.
    random_state : int, RandomState instance or None, default=0
        Seed of t-SNE.
    ax : matplotlib.axes.Axes or sequence of them, default=None
        Where to draw, one for each map; None for a new figure.

    Returns
    -------
    matplotlib.axes.Axes or list of them
        A list if `color` is a mapping.

    Raises
    ------
    DataError
        If the number of colors or axes differs from that of subjects or maps.
    ValueError
        If `Z` is not finite, or `method` is unknown.
    ImportError
        Without matplotlib.

    Examples
    --------
    >>> import matplotlib, numpy as np
    >>> matplotlib.use("Agg")
    >>> from skmmcl.inspection import plot_embedding
    >>> Z = np.random.default_rng(0).normal(size=(30, 8))
    >>> axes = plot_embedding(Z, {"diagnosis": ["AD", "HC", "MCI"] * 10, "age": np.arange(30)})
    >>> [ax.get_title() for ax in axes]
    ['diagnosis', 'age']
    """
    maps = color if isinstance(color, Mapping) else {"": color}
    check_same_subjects({"Z": Z, **maps}, embedded=True)
    points, axis = in_two_dimensions(check_matrix(Z, "Z").astype(float), method, random_state)
    plt = import_pyplot("plot_embedding")
    if ax is None:
        size = (4.2 * len(maps), 3.6)
        ax = plt.subplots(1, len(maps), figsize=size, layout="constrained", squeeze=False)[1][0]
    axes = list(np.ravel(ax))
    if len(axes) != len(maps):
        raise DataError(f"{len(axes)} axes were given for {len(maps)} maps.")
    for one, (name, values) in zip(axes, maps.items(), strict=True):
        draw_map(points, axis, values, name, ax=one)
    return axes if isinstance(color, Mapping) else axes[0]


def in_two_dimensions(z: np.ndarray, method: str, random_state: Any) -> tuple[np.ndarray, str]:
    """Return points in the plane, and what their axes are."""
    if method not in {"pca", "tsne"}:
        raise ValueError(f"method must be 'pca' or 'tsne', got {method!r}.")
    if z.shape[1] <= 2:
        return np.pad(z, ((0, 0), (0, 2 - z.shape[1]))), "dimension"
    if method == "pca":
        return PCA(2, svd_solver="full").fit_transform(z), "PC"
    tsne = TSNE(init="pca", perplexity=min(30, (len(z) - 1) / 3), random_state=random_state)
    return tsne.fit_transform(z), "t-SNE"


def draw_map(
    points: np.ndarray, axis: str, values: Any, name: str, *, ax: Any, measured: bool | None = None
) -> None:
    """Draw a map; `measured` says that colors are numbers, None that they decide it themselves."""
    ax.set(title=name, xticks=[], yticks=[], xlabel=f"{axis} 1", ylabel=f"{axis} 2")
    style = {"s": 16, "lw": 0, "alpha": 0.8}
    if values is None:
        ax.scatter(*points.T, color="C0", **style)
        return
    if len(values) != len(points):
        raise DataError(f"color {name!r} has {len(values)} values for {len(points)} subjects.")
    known, kept, seem_so = known_values(values)
    if not known.all():
        ax.scatter(*points[~known].T, color="0.8", label="unknown", **style)
    if seem_so if measured is None else measured:
        drawn = ax.scatter(*points[known].T, c=kept.astype(float), cmap="viridis", **style)
        ax.figure.colorbar(drawn, ax=ax)
        return
    labels = plain_labels(kept, name)
    groups = np.unique(labels)
    for k, group in enumerate(groups):
        color = _color(k, len(groups))
        ax.scatter(*points[known][labels == group].T, color=color, label=group, **style)
    # Next to the map, where it hides nobody.
    place = {"loc": "upper left", "bbox_to_anchor": (1, 1), "borderaxespad": 0, "frameon": False}
    if len(groups) <= MAX_GROUPS:
        ax.legend(**place, fontsize="small", ncols=1 + (len(groups) > 12))
    else:
        ax.legend([], [], **place, title=f"{len(groups)} classes")


def _color(k: int, n_groups: int) -> Any:
    from matplotlib import colormaps

    return colormaps["tab10" if n_groups <= 10 else "tab20"](k % 20)
