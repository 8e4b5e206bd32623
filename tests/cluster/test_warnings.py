"""What is fitted in spite of doubts is warned of, with numbers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from skmmcl.cluster import UCSL

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((60, 10)), np.repeat([0, 1], 30)


class Emptying(BaseEstimator):
    """Puts all in one cluster."""

    def __init__(self, n_clusters=2):
        self.n_clusters = n_clusters

    def fit_predict(self, X, y=None):
        return np.zeros(len(X), dtype=int)


def test_a_cluster_that_empties():
    message = r"n_clusters=2 .* 3 of 3 runs lost a cluster in each of 5 starts.* \[\d+, \d+\] pat"
    with pytest.warns(UserWarning, match=message):
        ucsl = UCSL(clusterer=Emptying(), n_consensus=3, random_state=0).fit(X, Y)
    assert np.isfinite(ucsl.predict_proba(X)).all()


def test_runs_that_do_not_converge():
    message = r"index of the last two of max_iter=1 iterations is -?\d\.\d\d, not above tol=0.99"
    with pytest.warns(ConvergenceWarning, match=message):
        UCSL(max_iter=1, tol=0.99, n_consensus=1, random_state=0).fit(X, Y)


@pytest.mark.filterwarnings("ignore:EM has not converged")
def test_linear_models_that_do_not_converge_are_counted_once():
    ucsl = UCSL(estimator=LogisticRegression(max_iter=1, C=100), n_consensus=2, random_state=0)
    with pytest.warns(ConvergenceWarning, match=r"\d+ fits of LogisticRegression.* did not") as got:
        ucsl.fit(X, Y)
    assert sum("fits of" in str(warning.message) for warning in got) == 1


def test_clean_data_are_not_warned_of():
    shifted = X.copy()
    shifted[30:, 0] += 10 * (np.arange(30) % 2)
    shifted[30:, 1] += 10 * (np.arange(30) % 2 == 0)
    UCSL(n_consensus=2, random_state=0).fit(shifted, Y)
