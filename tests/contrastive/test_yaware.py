"""YAwareEmbedder: what it learns, which metadata it takes, what it says of bad ones."""

from __future__ import annotations

import warnings
from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from skmmcl import ContrastiveRegressionEmbedder, YAwareEmbedder, stacked_fits
from skmmcl.contrastive._guides import MetadataGuide
from skmmcl.datasets import make_cohort
from skmmcl.exceptions import DataError
from skmmcl.kernels import estimate_bandwidth
from skmmcl.losses import YAwareLoss

N = 40
# Of each subject one of two columns.
NEVER_BOTH = np.where(np.indices((N, 2)).sum(0) % 2, np.nan, np.arange(2.0 * N).reshape(N, 2))


def embedder(**params):
    return YAwareEmbedder(**{"max_epochs": 2, "n_components": 3, "random_state": 0, **params})


def test_embeddings_tell_the_age():
    X, _, _ = make_cohort(120, modalities=["t2", "clinical"], age_effect=1.0, random_state=300)
    age = X.meta["age"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the bandwidth that is too narrow
        guided, blind = (
            cross_val_score(
                make_pipeline(embedder(bandwidth=b, max_epochs=20, n_components=8), RidgeCV()),
                X, age, cv=3, scoring="r2",
            ).mean()
            for b in ("deviation", 1e-6)
        )  # fmt: skip
    assert guided > blind + 0.05
    assert guided > 0.3


def test_metadata_of_the_container_need_no_y(X, age):
    named = embedder(metadata="age").fit(X)
    given = embedder().fit(X, age)
    np.testing.assert_array_equal(named.transform(X), given.transform(X))
    assert named.metadata_names_ == ["age"]
    assert given.metadata_names_ == ["y"]
    np.testing.assert_allclose(given.bandwidth_, estimate_bandwidth(age))


def test_mixed_metadata(X, age):
    kernel = ["gaussian", "delta"]
    named = embedder(metadata=["age", "site"], kernel=kernel).fit(X)
    table = pd.DataFrame({"age": age, "site": X.meta["site"]})
    given = embedder(kernel=kernel).fit(X, table)
    np.testing.assert_array_equal(named.transform(X), given.transform(X))
    assert given.metadata_names_ == ["age", "site"]
    assert given.bandwidth_[1] == 1
    listed = [[a, s] for a, s in zip(age, X.meta["site"], strict=True)]
    np.testing.assert_array_equal(
        embedder(kernel=kernel).fit(X, listed).transform(X), given.transform(X)
    )


def test_bandwidth_of_each_column(X, age):
    y = np.c_[age, age / 10]
    one = embedder(bandwidth=5.0).fit(X, y)
    assert one.bandwidth_.tolist() == [5, 5]
    each = embedder(bandwidth=[5.0, 0.5]).fit(X, y)
    assert each.bandwidth_.tolist() == [5, 0.5]
    assert not np.array_equal(one.transform(X), each.transform(X))


def test_unknown_metadata_attract_nobody(X, age):
    """A subject without an age counts like one whose age is far from all others."""
    unknown, far = age.copy(), age.copy()
    unknown[3], far[3] = np.nan, 1e4
    one, other = (embedder(bandwidth=5.0).fit(X, y).transform(X) for y in (unknown, far))
    np.testing.assert_allclose(one, other, atol=1e-5)
    as_none = np.where(np.isnan(unknown), None, unknown)
    np.testing.assert_array_equal(embedder(bandwidth=5.0).fit(X, as_none).transform(X), one)


def test_a_function_as_kernel(X, age):
    def laplace(y):
        return torch.exp(-(y - y.mT).abs() / 5)

    found = embedder(kernel=laplace).fit(X, age).transform(X)
    expected = embedder(kernel="exponential", bandwidth=5.0).fit(X, age).transform(X)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("bandwidth", "said"),
    [(1e-4, "similar to itself alone.*larger"), (1e4, "all subjects are similar.*small")],
)
def test_degenerate_bandwidth(X, age, bandwidth, said):
    with pytest.warns(UserWarning, match=said):
        embedder(bandwidth=bandwidth).fit(X, age)


@pytest.mark.parametrize("loss", [None, "y-aware"])
def test_a_temperature_that_leaves_no_room_on_the_sphere(X, age, loss):
    params = {"temperature": 1.0, "bandwidth": 3.0, "max_epochs": 1, "random_state": 0}
    model = YAwareEmbedder if loss is None else partial(ContrastiveRegressionEmbedder, loss=loss)
    with pytest.warns(UserWarning, match=r"\['y'\] .* temperature=1.0, .* more than [1-7]\d%"):
        model(**params).fit(X, age)


def test_ages_at_the_usual_temperatures_have_room_enough(X, age):
    """Three ages are never met exactly: that alone is not told."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for bandwidth in ("deviation", "scott", 2.0, 10.0):
            embedder(bandwidth=bandwidth, max_epochs=1).fit(X, age)
        ContrastiveRegressionEmbedder(temperature=1.0, bandwidth=3.0, max_epochs=1).fit(X, age)


@pytest.mark.parametrize(
    ("params", "y", "said"),
    [
        ({}, ["A", "B"] * (N // 2), "'y' .*holds text, for example 'A'.*'delta'"),
        ({"kernel": "delta"}, np.linspace(0, 1, N), "'y' .*compared as classes: Unknown label"),
        ({}, np.full(N, np.nan), "'y' .*fewer than two different values: .*40 of 40 unknown"),
        ({}, np.where(np.arange(N), 1.0, np.inf), "infinite"),
        ({}, np.zeros((N, 2, 2)), r"shape \(40, 2, 2\)"),
        ({"kernel": ["gaussian", "delta"]}, np.arange(N), "2 kernels for 1 columns"),
        ({"kernel": ["gaussian", "rbf"]}, np.c_[np.arange(N), np.arange(N)], "Unknown kernel"),
        ({"bandwidth": [1.0, 2.0]}, np.arange(N), "2 numbers for 1 columns"),
        ({"bandwidth": [1.0, 0.0]}, np.c_[np.arange(N), np.arange(N)], "above 0"),
        ({"kernel": "jaccard"}, np.arange(2 * N).reshape(N, 2), "0 or 1.*found"),
        ({"metadata": ["age", "sex"]}, None, r"X.meta has no 'sex', only \['age', 'same'"),
        ({"metadata": []}, None, "names no column"),
        (
            {},
            NEVER_BOTH,
            "None of the 40 subjects has all metadata",
        ),
        ({"metadata": "same"}, None, "'same' .*fewer than two"),
        ({"kernel": lambda y: y @ y.mT - 9}, np.arange(N), "0 or more; found -9, and others in"),
        ({"kernel": lambda y: y}, np.arange(N), r"weights of shape \(1, 40, 40\) .* found"),
        ({}, None, "requires y to be passed.*X.meta"),
    ],
)
def test_bad_metadata(X, params, y, said):
    with pytest.raises(ValueError, match=said):
        embedder(**params).fit(X, y)


def test_a_class_of_one_subject(X, age):
    with pytest.warns(UserWarning, match="1 of the 3 classes of 'site' have a single subject"):
        embedder(kernel=["gaussian", "delta"]).fit(
            X, pd.DataFrame({"age": age, "site": [2, *[0, 1] * (N // 2 - 1), 0]})
        )


def test_partial_fit_keeps_bandwidth_and_columns(X, age):
    model = embedder().partial_fit(X, age)
    first = model.bandwidth_.copy()
    model.partial_fit(X, 2 * age)
    np.testing.assert_array_equal(model.bandwidth_, first)
    with pytest.raises(DataError, match=r"fitted on \['y'\]"):
        model.partial_fit(X, np.c_[age, age])


def test_weights_count_in_the_bandwidth(X, age):
    weight = np.arange(N) % 3
    repeated = np.repeat(np.arange(N), weight)
    found = embedder().fit(X, age, sample_weight=weight).bandwidth_
    np.testing.assert_allclose(found, estimate_bandwidth(age[repeated]))
    median = embedder(bandwidth="median").fit(X, age, sample_weight=weight).bandwidth_
    np.testing.assert_allclose(median, estimate_bandwidth(age[repeated], "median"))


def test_stacked_fits_of_ages_in_batches(X, age):
    """Several batches, of unequal size in each fold, and a bandwidth of its own in each."""
    pipe = make_pipeline(embedder(batch_size=8, validation_fraction=0.2), RidgeCV())
    expected = cross_val_score(pipe, X, age, cv=3)
    with stacked_fits():
        found = cross_val_score(pipe, X, age, cv=3)
    np.testing.assert_array_equal(found, expected)


def test_self_pairs_reach_the_loss(X, age):
    """The first batch, on what the first weights make of it."""
    for self_pairs in (False, True):
        looked = embedder(self_pairs=self_pairs, max_epochs=1, batch_size=64, lr=1e-12)
        model = looked.fit(X, age)
        z = torch.tensor(model.transform(X)).view(N, 2, 3).transpose(0, 1)
        bandwidth = model.bandwidth_[0]
        loss = YAwareLoss(0.1, bandwidth=bandwidth, self_pairs=self_pairs)
        expected = loss(z, torch.tensor(age)).item()
        assert model.history_["y_aware"][0] == pytest.approx(expected, rel=1e-4)
    as_in_paper = embedder().fit(X, age).transform(X)
    np.testing.assert_array_equal(as_in_paper, embedder(self_pairs=False).fit(X, age).transform(X))


def test_a_guide_of_metadata_reads_numbers_unless_it_says_otherwise(X, age):
    guide = MetadataGuide(SimpleNamespace(metadata=["age", "same"]))
    np.testing.assert_array_equal(guide.values(None, X), np.c_[age, np.ones(N)])
    with pytest.raises(DataError, match="holds text"):
        MetadataGuide(SimpleNamespace(metadata="site")).values(None, X)
