"""Comparison of numbers of subtypes, as a table and as a plot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skmmcl.utils._optional import import_pyplot

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class StabilityPath:
    """Result of :func:`stability_path` for each number of subtypes.

    Parameters
    ----------
    n_clusters : ndarray of int (n_numbers,)
        Numbers of subtypes.
    ari : ndarray of shape (n_numbers, n_pairs)
        Adjusted Rand index of each pair of resamples.
    ari_permuted : ndarray of shape (n_numbers, n_permutations)
        The same for two resamples with permuted `y`.
    log_likelihood : ndarray of shape (n_numbers, n_resamples)
        Mean log likelihood of `y` of the subjects left out; NaN for a severity.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.cluster import StabilityPath
    >>> ari, permuted = np.array([[0.9, 0.8], [0.3, 0.5]]), np.array([[0.1, 0.2], [0.2, 0.3]])
    >>> path = StabilityPath(np.array([2, 3]), ari, permuted, np.full((2, 2), -0.4))
    >>> path.table()["ari"].round(2).tolist()
    [0.85, 0.4]
    >>> path
    StabilityPath: 2: 0.85 (permuted 0.15), 3: 0.40 (permuted 0.25)
    """

    n_clusters: np.ndarray
    ari: np.ndarray
    ari_permuted: np.ndarray
    log_likelihood: np.ndarray

    def __repr__(self) -> str:
        table = self.table()
        rows = zip(table["n_clusters"], table["ari"], table["ari_permuted"], strict=True)
        return "StabilityPath: " + ", ".join(f"{k}: {a:.2f} (permuted {b:.2f})" for k, a, b in rows)

    def table(self) -> dict[str, np.ndarray]:
        """Return the means, with the extremes of the adjusted Rand indices.

        Returns
        -------
        dict of str to ndarray of shape (n_numbers,)
            Columns, which ``pandas.DataFrame`` takes.
        """
        return {
            "n_clusters": self.n_clusters,
            "ari": self.ari.mean(axis=1),
            "ari_min": self.ari.min(axis=1),
            "ari_max": self.ari.max(axis=1),
            "ari_permuted": self.ari_permuted.mean(axis=1),
            "ari_permuted_max": self.ari_permuted.max(axis=1),
            "log_likelihood": self.log_likelihood.mean(axis=1),
        }

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the adjusted Rand index over the number of subtypes, also for permuted `y`.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes to draw on; by default the current ones.

        Returns
        -------
        matplotlib Axes
            The axes, with means as lines and ranges as bands.
        """
        ax = import_pyplot("StabilityPath.plot").gca() if ax is None else ax
        for values, label in ((self.ari, "data"), (self.ari_permuted, "permuted y")):
            (line,) = ax.plot(self.n_clusters, values.mean(axis=1), marker="o", label=label)
            low, high = values.min(axis=1), values.max(axis=1)
            ax.fill_between(self.n_clusters, low, high, alpha=0.2, color=line.get_color())
        ax.set_xticks(self.n_clusters)
        ax.set_xlabel("number of subtypes")
        ax.set_ylabel("adjusted Rand index of resamples")
        ax.legend()
        return ax
