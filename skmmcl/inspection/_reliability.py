"""Reliability diagrams of predicted probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from skmmcl.inspection._axes import axes_of
from skmmcl.metrics import adaptive_calibration_error, expected_calibration_error
from skmmcl.metrics._probabilities import checked_probabilities


def plot_reliability(
    y_true: Any,
    y_prob: Any,
    *,
    n_bins: int = 10,
    strategy: str = "uniform",
    labels: Any = None,
    name: str | None = None,
    ax: Any = None,
    **kwargs: Any,
) -> Any:
    """Draw how often predictions of some probability are right.

    It is :class:`sklearn.calibration.CalibrationDisplay` for probabilities of one or of all
    classes, with the distribution of the subjects below and the calibration error in the legend:
    that of bins of equal width or of equally many subjects, as drawn.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Classes.
    y_prob : array-like of shape (n_samples,) or (n_samples, n_classes)
        Probabilities of the second of two classes, next to its frequency; or of each class, of
        which the most probable is drawn next to how often it is right.
    n_bins : int, default=10
        Number of bins.
    strategy : {"uniform", "quantile"}, default="uniform"
        Whether bins are of equal width or of equally many subjects.
    labels : array-like of shape (n_classes,), default=None
        Classes in the order of the columns; needed where ``y_true`` lacks some.
    name : str, default=None
        Name in the legend.
    ax : matplotlib.axes.Axes, default=None
        Where to draw; None for a new figure.
    **kwargs : dict
        Handed to ``matplotlib.pyplot.plot``.

    Returns
    -------
    sklearn.calibration.CalibrationDisplay
        With ``ax_``, ``prob_true`` and ``prob_pred``.

    Raises
    ------
    ImportError
        Without matplotlib.

    See Also
    --------
    skmmcl.metrics.expected_calibration_error : The same as a number, in bins of equal width.
    skmmcl.metrics.adaptive_calibration_error : The error in bins of equally many subjects.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from skmmcl.inspection import plot_reliability
    >>> display = plot_reliability([0, 0, 1, 1], [0.1, 0.1, 0.6, 0.8], n_bins=2, name="one")
    >>> display.prob_true, display.prob_pred.round(6)
    (array([0., 1.]), array([0.1, 0.7]))
    """
    from sklearn.calibration import CalibrationDisplay

    codes, p, _ = checked_probabilities(y_true, y_prob, labels)
    ax = axes_of(ax, "plot_reliability")
    is_one = p.shape[1] == 1
    confidence, outcome = (p[:, 0], codes) if is_one else (p.max(1), codes == p.argmax(1))
    measure = adaptive_calibration_error if strategy == "quantile" else expected_calibration_error
    error = measure(outcome.astype(int), confidence, n_bins=n_bins, labels=[0, 1])
    named = f"{name}, error {error:.3f}" if name else f"error {error:.3f}"
    display = CalibrationDisplay.from_predictions(
        outcome.astype(int), confidence, n_bins=n_bins, strategy=strategy, name=named, ax=ax,
        pos_label=1, **kwargs,
    )  # fmt: skip
    counts = np.histogram(confidence, np.linspace(0, 1, n_bins + 1))[0] / len(confidence)
    ax.bar(np.arange(n_bins) / n_bins, counts, 1 / n_bins, align="edge", alpha=0.15, zorder=0)
    what = ("probability", "frequency") if is_one else ("confidence", "accuracy")
    ax.set(xlabel=f"mean {what[0]}", ylabel=f"{what[1]}; bars: part of the subjects")
    return display
