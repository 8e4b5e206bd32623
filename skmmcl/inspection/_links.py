"""Latent dimensions of two modalities that respond to the same places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from skmmcl.exceptions import DataError
from skmmcl.inspection._maps import read_mask

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class Link(NamedTuple):
    """Two latent dimensions, and the correlation of their maps."""

    a: int
    b: int
    correlation: float


@dataclass(frozen=True, eq=False)
class LatentLinks:
    """Result of :func:`latent_links`.

    Parameters
    ----------
    correlations : ndarray of shape (n_a, n_b)
        Correlation of the maps of each pair of dimensions, averaged over subjects.
    by_subject : ndarray of shape (n_subjects, n_a, n_b)
        The same in each subject.

    See Also
    --------
    plot_latent_links : Draw it.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.inspection import latent_links
    >>> rng = np.random.default_rng(0)
    >>> t1, falff = rng.normal(size=(2, 3, 10, 200))  # 3 dimensions, 10 subjects, 200 entries
    >>> falff[2] -= t1[0]
    >>> links = latent_links(t1, falff)
    >>> links.strongest(1)
    [Link(a=0, b=2, correlation=-0.7...)]
    """

    correlations: np.ndarray
    by_subject: np.ndarray

    def strongest(self, n_links: int = 5) -> list[Link]:
        """List the pairs whose maps are most similar, or most opposite.

        Parameters
        ----------
        n_links : int, default=5
            Largest number of pairs.

        Returns
        -------
        list of (a, b, correlation)
            By decreasing size of the correlation. Its sign says little: a network may turn the
            sign of any latent dimension.
        """
        order = np.argsort(-np.abs(self.correlations), axis=None, kind="stable")[:n_links]
        pairs = zip(*np.unravel_index(order, self.correlations.shape), strict=True)
        return [Link(int(a), int(b), float(self.correlations[a, b])) for a, b in pairs]


def latent_links(maps_a: ArrayLike, maps_b: ArrayLike, *, mask: Any = None) -> LatentLinks:
    """Correlate the maps of each latent dimension of one modality with those of another.

    In each subject, every pair of maps is correlated over the entries, and the correlations are
    averaged over subjects: dimensions of two modalities that respond to the same places of the same
    brains are linked, as in [1]_.

    Parameters
    ----------
    maps_a : array-like of shape ``(n_a, n_subjects, *shape)``
        Saliency of the dimensions of one modality.
    maps_b : array-like of shape ``(n_b, n_subjects, *shape)``
        Saliency of the dimensions of the other one, of the same subjects on the same grid.
    mask : array-like of the shape of one subject, image, path or None, default=None
        Entries to correlate: those other than 0. None for all.

    Returns
    -------
    LatentLinks
        Correlations of all pairs; 0 where a map is constant.

    Raises
    ------
    DataError
        If subjects or grids of the two differ, the mask does not fit, or values are not finite.

    See Also
    --------
    saliency : The maps of a fitted embedder.
    skmmcl.metrics.linear_cka : Similarity of two whole representations.

    References
    ----------
    .. [1] Fedorov A. et al. (2021). On self-supervised multi-modal representation learning:
       an application to Alzheimer's disease. ISBI.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.inspection import latent_links
    >>> maps = np.random.default_rng(0).normal(size=(2, 10, 4, 5, 6))
    >>> latent_links(maps, maps[::-1]).correlations.round(1) + 0.0
    array([[0., 1.],
           [1., 0.]])
    """
    maps_a, maps_b = np.asanyarray(maps_a), np.asanyarray(maps_b)
    if maps_a.ndim < 3 or maps_a.shape[1:] != maps_b.shape[1:]:
        raise DataError(
            f"The maps have shapes {maps_a.shape} and {maps_b.shape}; expected those of the same "
            "subjects on one grid, (n_components, n_subjects, ...)."
        )
    mask = read_mask(mask, maps_a.shape[2:], "each map")
    by_subject = np.stack(
        [
            _unit_rows(maps_a[:, k][:, mask]) @ _unit_rows(maps_b[:, k][:, mask]).T
            for k in range(maps_a.shape[1])
        ]
    )
    return LatentLinks(by_subject.mean(axis=0), by_subject)


def _unit_rows(maps: np.ndarray) -> np.ndarray:
    """Return each map centered and of length 1; a constant one is 0."""
    maps = np.asarray(maps, dtype=np.float64)
    if not np.isfinite(maps).all():
        raise DataError("The maps hold NaN or infinite values within the mask.")
    width = np.ptp(maps, axis=1, keepdims=True)
    # Values below 1, so that no square over- or underflows.
    maps = (maps - maps[:, :1]) / np.where(width > 0, width, 1)
    maps -= maps.mean(axis=1, keepdims=True)
    length = np.linalg.norm(maps, axis=1, keepdims=True)
    return maps / np.where(length > 0, length, 1)
