"""EpsSupInfoNCEEmbedder: its margin, and that it can be kept from a bias."""

from __future__ import annotations

import numpy as np
import pytest

from skmmcl import EpsSupInfoNCEEmbedder, MultimodalData
from skmmcl.exceptions import DataError


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
    with pytest.raises(
        DataError, match=r"X.meta has no \['scanner'\], only \['age', 'same', 'site"
    ):
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
