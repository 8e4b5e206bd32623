"""Pictures of what is found inside a fitted model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from nibabel.affines import apply_affine

from skmmcl.inspection._axes import axes_of, import_plotting, whole_ticks
from skmmcl.inspection._maps import maps_to_image
from skmmcl.volumes import LazyVolumes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

    from skmmcl.inspection._contrast import GroupContrast
    from skmmcl.inspection._links import LatentLinks

N_BACKGROUND = 10  # volumes whose mean is the background


def plot_saliency(
    maps: ArrayLike,
    reference: Any,
    *,
    background: Any = None,
    threshold: float | Literal["auto"] | None = "auto",
    **kwargs: Any,
) -> Any:
    """Draw the mean saliency of a latent dimension over an anatomical background.

    Parameters
    ----------
    maps : array-like of shape (..., i, j, k)
        Maps of one dimension, which are averaged over all subjects given.
    reference : LazyVolumes, image or array-like of shape (4, 4)
        Positions of the voxels, as for :func:`maps_to_image`.
    background : image, path, "MNI152" or None, default=None
        Image behind the map. None for the mean of the first ten volumes if the reference comes
        from :func:`~skmmcl.volumes.load_volumes`, and for no image otherwise.
    threshold : float, "auto" or None, default="auto"
        Voxels nearer to 0 are not shown; "auto" shows a fifth of those that are not 0, None all.
    **kwargs : dict
        Handed to :func:`nilearn.plotting.plot_stat_map`, for example ``cut_coords`` in mm,
        ``display_mode``, ``title``, ``axes`` or ``output_file``.

    Returns
    -------
    nilearn.plotting.displays.OrthoSlicer or None
        The slices, or another display according to `display_mode`; with `output_file` some
        versions of nilearn return None.

    Raises
    ------
    ImportError
        Without nilearn or matplotlib.

    Examples
    --------
    >>> import matplotlib, numpy as np
    >>> matplotlib.use("Agg")
    >>> from skmmcl.inspection import plot_saliency
    >>> maps = np.random.default_rng(0).random(size=(3, 8, 9, 8))
    >>> plot_saliency(maps, np.diag([20, 20, 20, 1])).close()
    """
    maps = np.asarray(maps)
    mean = maps.reshape(-1, *maps.shape[-3:]).mean(axis=0)
    sizes = np.abs(mean[mean != 0])
    if threshold == "auto":
        threshold = np.percentile(sizes, 80) if sizes.size else None
    if mean.min() >= 0:  # colors for what is shown: rescaled maps differ little from one another
        kwargs = {"cmap": "inferno", "symmetric_cbar": False, "vmin": threshold or 0, **kwargs}
    return _draw(mean, reference, background, threshold=threshold, **kwargs)


def plot_group_contrast(
    contrast: GroupContrast,
    reference: Any,
    *,
    alpha: float | None = 0.05,
    background: Any = None,
    **kwargs: Any,
) -> Any:
    """Draw the effect size of a group contrast where it survives the adjustment.

    Parameters
    ----------
    contrast : GroupContrast
        As :func:`group_contrast` gives, of volumes.
    reference : LazyVolumes, image or array-like of shape (4, 4)
        Positions of the voxels, as for :func:`maps_to_image`.
    alpha : float or None, default=0.05
        Largest false discovery rate; None shows all voxels.
    background : image, path, "MNI152" or None, default=None
        Image behind the map. None for the mean of the first ten volumes if the reference comes
        from :func:`~skmmcl.volumes.load_volumes`, and for no image otherwise.
    **kwargs : dict
        Handed to :func:`nilearn.plotting.plot_stat_map`, for example ``cut_coords`` in mm,
        ``display_mode``, ``axes`` or ``output_file``.

    Returns
    -------
    nilearn.plotting.displays.OrthoSlicer or None
        The slices, or another display according to `display_mode`; with `output_file` some
        versions of nilearn return None.

    Raises
    ------
    ImportError
        Without nilearn or matplotlib.

    Examples
    --------
    >>> import matplotlib, numpy as np
    >>> matplotlib.use("Agg")
    >>> from skmmcl.inspection import group_contrast, plot_group_contrast
    >>> maps = np.random.default_rng(0).normal(size=(20, 8, 9, 8))
    >>> maps[::2, 2:5, 2:5, 2:5] += 5
    >>> contrast = group_contrast(maps, np.tile([1, 0], 10))
    >>> plot_group_contrast(contrast, np.diag([20, 20, 20, 1])).close()
    """
    image = contrast.to_image(reference, alpha=alpha)
    shown = image.get_fdata()
    within = "" if alpha is None else f", q <= {alpha:g}"
    if not shown.any():  # nilearn would cut through a corner
        within += ": no voxel"
        center = apply_affine(image.affine, (np.array(shown.shape) - 1) / 2)
        if kwargs.get("display_mode", "ortho") == "ortho":
            kwargs = {"cut_coords": tuple(center), **kwargs}
    kwargs = {
        "title": f"{contrast.effect}{within}",
        "threshold": 1e-6,
        "symmetric_cbar": True,
        "vmax": 1,
        **kwargs,
    }
    return _draw(shown, reference, background, **kwargs)


def plot_latent_links(
    links: LatentLinks, *, names: tuple[str, str] = ("a", "b"), ax: Axes | None = None
) -> Axes:
    """Draw the correlations of all pairs of latent dimensions, with the strongest marked.

    Parameters
    ----------
    links : LatentLinks
        As :func:`latent_links` gives.
    names : (str, str), default=("a", "b")
        Names of the two modalities.
    ax : matplotlib.axes.Axes, default=None
        Axes to draw on; None for a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Rows are the dimensions of the first modality.

    Raises
    ------
    ImportError
        Without matplotlib.

    Examples
    --------
    >>> import matplotlib, numpy as np
    >>> matplotlib.use("Agg")
    >>> from skmmcl.inspection import latent_links, plot_latent_links
    >>> t1, falff = np.random.default_rng(0).normal(size=(2, 3, 10, 200))
    >>> ax = plot_latent_links(latent_links(t1, falff), names=("t1", "falff"))
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('falff dimension', 't1 dimension')
    """
    ax = axes_of(ax, "plot_latent_links")
    image = ax.imshow(links.correlations, cmap="RdBu_r", vmin=-1, vmax=1)
    ax.figure.colorbar(image, ax=ax, label="mean correlation of maps")
    ((a, b, correlation),) = links.strongest(1)
    ax.plot(b, a, "ks", markersize=12, fillstyle="none")
    whole_ticks(ax.xaxis, ax.yaxis)
    ax.set(
        xlabel=f"{names[1]} dimension",
        ylabel=f"{names[0]} dimension",
        title=f"strongest: {names[0]} {a}, {names[1]} {b}, r = {correlation:.2f}",
    )
    return ax


def _draw(values: np.ndarray, reference: Any, background: Any, **kwargs: Any) -> Any:
    plotting = import_plotting()
    if background is None and isinstance(reference, LazyVolumes):
        background = _mean_volume(reference)
    if not (isinstance(background, str) and background == "MNI152"):  # nilearn's own default
        kwargs["bg_img"] = background
    return plotting.plot_stat_map(maps_to_image(values, reference), **kwargs)


def _mean_volume(volumes: LazyVolumes) -> Any:
    present = np.flatnonzero(volumes.present)[:N_BACKGROUND]
    mean = sum(volumes[int(row)] for row in present) / max(1, len(present))
    return maps_to_image(mean, volumes)
