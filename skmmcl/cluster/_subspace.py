"""The subspace in which subtypes differ, spanned by the directions of linear models."""

from __future__ import annotations

import numpy as np

SHORTEST = 0.01  # residual of a direction that is kept among the first two


def orthonormal_basis(directions: np.ndarray, noise_tolerance: float = 10.0) -> np.ndarray:
    """Return an orthonormal basis of the directions by Gram-Schmidt, the most different first.

    Parameters
    ----------
    directions : ndarray of shape (n_directions, n_features)
        Vectors of any length; those of length 0 are left out.
    noise_tolerance : float, default=10.0
        From the third on, a direction is kept if its part outside the basis is longer than
        ``1 / noise_tolerance`` of it.

    Returns
    -------
    basis : ndarray of shape (n_components, n_features)

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.cluster._subspace import orthonormal_basis
    >>> basis = orthonormal_basis(np.array([[0.6, 0.8, 0.0], [1.0, 0.0, 0.0]]))
    >>> (basis.T @ basis).round(6).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    lengths = np.linalg.norm(directions, axis=1)
    unit = directions[lengths > 0] / lengths[lengths > 0, None]
    basis = np.empty((0, directions.shape[1]))
    for direction in unit[_by_difference(unit)]:
        residual = direction - direction @ basis.T @ basis
        length = np.linalg.norm(residual)
        if length > (SHORTEST if len(basis) < 2 else 1 / noise_tolerance):
            basis = np.vstack([basis, residual / length])
    return basis


def _by_difference(unit: np.ndarray) -> np.ndarray:
    """Return an order of directions, the most different from the others first."""
    n = len(unit)
    residuals = [
        sum(np.linalg.norm(unit[i] - (unit[i] @ unit[j]) * unit[j]) for j in range(n) if j != i)
        for i in range(n)
    ]
    return np.argsort(np.array(residuals))[::-1]
