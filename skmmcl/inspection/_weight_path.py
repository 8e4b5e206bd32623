"""Linear interpolation between the weights of two networks: one basin or two."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sklearn.metrics import check_scoring
from torch import Tensor, nn

from skmmcl.inspection._axes import axes_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@dataclass(frozen=True)
class WeightPath:
    """Scores along the line between the weights of two networks, as `weight_path` finds them.

    Parameters
    ----------
    fractions : ndarray of shape (n_points,)
        Part of the second network, from 0 to 1.
    scores : ndarray of shape (n_points,)
        Score at each point; higher is better.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.inspection import WeightPath
    >>> round(WeightPath(np.array([0, 0.5, 1]), np.array([0.8, 0.5, 0.7])).barrier, 6)
    0.25
    """

    fractions: np.ndarray
    scores: np.ndarray

    @property
    def barrier(self) -> float:
        """Largest fall of the score below the straight line between those of both ends.

        About 0 in one basin.
        """
        line = np.interp(self.fractions, [0, 1], self.scores[[0, -1]])
        return float((line - self.scores).max())


def weight_path(
    first: Any,
    second: Any,
    X: Any,
    y: Any,
    *,
    scoring: Any = None,
    n_points: int = 11,
    X_train: Any = None,
) -> WeightPath:
    """Score networks whose weights lie on the line between those of two fitted estimators.

    Networks that were fine-tuned from one pretraining mostly lie in one basin of the loss: all
    networks between them are as good as they are. Those from scratch have a barrier between them
    [1]_ [2]_.

    Parameters
    ----------
    first, second : estimator
        Fitted estimators with a network ``net_`` of one architecture, such as two members of an
        ensemble of fine-tuned classifiers; or pipelines that end in them, of which the steps of the
        first are taken. They stay as they are.
    X : array-like, DataFrame, MultimodalData or dict of arrays
        Test data.
    y : array-like of shape (n_samples,)
        Targets.
    scoring : str or callable, default=None
        Scorer, as for scikit-learn, higher for better; None uses ``first.score``.
    n_points : int, default=11
        Number of points, both ends included.
    X_train : array-like, DataFrame, MultimodalData or dict of arrays, default=None
        Training data, by which running statistics of batch normalization are recomputed at each
        point between the ends. Needed where there are such layers: statistics of the ends do not
        hold between them.

    Returns
    -------
    WeightPath
        Fractions, scores, and the ``barrier``.

    Raises
    ------
    TypeError
        If an estimator has no network.
    ValueError
        If the networks differ in more than their weights, or ``X_train`` is needed.

    See Also
    --------
    plot_weight_path : Draws it.

    References
    ----------
    .. [1] Frankle J. et al. (2020). Linear mode connectivity and the lottery ticket hypothesis.
       ICML.
    .. [2] Neyshabur B., Sedghi H., Zhang C. (2020). What is being transferred in transfer learning?
       NeurIPS.

    Examples
    --------
    >>> from skmmcl import FineTunedClassifier
    >>> from skmmcl.datasets import make_cohort
    >>> from skmmcl.inspection import weight_path
    >>> X, y, _ = make_cohort(n_subjects=60, random_state=0)
    >>> one, other = (FineTunedClassifier(max_epochs=5, random_state=k).fit(X, y) for k in (0, 1))
    >>> path = weight_path(one, other, X, y, n_points=3)
    >>> path.fractions, path.scores.shape, path.barrier >= 0
    (array([0. , 0.5, 1. ]), (3,), True)
    """
    one, other = (dict(_network(each).state_dict()) for each in (first, second))
    _check_same(one, other)
    if n_points < 2:
        raise ValueError(f"n_points={n_points} does not hold both ends.")
    between = copy.deepcopy(first)
    network = _network(between)
    layers = [each for each in network.modules() if isinstance(each, NORMS)]
    if layers and X_train is None:
        raise ValueError(
            "These networks have batch normalization: give X_train, by which its statistics are "
            "recomputed between the ends."
        )
    scorer = check_scoring(between, scoring=scoring)
    fractions, scores = np.linspace(0, 1, n_points), np.empty(n_points)
    for k, fraction in enumerate(fractions):
        network.load_state_dict(_between(one, other, float(fraction)))
        if layers and 0 < fraction < 1:
            with _learning_statistics(layers):
                (between.predict if hasattr(between, "predict") else between.transform)(X_train)
        scores[k] = scorer(between, X, y)
    return WeightPath(fractions, scores)


def _network(estimator: Any) -> nn.Module:
    last = estimator[-1] if hasattr(estimator, "steps") else estimator
    net = getattr(last, "net_", None)
    if net is None:
        raise TypeError(
            f"{type(last).__name__} has no network, fitted by gradient, between whose weights one "
            "could interpolate."
        )
    return net.module_


def _check_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    shapes = [{name: tuple(t.shape) for name, t in state.items()} for state in (one, other)]
    if shapes[0] != shapes[1]:
        differing = sorted(
            name for name in {*one, *other} if shapes[0].get(name) != shapes[1].get(name)
        )
        raise ValueError(
            f"The networks differ in more than their weights: {', '.join(differing[:3])}. Only "
            "networks of one architecture can be interpolated."
        )


def _between(one: dict[str, Tensor], other: dict[str, Tensor], fraction: float) -> dict[str, Any]:
    return {
        name: torch.lerp(t, other[name].to(t), fraction) if t.is_floating_point() else t
        for name, t in one.items()
    }


@contextmanager
def _learning_statistics(layers: list[Any]) -> Iterator[None]:
    """Have batch normalization learn its statistics anew from what is predicted inside."""
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.train()
        layer.momentum = None  # mean over all batches
        layer.train = lambda _=True, layer=layer: layer  # prediction asks for evaluation
    try:
        yield
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            del layer.train
            layer.momentum = momentum
            layer.eval()


def plot_weight_path(path: WeightPath, *, label: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the score along the line between two networks, with the line between both ends.

    Parameters
    ----------
    path : WeightPath
        As :func:`weight_path` gives.
    label : str, default=None
        Name in a legend.
    ax : matplotlib.axes.Axes, default=None
        Axes to draw on; None for a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        With the scores, and a dotted line from one end to the other.

    Raises
    ------
    ImportError
        Without matplotlib.

    Examples
    --------
    >>> import matplotlib, numpy as np
    >>> matplotlib.use("Agg")
    >>> from skmmcl.inspection import WeightPath, plot_weight_path
    >>> path = WeightPath(np.array([0, 0.5, 1]), np.array([0.8, 0.5, 0.7]))
    >>> plot_weight_path(path).get_ylabel()
    'score'
    """
    ax = axes_of(ax, "plot_weight_path")
    (line,) = ax.plot(path.fractions, path.scores, marker="o", label=label)
    ax.plot([0, 1], path.scores[[0, -1]], color=line.get_color(), linestyle=":")
    ax.set(xlabel="part of the second network's weights", ylabel="score")
    return ax
