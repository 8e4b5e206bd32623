"""Differences of maps between two groups of subjects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.stats import false_discovery_control, mannwhitneyu

from skmmcl.data._who import check_same_subjects
from skmmcl.exceptions import DataError
from skmmcl.inspection._maps import maps_to_image, read_mask
from skmmcl.metrics import rank_biserial
from skmmcl.utils._targets import as_labels, is_unlabeled

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Image
    from numpy.typing import ArrayLike

N_VALUES = 2**21  # ranked at once


@dataclass(frozen=True, eq=False)
class GroupContrast:
    """Result of :func:`group_contrast` in each entry of the maps.

    Parameters
    ----------
    rbc : ndarray
        Rank-biserial correlation, the effect size: from -1 to 1, positive where the first group
        has the larger values; 0 outside the mask.
    p_values : ndarray
        P-values of the two-sided test of Mann and Whitney; 1 outside the mask.
    q_values : ndarray
        P-values adjusted for the false discovery rate over all entries that vary, of these maps
        or of all that were compared together.
    mask : ndarray of bool
        Entries in which the groups were compared.
    groups : tuple
        Labels of the first and the second group.
    n_subjects : tuple of int
        Subjects in each.

    See Also
    --------
    plot_group_contrast : Draw it.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.inspection import group_contrast
    >>> maps = np.random.default_rng(0).normal(size=(40, 4, 5, 6))
    >>> maps[::2, 1, 1, 1] += 3
    >>> y = np.tile(["patient", "control"], 20)
    >>> contrast = group_contrast(maps, y, groups=("patient", "control"))
    >>> contrast
    GroupContrast of 120 entries: positive where patient (20 subjects) > control (20 subjects)
    >>> contrast.to_image(np.eye(4), alpha=0.05).get_fdata().nonzero()
    (array([1]), array([1]), array([1]))
    """

    rbc: np.ndarray
    p_values: np.ndarray
    q_values: np.ndarray
    mask: np.ndarray
    groups: tuple[Any, Any]
    n_subjects: tuple[int, int]

    def __repr__(self) -> str:
        (first, second), (n_first, n_second) = self.groups, self.n_subjects
        return (
            f"GroupContrast of {np.count_nonzero(self.mask)} entries: positive where {first} "
            f"({n_first} subjects) > {second} ({n_second} subjects)"
        )

    @property
    def effect(self) -> str:
        """Name of the effect size, and the direction in which it is positive."""
        first, second = self.groups
        return f"rank-biserial correlation, {first} > {second}"

    def to_image(self, reference: Any, *, alpha: float | None = None) -> Nifti1Image:
        """Return the effect size as a NIfTI image.

        Parameters
        ----------
        reference : LazyVolumes, image or array-like of shape (4, 4)
            Positions of the voxels, as for :func:`maps_to_image`.
        alpha : float or None, default=None
            Voxels whose `q_values` exceed it are set to 0; None keeps all.

        Returns
        -------
        nibabel.nifti1.Nifti1Image
            The rank-biserial correlation; the header's description says of which group first.
        """
        kept = self.rbc if alpha is None else np.where(self.q_values <= alpha, self.rbc, 0)
        image = maps_to_image(kept, reference)
        image.header["descrip"] = self.effect.encode()[:79]  # it has no room for more
        return image


def group_contrast(
    maps: ArrayLike | Mapping[Any, ArrayLike],
    y: ArrayLike,
    *,
    groups: tuple[Any, Any] | None = None,
    mask: Any = None,
    fdr: Literal["each", "all"] = "each",
) -> GroupContrast | dict[Any, GroupContrast]:
    """Compare two groups entry by entry, by ranks.

    Parameters
    ----------
    maps : array-like of shape ``(n_subjects, *shape)``, or mapping of them by name
        Saliency of one latent dimension, or any values of one kind, finite within the mask. Names
        may be those of several dimensions and modalities, such as ``("t1", 7)``.
    y : array-like of shape (n_subjects,)
        Group of each subject; subjects with NaN or None are left out.
    groups : (label, label) or None, default=None
        Groups to compare; a positive effect means larger values in the first. Subjects with
        other labels are left out. None is for two numbers or booleans in `y`, the larger one
        first, as in ``1 > 0``; text has no order, so that its groups must be named.
    mask : array-like of the shape of one subject, image, path, mapping or None, default=None
        Entries to compare: those other than 0. None for all. A mapping has the masks of
        the maps that it names.
    fdr : {"each", "all"}, default="each"
        Of several maps, whether the false discovery rate is that of each map by itself, or of all
        entries of all maps, which were then looked at as one question.

    Returns
    -------
    GroupContrast, or dict of them by name
        Effect sizes, p-values, and p-values adjusted for the false discovery rate.

    Raises
    ------
    DataError
        If `y` does not fit, its labels are text and `groups` is not given, a group is empty, a
        mask does not fit, maps are not finite within it, or there are no maps.

    See Also
    --------
    saliency : The maps of a fitted embedder.
    skmmcl.metrics.rank_biserial : The effect size.

    Notes
    -----
    The p-values are those of the normal approximation with correction for ties and continuity,
    and 1 where all subjects are equal. The adjustment is that of [1]_. Give subjects who did not
    train the embedder: it may know those who did.

    References
    ----------
    .. [1] Benjamini Y., Hochberg Y. (1995). Controlling the false discovery rate: a practical and
       powerful approach to multiple testing. Journal of the Royal Statistical Society B 57.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.inspection import group_contrast
    >>> contrast = group_contrast([[1, 0], [2, 0], [3, 0], [5, 0]], [1, 1, 0, 0])
    >>> contrast.groups, contrast.rbc, contrast.p_values.round(2)
    ((1, 0), array([-1.,  0.]), array([0.25, 1.  ]))

    Two dimensions of one modality and one of another, as one family of tests:

    >>> rng = np.random.default_rng(0)
    >>> maps = {name: rng.normal(size=(40, 50)) for name in [("t1", 0), ("t1", 1), ("fc", 0)]}
    >>> maps["fc", 0][:20, 3] += 3
    >>> found = group_contrast(maps, np.repeat([1, 0], 20), fdr="all")
    >>> {name: int((contrast.q_values < 0.05).sum()) for name, contrast in found.items()}
    {('t1', 0): 0, ('t1', 1): 0, ('fc', 0): 1}
    """
    if fdr not in ("each", "all"):
        raise ValueError(f"fdr must be 'each' or 'all', got {fdr!r}.")
    if not isinstance(maps, Mapping):
        return _adjusted({None: _contrast(maps, y, groups, mask)}, together=False)[None]
    found = {
        name: _contrast(values, y, groups, own_mask)
        for name, values, own_mask in _with_masks(maps, mask)
    }
    return _adjusted(found, together=fdr == "all")


def _with_masks(maps: Mapping[Any, Any], mask: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Yield the name, values and mask of each map."""
    if not maps:
        raise DataError("There are no maps, which are a mapping from names to arrays: {}.")
    masks = mask if isinstance(mask, Mapping) else dict.fromkeys(maps, mask)
    if unknown := [name for name in masks if name not in maps]:
        raise DataError(f"mask names {unknown}; the maps are {list(maps)}.")
    for name, values in maps.items():
        yield name, values, masks.get(name)


def _adjusted(found: Mapping[Any, GroupContrast], *, together: bool) -> dict[Any, GroupContrast]:
    """Return contrasts with q-values, adjusted over each of them or over all together."""
    tested = {name: contrast.q_values == 0 for name, contrast in found.items()}
    p_values = [contrast.p_values[tested[name]] for name, contrast in found.items()]
    families = [np.concatenate(p_values)] if together else p_values
    adjusted = np.concatenate([false_discovery_control(p) if len(p) else p for p in families])
    parts = np.split(adjusted, np.cumsum([len(p) for p in p_values])[:-1])
    out = {}
    for (name, contrast), q in zip(found.items(), parts, strict=True):
        q_values = np.ones(contrast.mask.shape)
        q_values[tested[name]] = q
        out[name] = replace(contrast, q_values=q_values)
    return out


def _contrast(maps: Any, y: Any, groups: Any, mask: Any) -> GroupContrast:
    """Compare two groups; as q-values, 0 for the entries that were tested and 1 for others."""
    check_same_subjects({"maps": maps, "y": y})
    maps = np.asanyarray(maps)
    first, second, groups = _read_groups(maps, y, groups)
    mask = read_mask(mask, maps.shape[1:], "each map")
    rbc, p_values, q_values = np.zeros(mask.shape), np.ones(mask.shape), np.ones(mask.shape)
    entries = np.flatnonzero(mask)
    flat = maps.reshape(len(maps), -1)
    step = max(1, N_VALUES // len(maps))
    for start in range(0, len(entries), step):
        part = entries[start : start + step]
        a, b = flat[first][:, part], flat[second][:, part]
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            raise DataError("The maps hold NaN or infinite values within the mask.")
        rbc.flat[part] = rank_biserial(a, b)
        varies = (a != b[0]).any(axis=0) | (b != b[0]).any(axis=0)
        part, a, b = part[varies], a[:, varies], b[:, varies]
        if len(part):
            p_values.flat[part] = mannwhitneyu(a, b, method="asymptotic").pvalue
            q_values.flat[part] = 0
    n_subjects = len(first), len(second)
    return GroupContrast(rbc, p_values, q_values, mask, groups, n_subjects)


def _read_groups(maps: np.ndarray, y: Any, groups: Any) -> tuple[np.ndarray, np.ndarray, tuple]:
    """Return the rows of the first and the second group, and their labels."""
    y = as_labels(y)
    if maps.ndim < 2 or y.shape != maps.shape[:1]:
        raise DataError(
            f"y has shape {y.shape} and the maps {maps.shape}; expected one label for each subject "
            "and maps of shape (n_subjects, ...). Of maps of several components give one, maps[k], "
            "or each by its name."
        )
    known = y[~is_unlabeled(y, None)].tolist()
    known = {label.item() if isinstance(label, np.generic) else label for label in known}
    labels = sorted(known, key=lambda label: (isinstance(label, str), label))
    if groups is None:
        groups = labels[::-1]
        if len(groups) != 2:
            raise DataError(
                f"y has {len(groups)} group(s), {labels[:10]}; say which two to compare, "
                "groups=(first, second)."
            )
        if not all(isinstance(label, (bool, int, float)) for label in groups):
            raise DataError(
                f"The groups {groups[0]!r} and {groups[1]!r} have no order, so that the sign of "
                "the effect would depend on their spelling. Say which is to have the larger values "
                f"where it is positive, for example groups=({groups[0]!r}, {groups[1]!r})."
            )
    first, second = groups
    if first == second:
        raise DataError(f"groups must be two different labels, got {first!r} twice.")
    rows = np.flatnonzero(y == first), np.flatnonzero(y == second)
    for label, members in zip(groups, rows, strict=True):
        if not len(members):
            raise DataError(f"Group {label!r} is empty; y has the labels {labels[:10]}.")
    return *rows, (first, second)
