"""Connectomes as vectors of their edges."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils.validation import check_array, check_is_fitted

from skmmcl.exceptions import DataError
from skmmcl.utils._named import named
from skmmcl.utils._optional import import_optional
from skmmcl.utils._site import SiteLinkMixin
from skmmcl.utils._sklearn import HasMethods, StrOptions, fit_context

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_KINDS = {"correlation", "covariance", "partial correlation", "precision", "tangent"}


class ConnectomeVectorizer(SiteLinkMixin, TransformerMixin, BaseEstimator):
    """Turn symmetric matrices, or time series, into vectors of edges.

    For modalities of a container wrap it: ``ModalityTransformer({"fc": ConnectomeVectorizer()})``.

    Parameters
    ----------
    measure : str or transformer, default=None
        None if subjects are matrices. To compute them from the time series of regions, a kind of
        nilearn's ``ConnectivityMeasure`` ("correlation", "covariance", "partial correlation",
        "precision", "tangent"), which needs ``pip install "skmmcl[volumes]"``, or such a
        transformer itself. The reference of "tangent" is learned in ``fit``.
    fisher_z : bool, default=False
        Whether correlations are replaced by their arctanh (Fisher's z), whose variance hardly
        depends on the correlation; needs `discard_diagonal`.
    discard_diagonal : bool, default=True
        Whether the diagonal is left out.

    Attributes
    ----------
    n_regions_ : int
        Number of regions.
    measure_ : transformer or None
        The fitted transformer that computes the matrices.
    diagonal_ : ndarray of shape (n_regions,)
        Mean diagonal of the training subjects, for ``inverse_transform``.

    See Also
    --------
    nilearn.connectome.ConnectivityMeasure : Connectivity from time series.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.preprocessing import ConnectomeVectorizer
    >>> fc = np.array([[[1.0, 0.5, 0.1], [0.5, 1.0, 0.0], [0.1, 0.0, 1.0]]])
    >>> vectorizer = ConnectomeVectorizer(fisher_z=True)
    >>> edges = vectorizer.fit_transform(fc)
    >>> edges.round(2)
    array([[0.55, 0.1 , 0.  ]])
    >>> bool(np.allclose(vectorizer.inverse_transform(edges), fc))
    True
    """

    _parameter_constraints: ClassVar = {
        "measure": [None, StrOptions(_KINDS), HasMethods(["fit", "transform"])],
        "fisher_z": ["boolean"],
        "discard_diagonal": ["boolean"],
    }

    def __init__(
        self,
        measure: str | BaseEstimator | None = None,
        *,
        fisher_z: bool = False,
        discard_diagonal: bool = True,
    ) -> None:
        self.measure = measure
        self.fisher_z = fisher_z
        self.discard_diagonal = discard_diagonal

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: None = None) -> Self:
        """Learn the number of regions, and fit the measure.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_regions, n_regions)
            Symmetric matrices, which may be flat; with a measure, time series of shape
            (n_samples, n_times, n_regions). A diagonal that is left out may be NaN or infinite,
            as Fisher's z makes it.
        y : None
            Not used.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        DataError
            If the matrices are not square and symmetric.
        """
        if self.fisher_z and not self.discard_diagonal:
            raise ValueError("fisher_z=True needs discard_diagonal=True: arctanh(1) is infinite.")
        self.measure_ = _make_measure(self.measure)
        if self.measure_ is not None:
            with named("measure"):
                self.measure_.fit(_time_series(X))
        matrices = self._matrices(X)
        self.n_regions_ = matrices.shape[1]
        self.diagonal_ = _known_mean(np.diagonal(matrices, axis1=1, axis2=2))
        return self

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Return the edges of each subject.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_regions, n_regions)
            As in ``fit``.

        Returns
        -------
        edges : ndarray of shape (n_samples, n_edges)
            The upper triangle, row by row.

        Raises
        ------
        DataError
            If the matrices are not square and symmetric, differ in size from those of ``fit``,
            or with `fisher_z` hold a correlation of 1 or more.
        """
        check_is_fitted(self)
        matrices = self._matrices(X)
        if matrices.shape[1] != self.n_regions_:
            raise DataError(
                f"X has {matrices.shape[1]} regions, ConnectomeVectorizer was fitted on "
                f"{self.n_regions_}."
            )
        edges = matrices[:, *self._places()]
        if not self.fisher_z:
            return edges
        beyond = np.argwhere(np.abs(edges) >= 1)
        if len(beyond):
            row, edge = beyond[0]
            one, other = (place[edge] for place in self._places())
            raise DataError(
                f"fisher_z takes correlations below 1, but regions {one} and {other} of subject "
                f"{row} have {edges[row, edge]}."
            )
        return np.arctanh(edges)

    def inverse_transform(self, X: ArrayLike) -> np.ndarray:
        """Return the matrices that have these edges.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_edges)
            Edges.

        Returns
        -------
        matrices : ndarray of shape (n_samples, n_regions, n_regions)
            Symmetric matrices; their diagonal is that of the training mean if it was discarded.
            Of a tangent measure they are in the tangent space.
        """
        check_is_fitted(self)
        edges = _numbers(X, ensure_all_finite="allow-nan")
        rows, columns = self._places()
        if edges.shape[1] != len(rows):
            raise DataError(f"X has {edges.shape[1]} edges, expected {len(rows)}.")
        edges = np.tanh(edges) if self.fisher_z else edges
        matrices = np.zeros((len(edges), self.n_regions_, self.n_regions_), dtype=edges.dtype)
        if self.discard_diagonal:
            np.einsum("nrr->nr", matrices)[:] = self.diagonal_
        matrices[:, rows, columns] = matrices[:, columns, rows] = edges
        return matrices

    def get_feature_names_out(self, input_features: None = None) -> np.ndarray:
        """Return the names of the edges.

        Parameters
        ----------
        input_features : None
            Not used.

        Returns
        -------
        feature_names_out : ndarray of str
            ``edge_<region>_<region>``.
        """
        check_is_fitted(self)
        pairs = zip(*self._places(), strict=True)
        return np.asarray([f"edge_{i}_{j}" for i, j in pairs], dtype=object)

    def _places(self) -> Any:
        return np.triu_indices(self.n_regions_, k=int(self.discard_diagonal))

    def _matrices(self, X: Any) -> np.ndarray:
        if self.measure_ is not None:
            series = _time_series(X)
            # nilearn takes no single subject to a tangent space, though its reference is fixed.
            twice = series * 2 if len(series) == 1 else series
            with named("measure"):
                return np.asarray(self.measure_.transform(twice))[: len(series)]
        X = _numbers(X, dtype="numeric", ensure_all_finite=False)
        side = math.isqrt(X.shape[1]) if X.ndim == 2 else X.shape[1]
        if X[0].size != side * side or X.ndim > 3:
            hint = " Vectors of edges are ready as they are." if X.ndim == 2 else ""
            raise DataError(
                f"Expected square matrices (n_samples, n_regions, n_regions), got {X.shape}.{hint}"
            )
        X = X.reshape(len(X), side, side)
        self._check_infinite(X)
        for row, matrix in enumerate(X):
            same = np.isclose(matrix, matrix.T, rtol=1e-4, atol=1e-6, equal_nan=True)
            if not same.all():
                one, other = np.argwhere(~same)[0].tolist()
                raise DataError(
                    f"The matrix of subject {row} is not symmetric: regions {one} and {other} have "
                    f"{matrix[one, other]:g} and {matrix[other, one]:g}. Average both, for example "
                    "by (X + X.swapaxes(1, 2)) / 2; vectors of edges are ready as they are."
                )
        return X

    def _check_infinite(self, X: np.ndarray) -> None:
        """Raise for infinite edges, which may only be on a diagonal that is left out."""
        infinite = np.isinf(X)
        if self.discard_diagonal:
            infinite[:, *np.diag_indices(X.shape[1])] = False
        if infinite.any():
            row, one, other = np.argwhere(infinite)[0].tolist()
            hint = " discard_diagonal=True leaves the diagonal out." if one == other else ""
            raise DataError(
                f"The matrix of subject {row} is infinite between regions {one} and {other}.{hint}"
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False  # no table but flat square matrices
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags


def _known_mean(diagonals: np.ndarray) -> np.ndarray:
    """Return the mean of each column without NaN; NaN for a column of nothing else."""
    known = ~np.isnan(diagonals)
    count = known.sum(axis=0)
    with np.errstate(invalid="ignore"):  # infinite ones of both signs
        total = np.where(known, diagonals, 0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _make_measure(measure: Any) -> Any:
    if not isinstance(measure, str):
        return None if measure is None else clone(measure)
    user = f"ConnectomeVectorizer(measure={measure!r})"
    advice = f'{user} needs nilearn: pip install "skmmcl[volumes]".'
    return import_optional("nilearn.connectome", advice).ConnectivityMeasure(kind=measure)


def _numbers(X: Any, **options: Any) -> np.ndarray:
    """Return X as an array of numbers."""
    with named("X", "numbers of shape (n_samples, ...)"):
        array = check_array(X, allow_nd=True, **options)
    if array.dtype.kind not in "biuf":
        raise DataError(f"X is of type {array.dtype}; expected numbers.")
    return array


def _time_series(X: Any) -> list[np.ndarray]:
    series = _numbers(X, dtype=np.float64)
    if series.ndim != 3:
        raise DataError(
            f"Expected time series (n_samples, n_times, n_regions), got shape {series.shape}."
        )
    return list(series)
