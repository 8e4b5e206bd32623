"""The score of the OpenBHB challenge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.metrics import mean_absolute_error

from skmmcl.metrics._checks import check_ages, check_finite, check_fraction
from skmmcl.utils._named import named
from skmmcl.utils._sklearn import check_sample_weight

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from skmmcl.utils._typing import SampleWeight

_SITE_POWER = 0.3


def openbhb_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    site_balanced_accuracy: float,
    sample_weight: SampleWeight = None,
) -> float:
    """Compute the score of the OpenBHB challenge, from the errors of brain age and of the site.

    It is ``site_balanced_accuracy ** 0.3 * mean_absolute_error``.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True ages, in years, of subjects of sites that are not in the training data.
    y_pred : array-like of shape (n_samples,)
        Their ages, in years, as predicted by a ridge regression on the representation.
    site_balanced_accuracy : float
        Balanced accuracy of predicting the site from the representation, for subjects of the
        training sites, as a fraction: 0.05 for 5 %. :func:`site_predictability` computes it.
    sample_weight : array-like of shape (n_samples,), optional
        Weights of the subjects in the error.

    Returns
    -------
    score : float
        Score in years, the unit of the error; lower is better.

    Raises
    ------
    ValueError
        For NaN, infinite values, different numbers of true and predicted ages, and a balanced
        accuracy outside 0 to 1, such as a percentage.
    TypeError
        For dates and spans of time.

    See Also
    --------
    site_predictability : Balanced accuracy of a probe for the site.

    Notes
    -----
    The balanced accuracy of a representation without information on the site is one over the number
    of sites. Scores of cohorts with different numbers of sites are therefore not comparable.

    References
    ----------
    .. [1] Dufumier B. et al. (2022). OpenBHB: a large-scale multi-site brain MRI data-set for age
       prediction and debiasing. NeuroImage 263, 119637.

    Examples
    --------
    >>> from skmmcl.metrics import openbhb_score
    >>> round(openbhb_score([20, 40], [23, 38], site_balanced_accuracy=0.05), 3)
    1.018

    As the ``scoring`` of scikit-learn:

    >>> from sklearn.metrics import make_scorer
    >>> make_scorer(openbhb_score, greater_is_better=False, site_balanced_accuracy=0.05)
    make_scorer(openbhb_score, greater_is_better=False, ...)
    """
    seen = check_fraction(site_balanced_accuracy, "site_balanced_accuracy")
    age, predicted = check_ages(y_true, y_pred)
    with named("sample_weight", "one number of 0 or more for each subject"):
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, age, ensure_non_negative=True)
    error = mean_absolute_error(age, predicted, sample_weight=sample_weight)
    return float(check_finite(seen**_SITE_POWER * error, y_true=age, y_pred=predicted))
