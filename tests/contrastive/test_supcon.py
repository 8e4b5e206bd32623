"""SupConEmbedder: what it learns, and what becomes of unlabeled subjects."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline

from skmmcl import SupConEmbedder
from skmmcl.datasets import make_cohort
from skmmcl.exceptions import DataError


def embedder(**params):
    return SupConEmbedder(**{"max_epochs": 2, "n_components": 3, "random_state": 0, **params})


def test_classes_attract(showing, cosines, y):
    X = showing(y)
    cosine = cosines(embedder(max_epochs=40, lr=0.02).fit(X, y), X)
    alike = y[:, None] == y
    assert cosine[alike].mean() > 0.9
    assert cosine[~alike].mean() < -0.5


def test_classes_of_new_subjects():
    X, y, _ = make_cohort(150, modalities=["t2", "clinical"], class_sep=6.0, random_state=300)
    pipe = make_pipeline(embedder(max_epochs=20, n_components=8), LogisticRegression())
    assert balanced_accuracy_score(y, cross_val_predict(pipe, X, y, cv=3)) > 0.75


def test_unlabeled_subjects_attract_their_own_modalities_alone(X, y):
    """Unlabeled subjects count as so many classes of one subject each."""
    unlabeled, alone = y.copy(), y.copy()
    unlabeled[:5], alone[:5] = -1, np.arange(5) + 2
    one = embedder().fit(X, unlabeled).transform(X)
    with pytest.warns(UserWarning, match="5 of the 7 classes have a single subject"):
        other = embedder().fit(X, alone).transform(X)
    np.testing.assert_allclose(one, other, atol=1e-5)
    without = embedder().fit(X[5:], y[5:]).transform(X)
    assert not np.allclose(one, without, atol=1e-3)


def test_labels_of_text_and_none(X, y):
    text = np.array(["control", "case"], dtype=object)[y]
    text[0] = None
    codes = 1 - y
    codes[0] = -1
    model = embedder().fit(X, text)
    assert model.classes_.tolist() == ["case", "control"]
    np.testing.assert_array_equal(model.transform(X), embedder().fit(X, codes).transform(X))


def test_one_class_is_refused(X):
    with pytest.raises(DataError, match="SupConEmbedder needs at least two classes"):
        embedder().fit(X, np.zeros(len(X)))


def test_classes_of_the_side_data(X):
    model = embedder(metadata="site")
    np.testing.assert_array_equal(
        model.fit_transform(X), embedder().fit_transform(X, X.meta["site"])
    )
    assert model.classes_.tolist() == ["A", "B"]
    assert model.partial_fit(X).n_iter_ == 3
