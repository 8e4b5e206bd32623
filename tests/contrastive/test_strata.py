"""Batches of methods guided by a kernel hold every class that the kernel "delta" compares."""

from __future__ import annotations

import numpy as np
import pytest

from skmmcl import DecoupledUniformityEmbedder, MultimodalData, SupConEmbedder, YAwareEmbedder
from skmmcl.training import SubjectSet

N = 60
RARE = np.where(np.arange(N) < 6, "rare", "usual")
SEX = np.arange(N) % 2


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    meta = {"group": RARE, "sex": SEX, "age": rng.uniform(20, 80, N)}
    return MultimodalData(smri=rng.normal(size=(N, 5)), fc=rng.normal(size=(N, 4)), meta=meta)


@pytest.fixture
def dealt(monkeypatch):
    """All batches that are dealt, as rows of the subjects."""
    found = []
    deal = SubjectSet.deal

    def spy(self):
        batches = deal(self)
        found.extend(batches)
        return batches

    monkeypatch.setattr(SubjectSet, "deal", spy)
    return found


def settings(**params):
    return {"max_epochs": 3, "n_components": 3, "batch_size": 10, "random_state": 0, **params}


def test_a_kernel_of_classes_is_supcon_to_the_bit(X):
    guided = YAwareEmbedder(metadata="group", kernel="delta", **settings()).fit(X)
    supcon = SupConEmbedder(metadata="group", **settings()).fit(X)
    np.testing.assert_array_equal(guided.transform(X), supcon.transform(X))


@pytest.mark.parametrize(
    "params",
    [
        {"metadata": "group", "kernel": "delta"},
        {"metadata": ["age", "group"], "kernel": ["gaussian", "delta"]},
    ],
)
@pytest.mark.parametrize("method", [YAwareEmbedder, DecoupledUniformityEmbedder])
def test_every_batch_holds_each_class_twice(X, dealt, method, params):
    method(**settings(), **params).fit(X)
    assert len(dealt) == 18
    assert all(np.sum(RARE[batch] == "rare") == 2 for batch in dealt)


def test_classes_of_two_columns_count_together(X, dealt):
    YAwareEmbedder(metadata=["group", "sex"], kernel="delta", **settings()).fit(X)
    for batch in dealt:
        pairs = np.unique(np.char.add(RARE[batch], SEX[batch].astype(str)), return_counts=True)
        assert pairs[0].size == 4
        assert pairs[1].min() >= 2


def test_unknown_classes_are_no_class(X, dealt):
    group = RARE.astype(object)
    group[[0, 1, 20, 30]] = None
    YAwareEmbedder(kernel="delta", **settings()).fit(X, group)
    for batch in dealt:
        assert np.sum(group[batch] == "rare") == 2
    seen = np.bincount(np.concatenate(dealt), minlength=N)
    assert (seen[[0, 1, 20, 30]] == 3).all()


def test_numbers_are_dealt_as_before(X, dealt):
    YAwareEmbedder(metadata="age", **settings()).fit(X)
    assert (np.bincount(np.concatenate(dealt)) == 3).all()


def test_training_goes_on_with_the_classes(X, dealt):
    model = YAwareEmbedder(metadata="group", kernel="delta", **settings())
    for _ in range(2):
        model.partial_fit(X)
    assert all(np.sum(RARE[batch] == "rare") == 2 for batch in dealt)
