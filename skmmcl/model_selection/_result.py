"""Result of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

from skmmcl.model_selection._evaluate import Fit
from skmmcl.model_selection._leakage import Leak
from skmmcl.model_selection._summary import summarize
from skmmcl.utils._optional import import_optional

_PANDAS = 'A table of results needs pandas: pip install "skmmcl[plot]".'


@dataclass(frozen=True, repr=False)
class ComparisonResult:
    """Result of :func:`compare`.

    Parameters
    ----------
    methods : dict of str to estimator
        The methods by name, unfitted. Differences are to the first.
    metrics : tuple of str
        Names of the scores; the first is the default of all methods. Greater is better in all.
    splits : list of tuple of ndarray
        Training and test rows of each split.
    fits : list of Fit
        The outcome of each method on each split: scores, times, predictions, errors.
    y : ndarray of shape (n_samples,)
        The target.
    subjects : ndarray of shape (n_samples,)
        Identifiers of the subjects; their row numbers where X has none.
    groups : ndarray of shape (n_samples,) or None
        Groups of the subjects.
    classes : ndarray or None
        The classes in `y`; None where numbers are predicted.
    leaks : list of Leak
        The leaks that :func:`check_leakage` has found.
    params : dict
        Other parameters of the call, by name.

    See Also
    --------
    compare : Returns it.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skmmcl.model_selection import compare
    >>> X, y = load_iris(return_X_y=True)
    >>> methods = {"linear": LogisticRegression(max_iter=500), "dummy": DummyClassifier()}
    >>> result = compare(methods, X, y, cv=5, scoring="accuracy", random_state=0)
    >>> result
    ComparisonResult: 2 methods, 5 splits, accuracy
    >>> result.predictions("linear")[["subject", "split", "y_true", "y_pred"]].shape
    (150, 4)
    """

    methods: dict[str, Any]
    metrics: tuple[str, ...]
    splits: list[tuple[np.ndarray, np.ndarray]]
    fits: list[Fit]
    y: np.ndarray
    subjects: np.ndarray
    groups: np.ndarray | None = None
    classes: np.ndarray | None = None
    leaks: list[Leak] = field(default_factory=list)
    params: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        counts = f"{len(self.methods)} methods, {len(self.splits)} splits"
        return f"ComparisonResult: {counts}, {', '.join(self.metrics)}"

    def values(self, metric: str | None = None) -> np.ndarray:
        """Return the scores of a metric as an array.

        Parameters
        ----------
        metric : str, optional
            One of `metrics`; the first by default.

        Returns
        -------
        values : ndarray of shape (n_methods, n_splits)
            NaN where a fit failed or the score is not defined.
        """
        metric = self.metrics[0] if metric is None else metric
        if metric not in self.metrics:
            raise ValueError(f"metric must be one of {list(self.metrics)}, got {metric!r}.")
        order = {name: row for row, name in enumerate(self.methods)}
        values = np.full((len(order), len(self.splits)), np.nan)
        for fit in self.fits:
            values[order[fit.method], fit.split] = fit.scores[metric]
        return values

    @property
    def scores(self) -> Any:
        """Scores as a DataFrame: a row for each split, a column for each method.

        With several metrics, columns are pairs of metric and method.
        """
        pandas = import_optional("pandas", _PANDAS)
        index = pandas.RangeIndex(len(self.splits), name="split")
        tables = {
            metric: pandas.DataFrame(self.values(metric).T, index=index, columns=[*self.methods])
            for metric in self.metrics
        }
        if len(self.metrics) == 1:
            return tables[self.metrics[0]]
        return pandas.concat(tables, axis=1)

    @property
    def failures(self) -> list[Fit]:
        """Fits that raised an error, or whose scores are not all defined."""
        return [fit for fit in self.fits if fit.error or fit.messages]

    @property
    def sizes(self) -> dict[str, float]:
        """Mean numbers of training and test subjects, ``n_train`` and ``n_test``."""
        n_train, n_test = np.mean([[len(train), len(test)] for train, test in self.splits], axis=0)
        return {"n_train": float(n_train), "n_test": float(n_test)}

    def predictions(self, method: str) -> Any:
        """Return the predictions of a method for each test subject of every split.

        Parameters
        ----------
        method : str
            Name of the method.

        Returns
        -------
        predictions : DataFrame
            Columns ``row``, ``subject``, ``split``, ``y_true``, ``y_pred`` where the method
            predicts, and ``score`` for the decision or the probability of the second of two
            classes; with more classes, ``score_<class>`` for each. Splits in which the method
            failed are left out.
        """
        pandas = import_optional("pandas", _PANDAS)
        if method not in self.methods:
            raise ValueError(f"method must be one of {list(self.methods)}, got {method!r}.")
        fits = sorted((f for f in self.fits if f.method == method), key=lambda fit: fit.split)
        tables = [self._predictions_of(fit) for fit in fits if not fit.error]
        return pandas.concat(map(pandas.DataFrame, tables), ignore_index=True) if tables else (
            pandas.DataFrame(columns=["row", "subject", "split", "y_true"])
        )  # fmt: skip

    def _predictions_of(self, fit: Fit) -> dict[str, Any]:
        test = self.splits[fit.split][1]
        table = {"row": test, "subject": self.subjects[test], "split": fit.split}
        table["y_true"] = self.y[test]
        if "predict" in fit.outputs:
            table["y_pred"] = fit.outputs["predict"]
        response = fit.outputs.get("predict_proba", fit.outputs.get("decision_function"))
        if response is None or self.classes is None:
            return table
        of_pairs = "predict_proba" not in fit.outputs and _decides_pairs(self.methods[fit.method])
        if response.ndim == 2 and fit.classes is not None and not of_pairs:
            found = {
                str(label): column for label, column in zip(fit.classes, response.T, strict=True)
            }
            none = (
                np.zeros(len(test))
                if "predict_proba" in fit.outputs
                else np.full(len(test), np.nan)
            )
            columns = {str(label): found.get(str(label), none) for label in self.classes}
            if len(self.classes) == 2:
                return {**table, "score": columns[str(self.classes[1])]}
            return {**table, **{f"score_{name}": column for name, column in columns.items()}}
        return {**table, "score": response} if response.ndim == 1 else table

    def summary(
        self,
        metric: str | None = None,
        *,
        confidence: float = 0.95,
        rope: float | None = None,
        order: Sequence[str] | None = None,
    ) -> Any:
        """Return mean scores, with intervals and corrected tests, as a table.

        Parameters
        ----------
        metric : str, optional
            One of `metrics`; the first by default.
        confidence : float, default=0.95
            Confidence level of the intervals.
        rope : float, optional
            Region of practical equivalence: differences up to it do not matter in practice. With
            it, the table has the posterior probabilities of the Bayesian correlated t-test.
        order : list of str, optional
            Methods to show, with the reference first; all by default.

        Returns
        -------
        summary : DataFrame
            A row for each method. ``score`` is the mean over the splits, with ``lower`` and
            ``upper`` of its corrected interval; ``difference`` is to the first method, over the
            splits in which both have a score, with its interval ``difference_lower`` and
            ``difference_upper``; ``p`` is the p-value of the corrected resampled t-test, and
            ``p_corrected`` the same, corrected by Holm for all comparisons of the table; ``splits``
            counts the splits with a score, ``failed`` the fits with an error, and ``fit_time`` is
            the mean in seconds.
            With `rope`, ``p_worse``, ``p_equivalent`` and ``p_better``.
        """
        pandas = import_optional("pandas", _PANDAS)
        chosen = list(self.methods) if order is None else list(order)
        if unknown := [name for name in chosen if name not in self.methods]:
            raise ValueError(f"order names {unknown}, none of {list(self.methods)}.")
        rows = summarize(self, chosen, metric, confidence, rope)
        return pandas.DataFrame(rows, index=pandas.Index(chosen, name="method"))

    def plot(self, metric: str | None = None, *, confidence: float = 0.95, ax: Any = None) -> Any:
        """Draw the difference of each method to the first, with its corrected interval.

        Parameters
        ----------
        metric : str, optional
            One of `metrics`; the first by default.
        confidence : float, default=0.95
            Confidence level of the intervals.
        ax : matplotlib.axes.Axes, optional
            Axes to draw on; a new figure by default.

        Returns
        -------
        ax : matplotlib.axes.Axes
            The axes: small dots are splits, the bar is the interval of the mean difference.
        """
        from skmmcl.model_selection._plot import plot_differences

        return plot_differences(self, metric, confidence, ax)

    def report(self, path: Any, **options: Any) -> Any:
        """Write a report of the comparison into one HTML file.

        Parameters
        ----------
        path : str or path
            The file, which must not exist.
        **options : dict
            Passed to :func:`skmmcl.inspection.write_report`.

        Returns
        -------
        path : Path
            The file that was written.
        """
        # By name: the room of reports lies above this one in the layers of imports.
        return import_module("skmmcl.inspection").write_report(self, path, **options)


def _decides_pairs(method: Any) -> bool:
    """Return whether a method has a decision for each pair of classes, as an SVC may have."""
    params: dict[str, Any] = getattr(method, "get_params", dict)()
    return any(k.endswith("decision_function_shape") and v == "ovo" for k, v in params.items())
