"""Maps of a representation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from skmmcl.data._who import check_same_subjects
from skmmcl.exceptions import DataError
from skmmcl.inspection._values import known_values
from skmmcl.metrics._checks import check_matrix
from skmmcl.utils._optional import import_pyplot
from skmmcl.utils._plain import plain_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

    from skmmcl.utils._typing import RandomState

MAX_GROUPS = 20  # distinguishable colors in a legend


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
        Reduction of the representation to two dimensions; one with two features stays as it is.
    random_state : int, RandomState instance or None, default=0
        Seed of t-SNE.
    ax : matplotlib.axes.Axes or sequence of them, default=None
        Axes to draw on, one for each map; None for a new figure.

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
