"""Brain-age gap, and its correction for age bias."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Literal

import numpy as np

from skmmcl.metrics._checks import check_ages, check_finite

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class AgeBias:
    """Straight line of predicted over true age, as `fit_age_bias` fits it.

    Parameters
    ----------
    slope : float
        Years of predicted age per year of true age; 1 without bias, below 1 where predictions
        shrink towards the mean.
    intercept : float
        Predicted age at birth, in years; 0 without bias.

    Examples
    --------
    >>> from skmmcl.metrics import AgeBias, brain_age_gap
    >>> published = AgeBias(slope=0.8, intercept=10.0)
    >>> brain_age_gap([30.0, 70.0], [34.0, 69.0], bias=published).round(6)
    array([0., 3.])
    """

    slope: float
    intercept: float

    def __post_init__(self) -> None:
        for name in ("slope", "intercept"):
            value = getattr(self, name)
            if not isinstance(value, Real):
                raise TypeError(f"{name} must be a number, got {value!r}.")
            if not np.isfinite(float(value)):
                raise ValueError(f"{name} must be finite, got {value!r}.")


def fit_age_bias(y_true: ArrayLike, y_pred: ArrayLike) -> AgeBias:
    """Fit how predicted age depends on true age, by least squares.

    Predictions of a regression shrink towards the mean: the young look older than they are, the
    old younger, and the gap reflects age rather than the brain. With the line of training subjects
    :func:`brain_age_gap` removes this bias from the gaps of other subjects.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True ages of the reference subjects, usually healthy, in years.
    y_pred : array-like of shape (n_samples,)
        Their predicted ages, in years, each by a model that was fitted without that subject, as
        by :func:`~sklearn.model_selection.cross_val_predict`.

    Returns
    -------
    bias : AgeBias
        Slope and intercept of the line.

    Raises
    ------
    ValueError
        For NaN, infinite values, different numbers of true and predicted ages, fewer than 3
        subjects, and subjects who are all of one age.
    TypeError
        For dates and spans of time.

    See Also
    --------
    brain_age_gap : Applies the line.

    Notes
    -----
    Two mistakes bias the gaps. Predictions of a model for its own training subjects are closer to
    their age than those for new ones, so their line is steeper and corrects too little. And a line
    that is fitted on the subjects under study uses their gaps: it removes part of the effect if
    patients are older than controls.

    References
    ----------
    .. [1] Beheshti I. et al. (2019). Bias-adjustment in neuroimaging-based brain age frameworks:
       a robust scheme. NeuroImage: Clinical 24, 102063.
    .. [2] de Lange A.-M. G., Cole J. H. (2020). Commentary: correction procedures in brain-age
       prediction. NeuroImage: Clinical 26, 102229.

    Examples
    --------
    >>> from skmmcl.metrics import fit_age_bias
    >>> bias = fit_age_bias([20, 40, 60, 80], [32, 44, 56, 68])
    >>> round(bias.slope, 6), round(bias.intercept, 6)
    (0.6, 20.0)
    """
    age, predicted = check_ages(y_true, y_pred)
    if len(age) < 3:
        raise ValueError(f"A line through {len(age)} subjects has no meaning: 3 are needed.")
    if np.ptp(age) == 0:
        raise ValueError(f"All {len(age)} subjects are {age[0]} years old: no line can be fitted.")
    centered = age - age.mean()
    slope = centered @ (predicted - predicted.mean()) / (centered @ centered)
    return AgeBias(float(slope), float(predicted.mean() - slope * age.mean()))


def brain_age_gap(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    bias: AgeBias | None = None,
    method: Literal["residual", "rescale"] = "residual",
) -> NDArray[np.float64]:
    """Compute predicted minus true age of each subject, corrected for a given age bias.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True ages in years.
    y_pred : array-like of shape (n_samples,)
        Predicted ages in years.
    bias : AgeBias, optional
        Bias that :func:`fit_age_bias` fitted on other subjects; None for no correction.
    method : {"residual", "rescale"}, default="residual"
        ``"residual"`` is the distance from the line, ``y_pred - slope * y_true - intercept`` [1]_
        [2]_. ``"rescale"`` inverts the line, ``(y_pred - intercept) / slope - y_true`` [3]_: the
        residual divided by the slope, which also amplifies the noise of the gaps.

    Returns
    -------
    gap : ndarray of shape (n_samples,)
        Gaps in years; positive where the brain looks older than it is.

    Raises
    ------
    TypeError
        If `bias` is no `AgeBias`, and for dates and spans of time.
    ValueError
        For NaN, infinite values, different numbers of true and predicted ages, an unknown `method`,
        and ``"rescale"`` with a slope that is not above zero.

    See Also
    --------
    fit_age_bias : Finds the line.

    Notes
    -----
    The correction uses true age. ``y_true + gap`` is therefore not a prediction, and its errors do
    not measure the model: they are small for any model [4]_. Report the errors of the uncorrected
    predictions.

    References
    ----------
    .. [1] Beheshti I. et al. (2019). Bias-adjustment in neuroimaging-based brain age frameworks:
       a robust scheme. NeuroImage: Clinical 24, 102063.
    .. [2] de Lange A.-M. G., Cole J. H. (2020). Commentary: correction procedures in brain-age
       prediction. NeuroImage: Clinical 26, 102229.
    .. [3] Cole J. H. et al. (2018). Brain age predicts mortality. Molecular Psychiatry 23,
       1385-1392.
    .. [4] Butler E. R. et al. (2021). Pitfalls in brain age analyses. Human Brain Mapping 42,
       4092-4101.

    Examples
    --------
    >>> from skmmcl.metrics import brain_age_gap, fit_age_bias
    >>> bias = fit_age_bias([20, 40, 60, 80], [32, 44, 56, 68])  # training subjects
    >>> brain_age_gap([30, 70], [38, 65])
    array([ 8., -5.])
    >>> brain_age_gap([30, 70], [38, 65], bias=bias).round(6)
    array([0., 3.])
    >>> brain_age_gap([30, 70], [38, 65], bias=bias, method="rescale").round(6)
    array([0., 5.])
    """
    if not isinstance(method, str) or method not in {"residual", "rescale"}:
        raise ValueError(f"method must be 'residual' or 'rescale', got {method!r}.")
    age, predicted = check_ages(y_true, y_pred)
    if bias is None:
        with np.errstate(over="ignore"):
            return check_finite(predicted - age, y_true=age, y_pred=predicted)
    if not isinstance(bias, AgeBias):
        raise TypeError(f"bias must be an AgeBias, as fit_age_bias gives it, got {bias!r}.")
    with np.errstate(over="ignore"):
        residual = predicted - bias.slope * age - bias.intercept
    if method == "residual":
        return check_finite(residual, y_true=age, y_pred=predicted)
    if bias.slope <= 0:
        raise ValueError(
            f"Predictions that do not rise with age (slope {bias.slope:.3g}) cannot be rescaled."
        )
    with np.errstate(over="ignore"):
        return check_finite(residual / bias.slope, y_true=age, y_pred=predicted)
