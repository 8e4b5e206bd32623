"""MultiLabelSupConEmbedder: labels of several columns, of metadata, of one class."""

from __future__ import annotations

import numpy as np
import pytest

from skmmcl import MultiLabelSupConEmbedder
from skmmcl.exceptions import DataError


def embedder(**params):
    return MultiLabelSupConEmbedder(
        **{"max_epochs": 2, "n_components": 3, "random_state": 0, **params}
    )


@pytest.fixture(name="labels")
def sets_of_labels():
    labels = np.random.default_rng(2).integers(0, 2, size=(40, 3))
    labels[:, 2] |= ~labels.any(1)
    return labels


@pytest.mark.parametrize("weighting", ["jaccard", "labels"])
def test_those_who_share_more_labels_are_nearer(showing, cosines, labels, weighting):
    X = showing(labels)
    model = embedder(weighting=weighting, max_epochs=40, lr=0.02).fit(X, labels)
    shared = labels @ labels.T
    index = shared / (labels.sum(1)[:, None] + labels.sum(1) - shared)
    pairs = np.triu_indices(len(labels), 1)
    assert np.corrcoef(index[pairs], cosines(model, X)[pairs])[0, 1] > 0.5


def test_one_class_a_subject_is_a_set_of_one(X, y):
    as_classes = embedder().fit(X, y).transform(X)
    as_sets = embedder().fit(X, np.c_[1 - y, y]).transform(X)
    np.testing.assert_array_equal(as_classes, as_sets)


def test_classes_of_the_metadata_are_labels(X, y):
    site = (X.meta["site"] == "B").astype(int)
    named = embedder(metadata="site").fit(X)
    given = embedder().fit(X, np.c_[1 - site, site])
    np.testing.assert_array_equal(named.transform(X), given.transform(X))
    assert named.metadata_names_ == ["site"]


def test_unlabeled_subjects(X, labels):
    one, other, full = (labels.astype(float) for _ in range(3))
    one[3] = np.nan
    other[3, 0] = -1
    found = [embedder().fit(X, y).transform(X) for y in (one, other, full)]
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def test_a_label_of_one_subject(X, labels):
    with pytest.warns(UserWarning, match="1 of the 4 labels belong to a single subject"):
        embedder().fit(X, np.c_[labels, np.arange(40) == 7])


def test_bad_labels(X, labels):
    with pytest.raises(DataError, match=r"must be 0 or 1.*found \[2"):
        embedder().fit(X, 2 * labels)
    empty = labels.copy()
    empty[:4] = 0
    with pytest.raises(DataError, match="4 of 40 subjects have no label at all"):
        embedder().fit(X, empty)
    with pytest.raises(DataError, match="at least two different sets of labels, found 1"):
        embedder().fit(X, np.ones((40, 2)))
    with pytest.raises(DataError, match="found 0, with 40 unlabeled"):
        embedder().fit(X, np.full((40, 2), -1))


def test_ages_in_whole_years_are_no_labels_in_silence():
    age = np.repeat(np.arange(20, 35), 2)
    X = {"smri": np.random.default_rng(0).normal(size=(30, 3))}
    embedder = MultiLabelSupConEmbedder(max_epochs=1, encoders="linear")
    with pytest.raises(UserWarning, match=r"The 15 different numbers of column 'y' of the metad"):
        embedder.fit({**X, "fc": X["smri"]}, age)  # warnings are errors here
