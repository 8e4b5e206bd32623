"""Random features of the Gaussian kernel, drawn from a seed without any subject."""

from __future__ import annotations

import zlib

import numpy as np
from scipy.linalg import hadamard

PIECE = 1024  # features that are mixed with each other; the projections of wider blocks add up
NARROWEST = 64  # directions spread evenly only if enough signs are drawn for each
N_ROUNDS = 2  # three are not better


class OrthogonalProjection:
    """Projections on random directions, Gaussian in each entry and orthogonal to each other.

    The directions are rows of ``H D_1 H D_2`` with a Hadamard matrix H and random signs D
    [1]_, whose lengths are drawn as those of Gaussian vectors: cosines and sines of the projections
    are features whose products are the Gaussian kernel ``exp(-|x - x'|^2 / 2)`` on average. H is a
    Kronecker product of two small matrices, so a product with it takes two small ones.

    Parameters
    ----------
    n_features : int
        Width of a block.
    n_directions : int
        Number of directions.
    seed : int
    name : str
        Name of the block, which seeds its directions: the order of blocks does not matter.

    References
    ----------
    .. [1] Yu F., Suresh A., Choromanski K., Holtmann-Rice D., Kumar S. (2016). Orthogonal random
       features. Advances in Neural Information Processing Systems 29.
    """

    def __init__(self, n_features: int, n_directions: int, seed: int, name: str) -> None:
        random = np.random.default_rng([seed, zlib.crc32(name.encode())])
        self.n_directions = n_directions
        self.pieces = [
            (
                slice(start, start + PIECE),
                _Piece(min(PIECE, n_features - start), n_directions, random),
            )
            for start in range(0, n_features, PIECE)
        ]

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Return the projections of rows, (n_rows, n_directions)."""
        result = np.zeros((len(rows), self.n_directions))
        for columns, piece in self.pieces:
            result += piece(rows[:, columns])
        return result


class _Piece:
    """Stacked orthogonal matrices over at most `PIECE` features."""

    def __init__(self, n_features: int, n_directions: int, random: np.random.Generator) -> None:
        self.width = max(NARROWEST, 1 << (n_features - 1).bit_length())
        n_stacked = -(-n_directions // self.width)
        self.signs = random.choice(np.array([-1, 1], np.int8), (n_stacked, N_ROUNDS, self.width))
        self.lengths = np.sqrt(random.chisquare(self.width, n_directions))
        left = 1 << (self.width.bit_length() // 2)
        self.factors = [_orthogonal_hadamard(k) for k in (left, self.width // left)]

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        padded = np.zeros((len(rows), self.width))
        padded[:, : rows.shape[1]] = rows
        n_directions = len(self.lengths)
        stacked = [self._mix(padded, signs, n_directions) for signs in self.signs]
        return np.hstack(stacked)[:, :n_directions] * self.lengths

    def _mix(self, rows: np.ndarray, signs: np.ndarray, n_directions: int) -> np.ndarray:
        """Flip signs and multiply by the Hadamard matrix; the last time, by some of its rows only.

        The product with each factor permutes the entries, which makes no difference.
        """
        left, right = self.factors
        *first, last = signs
        for flips in [*first, last]:
            if flips is last:
                right = right[:, : -(-n_directions // len(left))]
            grid = (rows * flips).reshape(-1, len(right)) @ right
            grid = grid.reshape(len(rows), len(left), -1).transpose(0, 2, 1)
            rows = (grid.reshape(-1, len(left)) @ left).reshape(len(rows), -1)
        return rows


def _orthogonal_hadamard(size: int) -> np.ndarray:
    return hadamard(size) / np.sqrt(size)


def gaussian_features(projections: np.ndarray) -> np.ndarray:
    """Return features whose products approximate the Gaussian kernel, (n_rows, 2 n_directions).

    Parameters
    ----------
    projections : ndarray of shape (n_rows, n_directions)
    """
    single = projections.astype(np.float32)  # cosines are twenty times as fast
    features = np.hstack([np.cos(single), np.sin(single)], dtype=np.float64)
    features /= np.sqrt(projections.shape[1])
    return features


def curved_features(projections: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Return features whose products approximate ``b b' (exp(x'x) - 1 - x'x)``.

    It is the Gaussian kernel, ``b = exp(-|x|^2 / 2)``, without its constant and linear parts:
    cosines give its even, sines its odd part, and of both the first term is subtracted, whose
    products with the others average to 0. What is left varies a third as much between draws.

    Parameters
    ----------
    projections : ndarray of shape (n_rows, n_directions)
    squares : ndarray of shape (n_rows,)
        Squared lengths of the rows.
    """
    bell = np.exp(-squares / 2)[:, None]
    features = gaussian_features(projections)
    cosines, sines = np.hsplit(features, 2)
    cosines -= bell / np.sqrt(projections.shape[1])
    sines -= bell / np.sqrt(projections.shape[1]) * projections
    return features
