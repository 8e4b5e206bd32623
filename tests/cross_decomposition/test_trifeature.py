"""The controlled study in small: redundancy, uniqueness and synergy, in their published order."""

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl.augmentation import Compose, FeatureDropout, FeatureNoise
from skmmcl.cross_decomposition import CLIPEmbedder, CoMMEmbedder
from skmmcl.datasets import make_trifeature
from skmmcl.networks import MLP

AUGMENT = Compose([FeatureNoise((0.1, 0.1)), FeatureDropout((0.0, 0.8))])


def deep_mlp(shape, n_components):
    """Lets less through its first weights than one hidden layer does."""
    return MLP(shape, n_components, hidden=(64, 64, 64))


def pairs(seed, *, n_values, **params):
    return make_trifeature(
        200 * n_values, kind="vectors", n_values=n_values, random_state=seed, **params
    )


def make(method, seed, **params):
    common = {
        "encoders": "mlp",
        "input_components": None,
        "augment": {"first": AUGMENT, "second": AUGMENT},
        "batch_size": 128,
        "lr": 3e-3,
        "random_state": seed,
        **params,
    }
    if method == "CoMM":
        return CoMMEmbedder(**{"n_components": 32, **common})
    own = {}
    if method == "Cross+Self":
        own = {"negatives": "both", "self_weight": 1.0, "temperature": 0.1, "projection_dim": 64}
    return CLIPEmbedder(**{"n_components": 8, **own, **common})


def accuracies(method, seed, *, biased, tasks, n_values=5, **params):
    """Balanced accuracy of a linear probe of each task, on combinations not seen before."""
    embedder = make(method, seed, **params).fit(pairs(seed, n_values=n_values, biased=biased)[0])
    (h, y), (h_test, y_test) = (
        (embedder.transform(X), y)
        for X, y, _ in (
            pairs(100 + seed, n_values=n_values, subset=subset) for subset in ("train", "test")
        )
    )
    found = []
    for task in tasks:
        clf = LogisticRegression(class_weight="balanced", max_iter=500)
        probe = make_pipeline(StandardScaler(), clf).fit(h, y[task])
        found.append(balanced_accuracy_score(y_test[task], probe.predict(h_test)))
    return found


def test_only_comm_finds_synergy():
    """One seed, few epochs; chance is 0.5."""
    options = {"biased": True, "tasks": ["S"], "max_epochs": 10}
    (cross,), (comm,) = (accuracies(method, 0, **options) for method in ("Cross", "CoMM"))
    assert cross < 0.55
    assert comm > 0.6


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_the_published_order(seed):
    """Chance is 0.1 for redundancy and uniqueness, 0.5 for synergy."""
    R, U, S = {}, {}, {}
    for method in ("Cross", "Cross+Self", "CoMM"):
        width = 64 if method == "CoMM" else 32  # for each of two modalities
        options = {"n_values": 10, "encoders": deep_mlp, "n_components": width, "max_epochs": 20}
        R[method], u1, u2 = accuracies(
            method, seed, biased=False, tasks=["R", "U1", "U2"], **options
        )
        U[method] = (u1 + u2) / 2
        (S[method],) = accuracies(method, seed, biased=True, tasks=["S"], **options)
    assert min(R.values()) > 0.95
    assert U["Cross"] < 0.25
    assert U["CoMM"] > U["Cross"] + 0.6
    assert U["Cross+Self"] > U["Cross"] + 0.1
    assert max(S["Cross"], S["Cross+Self"]) < 0.58
    assert S["CoMM"] > 0.68
