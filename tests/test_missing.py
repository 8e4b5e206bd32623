"""Absent modalities, for every embedder: what stands in for them, and subjects without any."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl import CMCCSSEmbedder, MultimodalData
from skmmcl.base import BaseEmbedder
from skmmcl.base._absent import fill_absent, learn_covariance
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.preprocessing import ModalityTransformer
from skmmcl.utils.discovery import all_estimators

EMBEDDERS = [cls for _, cls in all_estimators() if issubclass(cls, BaseEmbedder)]
N = 40


@pytest.fixture(name="y")
def classes():
    return np.arange(N) % 2


@pytest.fixture(name="X")
def cohort(y):
    """Three modalities of which 30 % of the entries are missing at random."""
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(N, 2)) + y[:, None]
    mask = rng.random((N, 3)) > 0.3
    mask[~mask.any(axis=1), 0] = True
    arrays = {
        "smri": shared @ rng.normal(size=(2, 5)),
        "fc": (shared @ rng.normal(size=(2, 12))).reshape(N, 3, 4),
        "age": shared @ rng.normal(size=(2, 1)),
    }
    return MultimodalData(arrays, mask=mask)


def hide(X, subjects=slice(None), names=None):
    """The same cohort, with modalities of some subjects taken away."""
    mask = X.mask.copy()
    columns = [X.modalities.index(name) for name in names or X.modalities]
    mask[np.ix_(np.arange(N)[subjects], columns)] = False
    return MultimodalData(dict(X.items()), mask=mask, meta=X.meta)


def make(cls=CMCCSSEmbedder, **params):
    return cls(**{"max_epochs": 2, "n_components": 2, "random_state": 0} | params)


@pytest.mark.parametrize("impute", ["mean", "ridge"])
@pytest.mark.parametrize("cls", EMBEDDERS, ids=lambda cls: cls.__name__)
def test_every_embedder_takes_holes_at_fit_and_a_modality_gone_at_transform(cls, impute, X, y):
    emb = make(cls, impute=impute).fit(X, y)
    assert np.isfinite(emb.history_["train_loss"]).all()
    whole = emb.transform(X)
    assert np.isfinite(whole).all()
    for name in X.modalities:
        holes = hide(X, names=[name])
        gone = emb.transform(holes[holes.mask.any(axis=1)])
        assert np.isfinite(gone).all()
        assert gone.shape[1] == whole.shape[1] == len(emb.get_feature_names_out())
    patient = X[0]  # who comes as a record, in which what is absent has no shape
    record = [{name: x for name, x in next(iter(patient)).items() if name == "smri"}]
    expected = emb.transform(hide(X, names=["fc", "age"])[:1])
    np.testing.assert_array_equal(emb.transform(record), expected)
    with pytest.raises(ModalityError, match=r"unknown: \['FC'\]"):
        emb.transform([{**record[0], "FC": np.ones((3, 4))}])


# How estimators that are no embedders are made, and of arrays alone are put to a modality.
OTHERS = {
    "ComBat": lambda cls: cls(),
    "ConfoundRegressor": lambda cls: cls("years"),
    "ConnectomeVectorizer": lambda cls: ModalityTransformer({"conn": cls()}),
    "CrossFitTransformer": lambda cls: cls(make()),
    "HistogramStandardizer": lambda cls: ModalityTransformer({"t1": cls()}),
    "LabeledOnly": lambda cls: cls(make_pipeline(make(), LogisticRegression())),
    "MaskedZScore": lambda cls: ModalityTransformer({"t1": cls()}),
    "ModalityTransformer": lambda cls: cls({"smri": StandardScaler(), "fc": PCA(2)}),
}


def others():
    for name, cls in all_estimators():
        if cls not in EMBEDDERS and name != "EmbeddingNet":  # skorch's, inside ours
            yield pytest.param(OTHERS[name](cls), id=name)


@pytest.mark.parametrize("estimator", list(others()))
def test_every_other_estimator_takes_holes_as_well(estimator, X, y):
    rng = np.random.default_rng(1)
    arrays = {**dict(X.items()), "t1": rng.normal(size=(N, 4, 4, 4))}
    arrays["conn"] = np.stack([a @ a.T for a in rng.normal(size=(N, 4, 6))])
    mask = np.hstack([X.mask, rng.random((N, 2)) > 0.3])
    X = MultimodalData(arrays, mask=mask, meta={"site": np.arange(N) % 3, "years": np.arange(N)})
    estimator.fit(X, y)
    apply = estimator.predict if hasattr(estimator, "predict") else estimator.transform
    for given in (X, *(hide(X, names=[name]) for name in X.modalities)):
        holes = given[given.mask.any(axis=1)]
        found = apply(holes)
        if isinstance(found, MultimodalData):
            np.testing.assert_array_equal(found.mask, holes.mask)
            present = zip(found.values(), found.mask.T, strict=True)
            found = np.concatenate([array[rows].ravel() for array, rows in present])
        else:
            assert len(found) == len(holes)
        assert np.isfinite(found).all()


@pytest.mark.parametrize("cls", EMBEDDERS, ids=lambda cls: cls.__name__)
def test_subjects_without_any_modality_are_an_error_or_rows_of_nan(cls, X, y):
    holes = hide(X, [3, 7])
    with pytest.raises(DataError, match=r"no modality at all.*: 3, 7\."):
        make(cls).fit(holes, y)
    emb = make(cls).fit(X, y)
    with pytest.raises(DataError, match=r"3, 7.*on_empty='nan'"):
        emb.transform(holes)
    out = emb.set_params(on_empty="nan").transform(holes)
    others = np.setdiff1d(np.arange(N), [3, 7])
    assert np.isnan(out[[3, 7]]).all()
    np.testing.assert_allclose(out[others], emb.transform(X[others]), rtol=1e-5, atol=1e-6)


def test_what_is_present_is_left_alone_by_the_imputation(X, y):
    mean, ridge = make().fit(X, y), make(impute="ridge").fit(X, y)
    present = np.repeat(X.mask, 2, axis=1)
    one, other = mean.transform(X), ridge.transform(X)
    assert np.array_equal(one[present], other[present])
    assert not np.isclose(one[~present], other[~present]).any()
    assert mean.transform(X).dtype == other.dtype == np.float32


def correlated(n, seed=0):
    """Three blocks of two columns, of one factor each and noise."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n, 2))
    blocks = [factors @ rng.normal(size=(2, 2)) + 0.1 * rng.normal(size=(n, 2)) for _ in range(3)]
    return np.stack(blocks) + 5


def test_the_imputation_is_a_regression_on_what_is_present():
    h = correlated(2000)
    present = np.ones((3, 2000), dtype=bool)
    mean = h.mean(1)
    covariance = learn_covariance(h, present, mean, None)
    hidden = present.copy()
    hidden[1, :50] = False
    found = fill_absent(h, hidden, mean, covariance)
    beside = np.concatenate([h[0], h[2]], axis=1)
    expected = Ridge(1e-3).fit(beside, h[1]).predict(beside[:50])
    np.testing.assert_allclose(found[1, :50], expected, atol=0.1)
    assert np.array_equal(found[hidden], h[hidden])


def test_the_imputation_learns_from_incomplete_subjects():
    h = correlated(300)
    rng = np.random.default_rng(1)
    present = rng.random((3, 300)) > 0.4
    present[0, ~present.any(axis=0)] = True
    mean = np.stack([block[here].mean(0) for block, here in zip(h, present, strict=True)])
    covariance = learn_covariance(np.where(present[..., None], h, 99), present, mean, None)
    found = fill_absent(h, present, mean, covariance)
    error = np.square(found - h)[~present].mean()
    by_mean = np.square(mean[:, None] - h)[~present].mean()
    assert error < 0.2 * by_mean


def test_the_imputation_counts_weights_as_repeats():
    h = correlated(60)
    weight = np.random.default_rng(0).integers(0, 4, 60)
    rows, present = np.repeat(np.arange(60), weight), np.ones((3, 60), dtype=bool)
    mean = np.average(h, axis=1, weights=weight)
    weighted = learn_covariance(h, present, mean, weight)
    repeated = learn_covariance(h[:, rows], present[:, rows], mean, None)
    np.testing.assert_allclose(weighted, repeated)
    beside = h.transpose(1, 0, 2).reshape(60, -1) - mean.ravel()
    scale = np.sqrt(np.average(beside**2, axis=0, weights=weight))
    known = ledoit_wolf((beside / scale)[rows], assume_centered=True)[0]
    np.testing.assert_allclose(weighted, known * np.outer(scale, scale))
