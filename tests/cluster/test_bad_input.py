"""What cannot be clustered is refused before anything is fitted."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import DBSCAN, KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from skmmcl.cluster import UCSL
from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError, ModalityError

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((40, 4)), np.repeat([0, 1], 20)
SEVERITY = RNG.uniform(size=40)


@pytest.fixture(autouse=True)
def _nothing_is_fitted(monkeypatch):
    def refuse(*args):
        raise AssertionError("fitted before the input was checked")

    monkeypatch.setattr("skmmcl.cluster._ucsl.fit_ensemble", refuse)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.ones(40, dtype=int), "y has one class"),
        (["HC"] * 40, "y has one class"),
        (np.arange(40) % 3, "Only binary classification is supported.*severity.*Ridge"),
        (np.tile([-1, 0, 1, 1], 10), r"-1 marks unlabeled subjects.*LabeledOnly\(UCSL\(\)\)"),
        (np.where(Y == 1, np.nan, 0.0), r"NaN or None for 20 of 40 subjects \(first: row 20\)"),
        ([None, *Y[1:]], "NaN or None for 1 of 40"),
        (np.where(SEVERITY > 0.9, np.inf, SEVERITY), "infinity"),
        (Y[:30], "inconsistent numbers of samples"),
        (None, "requires y to be passed"),
        (np.r_[np.zeros(37, dtype=int), 1, 1, 1], "3 patients .* fewer than 2 .* n_clusters=2"),
    ],
    ids=["one", "one text", "three", "-1", "nan", "none", "inf", "short", "absent", "few"],
)
def test_targets(y, message):
    with pytest.raises(ValueError, match=message):
        UCSL().fit(X, y)


@pytest.mark.parametrize(
    ("params", "y", "message"),
    [
        ({"estimator": Ridge()}, Y, "only the values .0, 1., but estimator= is a regressor"),
        ({"estimator": Ridge()}, np.where(Y, "SZ", "HC"), "takes numbers"),
        ({"estimator": LogisticRegression()}, SEVERITY, "continuous.*give a regressor"),
        ({"estimator": SVC()}, Y, r"estimator=SVC\(\) is not linear"),
        ({"estimator": KNeighborsClassifier()}, Y, "takes no sample_weight"),
        ({"estimator": KMeans()}, Y, "no linear model"),
        ({"clusterer": DBSCAN()}, Y, "no number of clusters"),
        ({"clusterer": PCA()}, Y, "gives no labels"),
        ({"clusterer": KMeans}, Y, "is no clusterer"),
        ({"clusterer": "kmeans"}, Y, "clusterer"),
        ({"n_clusters": 0}, Y, "n_clusters"),
        ({"n_clusters": 11}, Y, "20 patients .* fewer than 2 .* n_clusters=11"),
        ({"n_consensus": 0}, Y, "n_consensus"),
        ({"tol": 1.0}, Y, "tol"),
        ({"positive": "SZ"}, Y, r"positive='SZ' is not among the labels \[0, 1\]"),
        ({"positive": 1}, SEVERITY, "y is a severity"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_parameters(params, y, message):
    with pytest.raises(ValueError, match=message):
        UCSL(**params).fit(X, y)


def with_gap(value):
    gap = X.copy()
    gap[3, 2] = value
    return gap


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (with_gap(np.nan), "NaN"),
        (with_gap(np.inf), "infinity"),
        ({"smri": X, "pet": with_gap(np.nan)}, "Modality 'pet': 1 NaN in 1 of 40"),
        ({"smri": X, "pet": np.full((40, 2), np.nan)}, "'pet' by 40 of 40"),
        ({"smri": X, "pet": [None, *X[1:]]}, "Missing: 'pet' by 1 of 40"),
        (X[:, :0], r"0 feature\(s\)"),
        (np.where(X > 0, "a", "b"), "convert"),
    ],
    ids=["nan", "inf", "nan in a modality", "nobody has it", "one lacks it", "empty", "text"],
)
def test_data(data, message):
    with pytest.raises(ValueError, match=message):
        UCSL().fit(data, Y)


def test_a_modality_that_no_patient_has_is_named():
    pet = np.where(Y[:, None] == 1, np.nan, X)
    with pytest.raises(DataError, match="'pet' by 20 of 40"):
        UCSL().fit(MultimodalData(smri=X, pet=pet), Y)


def test_subjects_in_another_order_are_refused():
    pd = pytest.importorskip("pandas")
    ids = [f"s{i}" for i in range(40)]
    table = pd.DataFrame(X, index=ids).add_prefix("x")
    with pytest.raises(DataError, match="another order"):
        UCSL().fit(table, pd.Series(Y, index=ids[::-1]))


@pytest.mark.filterwarnings("ignore:EM has not converged")
@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"smri": X}, r"missing: \['pet'\]"),
        ({"smri": X, "pet": X, "eeg": X}, r"not expected: \['eeg'\]"),
        ({"smri": X, "pet": X[:, :2]}, "shape"),
        (X, "features"),
    ],
)
def test_other_modalities_than_in_fit(monkeypatch, data, message):
    monkeypatch.undo()
    ucsl = UCSL(n_consensus=1, random_state=0)
    ucsl.fit({"smri": X, "pet": X}, Y)
    with pytest.raises(ValueError, match=message):
        ucsl.predict(data)


@pytest.mark.filterwarnings("ignore:EM has not converged")
def test_a_container_after_a_table(monkeypatch):
    monkeypatch.undo()
    ucsl = UCSL(n_consensus=1, random_state=0).fit(X, Y)
    with pytest.raises(ModalityError, match="fitted on a table"):
        ucsl.predict({"smri": X})
