"""Plots of augmented subjects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from skmmcl.augmentation._batch import (
    Asked,
    Augment,
    augment_batch,
    augmented_names,
    by_name,
    check_augment,
)
from skmmcl.data import MultimodalData, as_multimodal
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.utils._optional import import_pyplot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

OTHERS = 31  # subjects in a batch with the plotted one


def plot_augmentation(
    X: MultimodalData | Mapping[str, Any],
    augment: Asked,
    *,
    subject: int = 0,
    n_draws: int = 4,
    random_state: int | np.random.Generator | None = 0,
    cmap: str | Colormap = "gray",
) -> Figure:
    """Plot a subject unchanged, and as training may see it.

    Parameters
    ----------
    X : MultimodalData or mapping of arrays
        The subjects.
    augment : dict of str or tuple of str to callable, or callable
        As the embedders take it, see `augment_batch`; a callable augments all modalities. Its
        modalities are the rows of the figure.
    subject : int, default=0
        Position of the subject.
    n_draws : int, default=4
        Number of draws, a column for each. A column shows the subject in one batch, so that
        modalities of one tuple have the same draw.
    random_state : int, numpy Generator or None, default=0
        Seed of the draws; None for other draws in each call.
    cmap : str or Colormap, default="gray"
        Color map of matplotlib, which spans the range of the unchanged subject.

    Returns
    -------
    matplotlib.figure.Figure
        Volumes are shown by the middle slice of their last axis, which is axial in those of
        :func:`~skmmcl.volumes.load_volumes`, and of their first channel. Matrices are shown whole,
        and vectors as a line over that of the unchanged subject.

    Raises
    ------
    DataError
        If the subject lacks a modality that is augmented.
    ModalityError
        If modalities cannot be augmented as requested.
    ImportError
        If matplotlib is not installed, which the extra ``plot`` includes.

    See Also
    --------
    skmmcl.volumes.plot_mid_slices : The same slices of several subjects.

    Notes
    -----
    Changes of vectors and matrices depend on the differences between subjects; for these, the
    first subjects of `X` are read as well.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.augmentation import default_augmentation, plot_augmentation
    >>> X = {"t1": np.random.default_rng(0).normal(size=(5, 8, 9, 7))}
    >>> len(plot_augmentation(X, {"t1": default_augmentation()}, n_draws=3).axes)
    4
    """
    plt = import_pyplot("plot_augmentation")
    X = as_multimodal(X)
    check_augment(augment, X.shapes)
    augment = by_name(augment, X.modalities)
    names = augmented_names(augment)
    if not names:
        raise ModalityError("augment names no modality; there is nothing to plot.")
    batch = _batch(X[names], range(len(X))[subject])
    columns = {"unchanged": _first(batch), **_draws(batch, augment, n_draws, random_state)}
    size = (2 * len(columns), 2 * len(names) + 0.3)
    figure, axes = plt.subplots(
        len(names), len(columns), figsize=size, squeeze=False, layout="constrained"
    )
    for row, name in zip(axes, names, strict=True):
        row[0].set_ylabel(name)
        for ax, of_subject in zip(row, columns.values(), strict=True):
            _show(ax, of_subject[name], columns["unchanged"][name], cmap)
    for ax, title in zip(axes[0], columns, strict=True):
        ax.set_title(title, fontsize="medium")
    return figure


def _batch(X: MultimodalData, row: int) -> dict[str, Tensor]:
    """Return the subject and, if the augmentation depends on them, others after it."""
    (has,) = X[[row]].mask
    if not has.all():
        who = f"Subject {row}" if X.index is None else f"Subject {X.index.tolist()[row]!r}"
        lacks = [name for name, there in zip(X.modalities, has, strict=True) if not there]
        raise DataError(f"{who} lacks {lacks}, which augment names; plot another subject.")
    matter = any(len(shape) < 3 for shape in X.shapes.values())
    others = np.flatnonzero(X.mask.all(axis=1)) if matter else np.empty(0, dtype=int)
    part = X[np.r_[row, others[others != row][:OTHERS]]]
    tensors = {name: torch.tensor(np.asarray(values)) for name, values in part.items()}
    return {k: x if x.dtype == torch.float64 else x.float() for k, x in tensors.items()}


def _first(batch: dict[str, Tensor]) -> dict[str, np.ndarray]:
    return {name: values[0].numpy() for name, values in batch.items()}


def _draws(
    batch: dict[str, Tensor], augment: Augment, n_draws: int, random_state: Any
) -> dict[str, dict[str, np.ndarray]]:
    """Return the subject after each draw; restore the global generator."""
    seed = int(np.random.default_rng(random_state).integers(2**63))
    generator = torch.Generator().manual_seed(seed)
    draws = {}
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        for number in range(1, n_draws + 1):
            own = {name: values.clone() for name, values in batch.items()}
            draws[f"draw {number}"] = _first(augment_batch(own, augment, generator))
    return draws


def _show(ax: Any, values: np.ndarray, unchanged: np.ndarray, cmap: str | Colormap) -> None:
    ax.set(xticks=[], yticks=[])
    if values.ndim == 1:
        ax.plot(unchanged, color="0.7", linewidth=2)
        ax.plot(values, color="C0", linewidth=1)
        return
    limits = {"vmin": unchanged.min(), "vmax": unchanged.max()}
    if values.ndim == 2:
        ax.imshow(values, cmap=cmap, **limits)
        return
    volume = values.reshape(-1, *values.shape[-3:])[0]
    middle = volume[..., volume.shape[-1] // 2]
    ax.imshow(middle.T, origin="lower", cmap=cmap, **limits)
