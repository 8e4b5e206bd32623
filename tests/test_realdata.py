"""Every real cohort goes through a cross-validated pipeline, on few subjects and epochs."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_validate, train_test_split
from sklearn.pipeline import Pipeline

from skmmcl import CMCCSSEmbedder, datasets
from skmmcl._demo import make_methods

pytestmark = pytest.mark.realdata

# How each cohort is fetched, and how many of its subjects are taken.
COHORTS = {
    "abide": (datasets.fetch_abide, 80),
    "aomic": (datasets.fetch_aomic_piop2, 120),
    "digits": (datasets.fetch_uci_digits, 300),
    "enigma": (datasets.fetch_enigma_example, 20),
    "fcon1000": (datasets.fetch_fcon1000, 150),
    "ms": (datasets.fetch_ms_multilayer, 120),
    "nspn": (datasets.fetch_nspn, 150),
    "stroke": (datasets.fetch_soop, 150),
    "tcga": (datasets.fetch_tcga_breast, 120),
}


@pytest.fixture
def cohort(request, data_dir, monkeypatch):
    """A stratified part of a cohort, and its class codes."""
    monkeypatch.setenv("SKMMCL_DATA", str(data_dir))
    fetch, n_subjects = COHORTS[request.param]
    X, y = fetch(return_X_y=True)
    codes = np.unique(y, return_inverse=True)[1]
    if n_subjects >= len(X):
        return X, codes
    rows, _ = train_test_split(
        np.arange(len(X)), train_size=n_subjects, stratify=codes, random_state=0
    )
    return X[rows], codes[rows]


def evaluate(pipeline, X, y) -> dict[str, np.ndarray]:
    cv = StratifiedKFold(2, shuffle=True, random_state=0)
    scoring = ["balanced_accuracy", "roc_auc_ovr"]
    result = cross_validate(pipeline, X, y, cv=cv, scoring=scoring, error_score="raise")
    return {name: result[f"test_{name}"] for name in scoring}


@pytest.mark.filterwarnings("ignore:.*identical rows under different:UserWarning")  # FCON1000
@pytest.mark.parametrize("method", ["CMC+CSS", "CMC+CSS, trained"])
@pytest.mark.parametrize("cohort", COHORTS, indirect=True)
def test_pipeline_end_to_end(cohort, method):
    X, y = cohort
    pipeline = make_methods(X, max_epochs=3, random_state=0)[method]
    for name, values in evaluate(pipeline, X, y).items():
        assert values.shape == (2,)
        assert ((values >= 0) & (values <= 1)).all(), name
    n_columns = len(pipeline.fit(X, y)["cmc"].get_feature_names_out())
    embeddings = pipeline[:-1].transform(X)
    assert embeddings.shape == (len(X), n_columns)
    assert np.isfinite(embeddings).all()
    assert len(np.unique(embeddings, axis=0)) > len(X) / 2


@pytest.mark.parametrize("cohort", ["digits"], indirect=True)
@pytest.mark.parametrize("weights", [{}, {"css_weight": 0.0}, {"cmc_weight": 0.0}], ids=str)
def test_digits_are_told_apart(cohort, weights):
    X, y = cohort
    cmc = CMCCSSEmbedder(solver="gradient", max_epochs=30, random_state=0, **weights)
    pipeline = Pipeline([("cmc", cmc), ("clf", LogisticRegression(max_iter=1000))])
    assert evaluate(pipeline, X, y)["balanced_accuracy"].mean() > 0.5  # chance is 0.1
