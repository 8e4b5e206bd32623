"""Absent modalities, for every embedder: what stands in for them, and subjects without any."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl import CMCCSSEmbedder, FineTunedClassifier, FineTunedRegressor, MultimodalData
from skmmcl.base import BaseEmbedder
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.preprocessing import ModalityTransformer
from skmmcl.solvers._joint_normal import JointNormal
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
    return cls(
        **{"solver": "gradient", "max_epochs": 2, "n_components": 2, "random_state": 0} | params
    )


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
    "DeepEnsembleClassifier": lambda cls: cls(
        FineTunedClassifier(make(), max_epochs=1), n_estimators=2
    ),
    "DeepEnsembleRegressor": lambda cls: cls(
        FineTunedRegressor(make(), max_epochs=1), n_estimators=2
    ),
    "FineTunedClassifier": lambda cls: cls(make(), max_epochs=1),
    "FineTunedRegressor": lambda cls: cls(make(), max_epochs=1),
    "LabeledOnly": lambda cls: cls(make_pipeline(make(), LogisticRegression())),
    "MaskedZScore": lambda cls: ModalityTransformer({"t1": cls()}),
    "ModalityTransformer": lambda cls: cls({"smri": StandardScaler(), "fc": PCA(2)}),
}


NONE_OF_THESE = {
    "EmbeddingNet",  # skorch's, inside ours
    "UCSL",  # refuses holes, see tests/cluster/test_bad_input.py
}


def others():
    for name, cls in all_estimators():
        if cls not in EMBEDDERS and name not in NONE_OF_THESE:
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


def test_impute_can_be_set_back_to_the_mean_after_fit(X, y):
    ridge = make(impute="ridge").fit(X, y)
    as_mean = make().fit(X, y).transform(X)
    assert not np.array_equal(ridge.transform(X), as_mean)
    assert np.array_equal(ridge.set_params(impute="mean").transform(X), as_mean)


@pytest.mark.parametrize("restricted", ["both", "smri", "none"])
def test_an_absent_modality_is_represented_as_the_others_foretell_it(restricted, y):
    """By way of component scores, of a representation beside scores, or of representations."""
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(N, 2))
    X = MultimodalData({name: factors @ rng.normal(size=(2, 8)) for name in ("smri", "fc")})
    mask = np.column_stack([np.ones(N), np.arange(N) >= 5])
    holes = MultimodalData(dict(X.items()), mask=mask)
    noise = {"fc": lambda x, generator: x}  # what is augmented has no component scores
    params = {
        "input_components": None if restricted == "none" else 60,
        "augment": noise if restricted == "smri" else None,
    }
    emb = make(impute="ridge", encoders="linear", **params).fit(X, y)
    compressed = {"both": ["smri", "fc"], "smri": ["smri"], "none": []}
    assert emb.net_.module_.compressed == compressed[restricted]
    whole, found = emb.transform(X)[:5, 2:], emb.transform(holes)[:5, 2:]
    by_mean = emb.set_params(impute="mean").transform(holes)[:5, 2:]
    assert np.square(found - whole).mean() < 0.5 * np.square(by_mean - whole).mean()


BLOCKS = np.repeat([0, 1, 2], 2)


def correlated(n, seed=0):
    """Three blocks of two columns, of two factors and noise."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n, 2))
    return factors @ rng.normal(size=(2, 6)) + 0.1 * rng.normal(size=(n, 6)) + 5


def test_the_imputation_is_a_regression_on_what_is_present():
    rows, present = correlated(2000), np.ones((2000, 3), dtype=bool)
    joint = JointNormal(rows, BLOCKS, present)
    hidden = present.copy()
    hidden[:50, 1] = False
    found = joint.fill(np.where(hidden[:, BLOCKS], rows, 99), hidden)
    beside = rows[:, BLOCKS != 1]
    expected = Ridge(1e-3).fit(beside, rows[:, BLOCKS == 1]).predict(beside[:50])
    np.testing.assert_allclose(found[:50, BLOCKS == 1], expected, atol=0.1)
    seen = hidden[:, BLOCKS]
    assert np.array_equal(found[seen], rows[seen])


def test_the_imputation_learns_from_incomplete_subjects():
    rows = correlated(3000)
    present = np.random.default_rng(1).random((3000, 3)) > 0.4
    present[~present.any(axis=1), 0] = True
    joint = JointNormal(np.where(present[:, BLOCKS], rows, 99), BLOCKS, present)
    whole = JointNormal(rows, BLOCKS, np.ones_like(present))
    # Filling in alone, without what stays unknown, would make columns vary less.
    assert np.trace(joint.covariance) == pytest.approx(np.trace(whole.covariance), rel=0.05)
    error = np.square(joint.fill(rows, present) - rows)[~present[:, BLOCKS]]
    assert error.mean() < 0.6 * rows.var(axis=0).mean()


def test_who_has_nothing_is_expected_to_be_the_mean():
    rows, present = correlated(20), np.ones((20, 3), dtype=bool)
    nothing = np.zeros((1, 3), dtype=bool)
    found = JointNormal(rows, BLOCKS, present).fill(np.zeros((1, 6)), nothing)
    np.testing.assert_allclose(found[0], rows.mean(axis=0))


def test_the_imputation_counts_weights_as_repeats():
    rows, present = correlated(60), np.ones((60, 3), dtype=bool)
    present[:20, 1] = False
    weight = np.random.default_rng(0).integers(0, 4, 60)
    many = np.repeat(np.arange(60), weight)
    weighted = JointNormal(rows, BLOCKS, present, weight)
    repeated = JointNormal(rows[many], BLOCKS, present[many])
    np.testing.assert_allclose(weighted.covariance, repeated.covariance)
    np.testing.assert_allclose(weighted.mean, repeated.mean)


def test_the_shrinkage_is_that_of_ledoit_and_wolf():
    rows = correlated(60)
    joint = JointNormal(rows, BLOCKS, np.ones((60, 3), dtype=bool))
    scaled = (rows - rows.mean(axis=0)) / joint.scale
    np.testing.assert_allclose(joint.covariance, ledoit_wolf(scaled, assume_centered=True)[0])
