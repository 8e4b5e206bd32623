"""Plots of volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skmmcl.data import as_multimodal
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.utils._optional import import_pyplot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

    from skmmcl.data import MultimodalData

PLANES = ("sagittal", "coronal", "axial")


def plot_mid_slices(
    X: MultimodalData | Mapping[str, Any],
    modality: str,
    *,
    n_subjects: int = 4,
    cmap: str | Colormap = "gray",
    shared_range: bool = True,
) -> Figure:
    """Plot the middle slices of the first subjects' volumes.

    Parameters
    ----------
    X : MultimodalData or mapping of arrays
        The subjects.
    modality : str
        Name of a modality of 3-D volumes.
    n_subjects : int, default=4
        Largest number of subjects, a column for each.
    cmap : str or Colormap, default="gray"
        Color map of matplotlib.
    shared_range : bool, default=True
        Whether all subjects share one range of colors, which shows differences of intensity;
        otherwise each has its own.

    Returns
    -------
    matplotlib.figure.Figure
        Rows are the sagittal, coronal and axial plane of volumes whose axes point right,
        anterior, superior, as those of :func:`load_volumes` do.

    Raises
    ------
    ModalityError
        If the modality is not one of 3-D volumes.
    DataError
        If no subject has the modality.
    ImportError
        If matplotlib is not installed, which the extra ``plot`` includes.

    See Also
    --------
    skmmcl.augmentation.plot_augmentation : Random changes in training.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.data import MultimodalData
    >>> from skmmcl.volumes import plot_mid_slices
    >>> X = MultimodalData(t1=np.random.default_rng(0).normal(size=(5, 8, 9, 7)))
    >>> len(plot_mid_slices(X, "t1", n_subjects=2).axes)
    6
    """
    X = as_multimodal(X)
    if len(X[[modality]].shapes[modality]) != 3:
        shape = X.shapes[modality]
        raise ModalityError(f"Modality {modality!r} has shape {shape} per subject; expected 3-D.")
    rows = np.flatnonzero(X[[modality]].mask[:, 0])[:n_subjects]
    if not len(rows):
        raise DataError(f"No subject has modality {modality!r}.")
    volumes = np.asarray(X[rows][modality])
    titles = rows if X.index is None else X.index[rows]
    limits = (np.nanmin(volumes), np.nanmax(volumes)) if shared_range else (None, None)
    return _draw(volumes, [str(title) for title in titles], cmap, limits)


def _draw(
    volumes: np.ndarray, titles: list[str], cmap: str | Colormap, limits: tuple[Any, Any]
) -> Figure:
    plt = import_pyplot("plot_mid_slices")
    figure, axes = plt.subplots(
        3, len(volumes), figsize=(2 * len(volumes), 6), squeeze=False, layout="constrained"
    )
    for column, (volume, title) in enumerate(zip(volumes, titles, strict=True)):
        for row, plane in enumerate(PLANES):
            ax = axes[row, column]
            middle = np.take(volume, volume.shape[row] // 2, axis=row)
            ax.imshow(middle.T, origin="lower", cmap=cmap, vmin=limits[0], vmax=limits[1])
            ax.set(xticks=[], yticks=[])
            if column == 0:
                ax.set_ylabel(plane)
        axes[0, column].set_title(title, fontsize="medium")
    return figure
