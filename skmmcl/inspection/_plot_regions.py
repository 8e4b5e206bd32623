"""Pictures of regions and connectomes, with the names of the regions."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_scalar

from skmmcl.exceptions import DataError
from skmmcl.inspection._axes import axes_of, import_plotting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike
    from pandas import DataFrame


def plot_regions(
    values: ArrayLike | DataFrame,
    *,
    names: Sequence[str] | None = None,
    n_largest: int | None = 20,
    label: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the values of named regions or columns as bars, the strongest at the top.

    Parameters
    ----------
    values : DataFrame, Series or array-like of shape (n_columns,) or (n_rows, n_columns)
        One value for each region, or several rows that are averaged, such as the maps that
        ``saliency(..., as_frame=True)`` gives of a latent dimension.
    names : sequence of str, default=None
        Names of the regions, such as ``X.columns["smri"]``. None for those of a DataFrame or
        Series, and numbers for an array.
    n_largest : int or None, default=20
        Number of regions to show, those farthest from 0; None shows all.
    label : str, default=""
        Name of the axis.
    ax : matplotlib.axes.Axes, default=None
        Axes to draw on; None for a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The bars.

    Raises
    ------
    DataError
        If values and names do not fit, values are not finite, or rows are of several components.
    ValueError
        If ``n_largest`` is below 1.
    ImportError
        Without matplotlib.

    See Also
    --------
    saliency : Values of one latent dimension.
    plot_connectome : For matrices of regions.

    Examples
    --------
    >>> import matplotlib, pandas as pd
    >>> matplotlib.use("Agg")
    >>> from skmmcl.inspection import plot_regions
    >>> maps = pd.DataFrame({"insula": [0.1, 0.3], "amygdala": [-0.9, -0.7], "cuneus": [0.5, 0.7]})
    >>> ax = plot_regions(maps, n_largest=2)
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['cuneus', 'amygdala']
    """
    if n_largest is not None:
        check_scalar(n_largest, "n_largest", Integral, min_val=1)
    if names is None:
        names = _names_of(values)
    if len(components := _components_of(values)) > 1:
        raise DataError(
            f"values have the components {components}: draw one of them, such as "
            f"values.loc[{components[0]}]."
        )
    array = np.asarray(values, dtype=float)
    if array.ndim == 2:
        array = array.mean(axis=0)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise DataError(
            f"values of shape {np.shape(values)}: expected finite numbers, one for each region, or "
            "rows of them. Connectomes are drawn by plot_connectome."
        )
    names = _check_names(names, len(array))
    order = np.argsort(-np.abs(array), kind="stable")[:n_largest][::-1]
    ax = axes_of(ax, "plot_regions", figsize=(6, 0.8 + 0.26 * len(order)))
    colors = np.where(array[order] < 0, "#2b6ca3", "#c1272d")
    ax.barh(range(len(order)), array[order], color=colors)
    ax.axvline(0, color="0.3", lw=1)
    ax.set_yticks(range(len(order)), [names[k] for k in order])
    ax.set(xlabel=label)
    ax.spines[["top", "right", "left"]].set_visible(False)
    return ax


def plot_connectome(
    values: ArrayLike | DataFrame,
    *,
    names: Sequence[str] | None = None,
    coords: ArrayLike | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Any:
    """Draw a matrix of regions, with their names, or as a graph in the brain.

    Parameters
    ----------
    values : array-like of shape (n_regions, n_regions), (n, n_regions, n_regions) or (n_edges,)
        One value for each pair of regions; several matrices are averaged. A vector holds the edges
        as :class:`~skmmcl.preprocessing.ConnectomeVectorizer` orders them, without the diagonal.
    names : sequence of str, default=None
        Names of the regions, drawn along the matrix. None for those of a DataFrame, if any.
    coords : array-like of shape (n_regions, 3), default=None
        Centers of the regions in mm (MNI). With them the edges are drawn in a glass brain.
    ax : matplotlib.axes.Axes, default=None
        Axes to draw on; None for a new figure.
    **kwargs : dict
        Handed to :func:`nilearn.plotting.plot_matrix`, or with `coords` to
        :func:`nilearn.plotting.plot_connectome`, for example ``edge_threshold="95%"``.

    Returns
    -------
    matplotlib.image.AxesImage or nilearn.plotting.displays.OrthoProjector
        What nilearn gives: the matrix, or the glass brain.

    Raises
    ------
    DataError
        If values, names and coordinates do not fit.
    ImportError
        Without nilearn or matplotlib.

    See Also
    --------
    plot_regions : For one value of each region.

    Examples
    --------
    >>> import matplotlib, numpy as np
    >>> matplotlib.use("Agg")
    >>> from skmmcl.inspection import plot_connectome
    >>> image = plot_connectome([0.5, -0.2, 0.1], names=["insula", "cuneus", "amygdala"])
    >>> [text.get_text() for text in image.axes.get_yticklabels()]
    ['insula', 'cuneus', 'amygdala']
    """
    names = _names_of(values) if names is None else names
    matrix = _as_matrix(values)
    plotting = import_plotting()
    if coords is None:
        labels = None if names is None else list(_check_names(names, len(matrix)))
        limit = np.abs(matrix).max() or 1.0
        kwargs = {"vmin": -limit, "vmax": limit, **kwargs}
        return plotting.plot_matrix(matrix, labels=labels, axes=ax, **kwargs)
    coords = np.asarray(coords, dtype=float)
    if coords.shape != (len(matrix), 3):
        raise DataError(f"coords have shape {coords.shape}; expected ({len(matrix)}, 3).")
    kwargs = {"edge_threshold": "90%", "colorbar": True, **kwargs}
    return plotting.plot_connectome((matrix + matrix.T) / 2, coords, axes=ax, **kwargs)


def _names_of(values: Any) -> Any:
    """Return the names of regions in a DataFrame or Series, None where there are none."""
    return getattr(values, "columns", values.index) if hasattr(values, "iloc") else None


def _components_of(values: Any) -> list[Any]:
    """Return the latent dimensions whose maps are the rows of a DataFrame, as of `saliency`."""
    if not hasattr(values, "iloc") or "component" not in values.index.names:
        return []
    return values.index.unique("component").tolist()


def _as_matrix(values: Any) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    if array.ndim == 1:
        array = _of_edges(array)
    if array.ndim == 3:
        array = array.mean(axis=0)
    if array.ndim != 2 or len(set(array.shape)) > 1 or not np.isfinite(array).all():
        raise DataError(
            f"values of shape {np.shape(values)} are no connectome: expected finite numbers of "
            "shape (n_regions, n_regions), several such matrices, or a vector of edges."
        )
    return array


def _of_edges(edges: np.ndarray) -> np.ndarray:
    n_regions = round((1 + np.sqrt(1 + 8 * len(edges))) / 2)
    if n_regions * (n_regions - 1) // 2 != len(edges):
        raise DataError(f"{len(edges)} edges are those of no number of regions.")
    matrix = np.zeros((n_regions, n_regions))
    matrix[np.triu_indices(n_regions, 1)] = edges
    return matrix + matrix.T


def _check_names(names: Any, n_regions: int) -> list[str]:
    listed = [str(name) for name in (range(n_regions) if names is None else names)]
    if len(listed) != n_regions:
        raise DataError(f"{len(listed)} names were given for {n_regions} regions.")
    return listed
