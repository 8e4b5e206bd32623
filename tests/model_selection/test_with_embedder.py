"""The pieces together, around the embedder that they are made for."""

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline

from skmmcl import CMCCSSEmbedder, MultimodalData
from skmmcl.inspection import modality_importance
from skmmcl.model_selection import CrossFitTransformer, LabeledOnly, labeled_scorer
from skmmcl.preprocessing import ModalityTransformer


@pytest.fixture(scope="module")
def cohort():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, size=60)
    clinical = rng.normal(size=(60, 3))
    clinical[::7, 0] = np.nan
    smri = rng.normal(size=(60, 6)) + 2 * y[:, np.newaxis]
    smri[4] = np.nan
    ids = [f"s{i}" for i in range(60)]
    y[::6] = -1
    return MultimodalData(smri=smri, clinical=clinical, index=ids), y


@pytest.fixture
def pipe():
    embedder = CMCCSSEmbedder(solver="gradient", n_components=3, max_epochs=5, random_state=0)
    return Pipeline(
        [
            ("impute", ModalityTransformer({"clinical": SimpleImputer()})),
            ("cmc", CrossFitTransformer(embedder, cv=3)),
            ("clf", LabeledOnly(LogisticRegression())),
        ]
    )


def test_cross_validation_and_grid_search(pipe, cohort):
    X, y = cohort
    scores = cross_val_score(
        pipe, X, y, cv=3, scoring=labeled_scorer("roc_auc"), error_score="raise"
    )
    assert scores.mean() > 0.75
    grid = {
        "impute__clinical__strategy": ["mean", "median"],
        "cmc__transformer__temperature": [0.2],
    }
    scorer = labeled_scorer("accuracy")
    search = GridSearchCV(pipe, grid, cv=2, scoring=scorer, error_score="raise").fit(X, y)
    assert list(search.classes_) == [0, 1]
    assert search.predict(X).shape == (60,)


def test_subject_ids_become_the_index(pipe, cohort):
    X, y = cohort
    steps = pipe[:-1].set_output(transform="pandas")
    frame = steps.fit_transform(X, y)
    assert list(frame.index) == list(X.index)
    assert list(frame.columns[:2]) == ["smri_0", "smri_1"]


def test_importance_of_modalities(pipe, cohort):
    X, y = cohort
    result = modality_importance(
        pipe.fit(X, y), X, y, scoring=labeled_scorer("roc_auc"), random_state=0
    )
    assert result.importances_mean[0] > result.importances_mean[1] + 0.1
