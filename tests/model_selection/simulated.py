"""Cross-validations of two linear models whose true difference is known."""

import numpy as np

COEFFICIENTS = np.r_[0.6, 0.5, 0.4, np.zeros(7)]


def draw(rng, n):
    X = rng.normal(size=(n, len(COEFFICIENTS)))
    return X, X @ COEFFICIENTS + rng.normal(size=n)


def fitted(X, y, penalty):
    return np.linalg.solve(X.T @ X + penalty * np.eye(X.shape[1]), X.T @ y)


def expected_error(weights):
    """Return the mean squared error on an infinite number of new subjects."""
    return 1 + np.sum((weights - COEFFICIENTS) ** 2)


def true_errors(penalties, n_train, n_draws=20_000):
    """Return the expected errors of both models over training sets."""
    rng = np.random.default_rng(123)
    found = []
    for _ in range(n_draws):
        X, y = draw(rng, n_train)
        found.append([expected_error(fitted(X, y, penalty)) for penalty in penalties])
    return np.mean(found, axis=0)


def cross_validated_errors(rng, penalties, n, k, repeats):
    X, y = draw(rng, n)
    scores = [], []
    for _ in range(repeats):
        for test in np.array_split(rng.permutation(n), k):
            train = np.setdiff1d(np.arange(n), test)
            for penalty, found in zip(penalties, scores, strict=True):
                weights = fitted(X[train], y[train], penalty)
                found.append(np.mean((y[test] - X[test] @ weights) ** 2))
    return scores
