"""The consensus is spectral clustering of how often subjects are put together."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import SpectralClustering
from sklearn.metrics import adjusted_rand_score

from skmmcl.cluster._consensus import NEVER_TOGETHER, consensus_similarity, mean_agreement
from skmmcl.cluster._subspace import orthonormal_basis


def noisy_runs(seed, n_clusters=3, n_runs=10, noise=0.3):
    rng = np.random.default_rng(seed)
    truth = rng.integers(n_clusters, size=90)
    runs = []
    for _ in range(n_runs):
        labels = rng.permutation(n_clusters)[truth]
        wrong = rng.random(90) < noise
        runs.append(np.where(wrong, rng.integers(n_clusters, size=90), labels))
    return truth, np.array(runs)


def test_is_what_spectral_clustering_of_the_pairs_finds():
    truth, runs = noisy_runs(0)
    pairs = (runs[:, :, None] == runs[:, None]).mean(axis=0) + NEVER_TOGETHER
    spectral = SpectralClustering(3, affinity="precomputed", random_state=0).fit_predict(pairs)
    labels = consensus_similarity(runs, 3, seed=0).argmax(axis=1)
    assert adjusted_rand_score(spectral, labels) > 0.95
    assert adjusted_rand_score(truth, labels) > 0.95
    assert adjusted_rand_score(truth, labels) > max(adjusted_rand_score(truth, r) for r in runs)


def test_similarities_are_means_over_the_members():
    _, runs = noisy_runs(1)
    similarity = consensus_similarity(runs, 3, seed=0)
    members = similarity.argmax(axis=1)
    pairs = (runs[:, :, None] == runs[:, None]).mean(axis=0) + NEVER_TOGETHER
    expected = np.column_stack([pairs[:, members == k].mean(axis=1) for k in range(3)])
    np.testing.assert_allclose(similarity, expected / expected.sum(axis=1, keepdims=True))


def test_agreement_of_equal_runs_is_1():
    assert mean_agreement(np.array([[0, 0, 1, 1], [1, 1, 0, 0], [0, 0, 1, 1]])) == 1
    assert np.isnan(mean_agreement(np.array([[0, 1]])))


def test_a_direction_that_is_mostly_known_is_left_out():
    directions = np.array([[1.0, 0, 0], [0, 1, 0], [1, 1, 0.05]])
    assert orthonormal_basis(directions).shape == (2, 3)
    assert orthonormal_basis(directions, noise_tolerance=100).shape == (3, 3)
