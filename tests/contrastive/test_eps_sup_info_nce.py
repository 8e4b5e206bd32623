"""EpsSupInfoNCEEmbedder: its margin, and that it can be kept from a bias."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score

from skmmcl import EpsSupInfoNCEEmbedder, MultimodalData, stacked_fits
from skmmcl.datasets import make_cohort
from skmmcl.exceptions import DataError
from skmmcl.metrics import site_predictability


def embedder(**params):
    return EpsSupInfoNCEEmbedder(
        **{"max_epochs": 2, "n_components": 3, "random_state": 0, **params}
    )


@pytest.fixture(name="biased")
def biased_cohort():
    """Of a site that goes with the class in four of five, and is far plainer to see."""
    rng = np.random.default_rng(3)
    y = np.arange(120) % 2
    site = np.where(rng.random(120) < 0.8, y, 1 - y)
    arrays = {
        name: np.c_[y[:, None] + rng.normal(size=(120, 3)), 3.0 * site + rng.normal(size=120)]
        for name in ("smri", "fc")
    }
    return MultimodalData(arrays, meta={"site": site}), y, site


def gap_between_sites(model, X, y, site):
    """By how much subjects of a class are nearer to each other within a site."""
    h = model.transform(X)
    h = h / np.linalg.norm(h, axis=1, keepdims=True)
    cosine = h @ h.T
    alike = (y[:, None] == y) & ~np.eye(len(y), dtype=bool)
    same = site[:, None] == site
    return cosine[alike & same].mean() - cosine[alike & ~same].mean()


@pytest.mark.parametrize("bias_form", ["moments", "kl"])
def test_a_named_bias_shows_less(biased, bias_form):
    X, y, site = biased
    shared = {"max_epochs": 40, "batch_size": 128, "bias_form": bias_form}
    plain = gap_between_sites(embedder(**shared).fit(X, y), X, y, site)
    fair = embedder(**shared, bias="site", bias_weight=30.0).fit(X, y)
    assert gap_between_sites(fair, X, y, site) < plain / 2
    assert set(fair.history_) >= {"contrast", "fair_kl"}


def test_forms_and_margins_differ(X, y):
    found = [
        embedder(form=form, epsilon=epsilon).fit(X, y).transform(X)
        for form in ("out", "in", "supcon")
        for epsilon in (0.0, 2.0)
    ]
    for k, one in enumerate(found):
        assert all(not np.array_equal(one, other) for other in found[:k])


def test_bad_bias(X, y):
    with pytest.raises(DataError, match=r"X.meta has no 'scanner', only \['age', 'same', 'site"):
        embedder(bias="scanner").fit(X, y)
    with pytest.raises(DataError, match=r"'same' .*fewer than two different values"):
        embedder(bias="same").fit(X, y)
    with pytest.raises(DataError, match=r"'age' .*compared as classes"):
        embedder(bias="age").fit(X, y)


def test_a_site_with_a_single_subject(X, y):
    sites = X.meta["site"].copy()
    sites[0] = "C"
    odd = MultimodalData({name: X[name] for name in X.modalities}, meta={"site": sites})
    with pytest.warns(UserWarning, match="1 of the 3 groups of bias='site' have a single subject"):
        embedder(bias="site").fit(odd, y)


def cohort_with_a_trap(seed):
    """Class and site go together in nine of ten training subjects, not in the test subjects."""
    X, y, _ = make_cohort(
        2000,
        modalities=["t2", "clinical"],
        prevalence=0.5,
        n_sites=2,
        site_effect=1.0,
        random_state=seed,
    )
    site = X.meta["site"]
    train = np.concatenate([np.flatnonzero(y == site)[:540], np.flatnonzero(y != site)[:60]])
    left = np.setdiff1d(np.arange(len(y)), train)
    cells = 2 * y[left] + site[left]
    return X, y, train, np.concatenate([left[cells == k][:100] for k in range(4)])


@pytest.mark.slow
def test_fair_kl_halves_what_is_seen_of_the_bias():
    """Figures of five cohorts: benchmarks/fairkl.py."""
    found = []
    for seed in range(5):
        X, y, train, test = cohort_with_a_trap(seed)
        for bias in (None, "site"):
            model = EpsSupInfoNCEEmbedder(
                bias=bias,
                bias_weight=100.0,
                encoders="linear",
                n_components=2,
                temperature=0.5,
                batch_size=256,
                lr=0.01,
                max_epochs=30,
                random_state=seed,
            )
            probe = LogisticRegression().fit(model.fit_transform(X[train], y[train]), y[train])
            h = model.transform(X[test])
            seen = site_predictability(h, X[test].meta["site"])
            found.append((balanced_accuracy_score(y[test], probe.predict(h)), seen))
    plain, fair = np.mean(found[::2], axis=0), np.mean(found[1::2], axis=0)
    assert fair[0] >= plain[0]
    assert fair[1] - 0.5 <= (plain[1] - 0.5) / 2


def test_weight_of_deviations_reaches_the_loss(biased):
    X, y, _ = biased
    given = {"bias": "site", "max_epochs": 1, "batch_size": 128}
    model = embedder(**given, std_weight=3.0).fit(X, y)
    assert model.net_.criterion_.terms[1].loss.std_weight == 3.0
    once, none, kl, same_kl = (
        embedder(**given, std_weight=weight, bias_form=form).fit(X, y).history_["fair_kl"][0]
        for form, weight in (("moments", 1.0), ("moments", 0.0), ("kl", 0.0), ("kl", 1.0))
    )
    thrice = model.history_["fair_kl"][0]
    assert thrice - once == pytest.approx(2 * (once - none), rel=1e-4)  # linear in the weight
    assert once > none
    assert kl == same_kl


def test_learned_margin_grows_from_where_it_begins(X, y):
    params = {"learn_epsilon": True, "epsilon": 0.2, "optimizer": "sgd", "lr": 0.01}
    model = embedder(**params, max_epochs=20, weight_decay=0.0).fit(X, y)
    fixed = embedder(epsilon=0.2).fit(X, y)
    assert fixed.epsilon_ == 0.2
    assert 0.2 < model.epsilon_ < 0.25
    first = embedder(**params, max_epochs=1).fit(X, y).history_["contrast"]
    assert (
        first
        == embedder(**{**params, "learn_epsilon": False}, max_epochs=1)
        .fit(X, y)
        .history_["contrast"]
    )
    assert not np.array_equal(model.transform(X), fixed.transform(X))


def test_a_learned_margin_follows_the_slope(X, y):
    """One step of SGD, by hand: the slope of the loss by finite differences."""
    params = {"optimizer": "sgd", "lr": 0.1, "max_epochs": 1, "batch_size": 64, "dtype": "float64"}
    learned = embedder(**params, learn_epsilon=True, epsilon=0.3).fit(X, y).epsilon_
    above, below = (
        embedder(**params, epsilon=0.3 + step).fit(X, y).history_["contrast"][0]
        for step in (1e-4, -1e-4)
    )
    slope = (above - below) / 2e-4
    assert learned - 0.3 == pytest.approx(-0.1 * 0.1**2 * slope, rel=1e-3)


def test_learned_margins_in_a_stack_are_those_of_single_fits(X, y):
    models = [
        embedder(learn_epsilon=True, epsilon=epsilon, optimizer="sgd", random_state=seed)
        for seed, epsilon in enumerate((0.1, 1.0, 3.0))
    ]
    alone = [clone(model).fit(X, y) for model in models]
    with stacked_fits():
        found = Parallel(n_jobs=3)(delayed(clone(model).fit)(X, y) for model in models)
    for one, other in zip(alone, found, strict=True):
        assert one.epsilon_ == other.epsilon_ != one.epsilon
        np.testing.assert_array_equal(one.transform(X), other.transform(X))


def test_a_learned_margin_is_kept_in_copies_and_goes_on(X, y):
    model = embedder(learn_epsilon=True, optimizer="sgd", lr=0.1, warm_start=True).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    assert again.epsilon_ == model.epsilon_
    assert again.fit(X, y).epsilon_ > model.epsilon_
    lone = embedder(learn_epsilon=True).fit(X[["smri"]], y)  # by augmented copies
    assert lone.epsilon_ > 0.1
