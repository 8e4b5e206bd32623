"""ModalityTransformer: scikit-learn's transformers on single modalities."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from skmmcl.data import MultimodalData
from skmmcl.exceptions import ModalityError
from skmmcl.preprocessing import ModalityTransformer


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    clinical = rng.normal(size=(30, 3))
    clinical[::4, 1] = np.nan
    clinical[5] = np.nan  # subject 5 was not seen by the clinic
    fc = rng.normal(size=(30, 4, 4))
    return MultimodalData(
        fc=fc,
        clinical=clinical,
        smri=rng.normal(size=(30, 6)).astype(np.float32),
        index=[f"s{i}" for i in range(30)],
        meta={"site": np.tile(["A", "B"], 15)},
        mask={"fc": np.arange(30) != 7},
    )


@pytest.fixture
def y():
    return np.tile([0, 1], 15)


def test_imputes_gaps_and_leaves_missing_modalities_missing(X):
    out = ModalityTransformer({"clinical": SimpleImputer(add_indicator=False)}).fit_transform(X)
    present = np.arange(30) != 5
    expected = SimpleImputer().fit_transform(X["clinical"][present])
    np.testing.assert_array_equal(out["clinical"][present], expected)
    assert np.isnan(out["clinical"][5]).all()
    np.testing.assert_array_equal(out.mask, X.mask)
    np.testing.assert_array_equal(out.index, X.index)
    np.testing.assert_array_equal(out.meta["site"], X.meta["site"])
    assert out.modalities == X.modalities
    assert np.shares_memory(out["fc"], X["fc"])


def test_a_record_without_what_is_transformed(X):
    fitted = ModalityTransformer({"fc": StandardScaler()}).fit(X)
    found = fitted.transform([{"clinical": X["clinical"][0], "smri": X["smri"][0]}])
    assert found[["fc", "clinical", "smri"]].mask.tolist() == [[False, True, True]]


def test_is_fitted_on_present_rows_of_the_training_subjects_only(X):
    scale = ModalityTransformer({"fc": StandardScaler()}).fit(X[:20])
    rows = np.delete(np.arange(20), 7)
    expected = StandardScaler().fit(X["fc"][rows].reshape(19, 16))
    test = scale.transform(X[20:])
    assert test.shapes["fc"] == (4, 4)
    np.testing.assert_array_equal(
        test["fc"].reshape(10, 16), expected.transform(X["fc"][20:].reshape(10, 16))
    )


def test_a_new_width_makes_vectors(X):
    out = ModalityTransformer({"fc": PCA(2), "smri": PCA(3)}).fit_transform(X)
    assert out.shapes == {"fc": (2,), "clinical": (3,), "smri": (3,)}
    assert out["smri"].dtype == np.float32


def test_drop_and_remainder(X):
    dropped = ModalityTransformer({"fc": "drop"}).fit_transform(X)
    assert dropped.modalities == ("clinical", "smri")
    only = ModalityTransformer({"smri": "passthrough"}, remainder="drop").fit_transform(X)
    assert only.modalities == ("smri",)
    scaled = ModalityTransformer({"clinical": "passthrough"}, remainder=StandardScaler()).fit(X)
    assert scaled.transformers_["fc"] is not scaled.transformers_["smri"]
    np.testing.assert_allclose(scaled.transform(X)["smri"].mean(axis=0), 0, atol=1e-6)
    assert scaled.transformers_["clinical"] == "passthrough"
    with pytest.raises(ModalityError, match="Every modality is dropped"):
        ModalityTransformer({}, remainder="drop").fit(X)


@pytest.mark.parametrize("form", [dict, list])
def test_forms_of_input(X, form):
    X = X[["smri", "clinical"]]
    scale = ModalityTransformer({"smri": StandardScaler()})
    expected = scale.fit_transform(X)
    out = scale.fit_transform(form(X))
    for name in X.modalities:
        np.testing.assert_array_equal(out[name], expected[name])


def test_rows_may_repeat(X, y):
    rows = np.array([3, 3, 5, 9])
    impute = ModalityTransformer({"clinical": SimpleImputer()}).fit(X)
    out = impute.transform(X[rows])
    assert list(out.index) == ["s3", "s3", "s5", "s9"]
    np.testing.assert_array_equal(out["clinical"], impute.transform(X)["clinical"][rows])


def test_order_of_modalities_is_that_of_fit(X):
    scale = ModalityTransformer({"smri": StandardScaler()}).fit(X)
    out = scale.transform(X[["smri", "fc", "clinical"]])
    assert out.modalities == ("fc", "clinical", "smri")


def test_tables_keep_their_columns(y):
    table = pd.DataFrame({"age": [31.0, np.nan, 28.0], "sex": [0, 1, 1], "iq": [99.0, 101.0, 90.0]})
    X = MultimodalData(clinical=table, fc=np.ones((3, 2)))
    impute = ModalityTransformer({"clinical": SimpleImputer()}).fit(X)
    assert impute.transform(X).columns == {"clinical": ["age", "sex", "iq"], "fc": None}
    columns = ColumnTransformer([("sex", OneHotEncoder(), ["sex"])], sparse_threshold=1)
    encoded = ModalityTransformer({"clinical": columns}).fit_transform(X)
    assert encoded.columns["clinical"] == ["sex__sex_0.0", "sex__sex_1.0"]
    np.testing.assert_array_equal(encoded["clinical"], [[1, 0], [0, 1], [0, 1]])
    unnamed = ModalityTransformer({"clinical": FunctionTransformer(np.asarray)}).fit_transform(X)
    assert unnamed.columns["clinical"] is None


class WronglyNamed(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.asarray(X)

    def get_feature_names_out(self, input_features=None):
        return ["one name for all"]


def test_names_that_do_not_fit_are_left_out():
    X = MultimodalData(clinical=pd.DataFrame(np.eye(2), columns=["age", "iq"]))
    out = ModalityTransformer({"clinical": WronglyNamed()}).fit_transform(X)
    assert out.columns == {"clinical": None}


def test_without_pandas_tables_are_arrays(monkeypatch):
    X = MultimodalData(clinical=pd.DataFrame(np.eye(2), columns=["age", "iq"]))
    monkeypatch.setattr("skmmcl.preprocessing._tables.find_spec", lambda name: None)
    out = ModalityTransformer({"clinical": StandardScaler()}).fit_transform(X)
    np.testing.assert_array_equal(out["clinical"], [[1, -1], [-1, 1]])


def test_integers_become_floats_where_a_modality_is_missing():
    X = MultimodalData(a=[[1, 2], [3, 4], None], b=np.ones((3, 1)))
    out = ModalityTransformer({"a": FunctionTransformer(np.int64)}).fit_transform(X)
    np.testing.assert_array_equal(out["a"], [[1, 2], [3, 4], [np.nan, np.nan]])


def test_supervised_transformers_see_the_targets_of_the_present(X, y):
    select = ModalityTransformer({"fc": SelectKBest(k=2)}).fit(X, y)
    present = np.arange(30) != 7
    expected = SelectKBest(k=2).fit(X["fc"][present].reshape(29, 16), y[present])
    np.testing.assert_array_equal(select.transformers_["fc"].scores_, expected.scores_)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        select.fit(X, y[:-1])


def test_nobody_has_the_modality(X):
    nobody = MultimodalData(dict(X), mask={"fc": np.zeros(30, dtype=bool)})
    with pytest.raises(ModalityError, match="No subject has the modality 'fc'"):
        ModalityTransformer({"fc": PCA(2)}).fit(nobody)
    assert ModalityTransformer({"smri": PCA(2)}).fit_transform(nobody).shapes["fc"] == (4, 4)
    reduce = ModalityTransformer({"fc": PCA(2)}).fit(X)
    out = reduce.transform(nobody[:4])
    assert out.shapes["fc"] == (2,)
    assert not out.mask[:, 0].any()


def test_parameters_are_reached_by_modality(X):
    transformer = ModalityTransformer({"clinical": SimpleImputer(), "fc": "drop"})
    params = transformer.get_params()
    assert params["clinical__strategy"] == "mean"
    assert params["fc"] == "drop"
    assert set(transformer.get_params(deep=False)) == {"transformers", "remainder"}
    given = transformer.transformers
    transformer.set_params(clinical__strategy="median", fc=PCA(2), fc__n_components=3)
    assert transformer.transformers["clinical"].strategy == "median"
    assert transformer.transformers["fc"].n_components == 3
    assert given["fc"] == "drop"  # the user's dict is left alone
    transformer.set_params(transformers={"smri": PCA(1)}, smri__n_components=2, remainder="drop")
    assert transformer.fit_transform(X).shapes == {"smri": (2,)}
    with pytest.raises(ValueError, match="Invalid parameter 'fc'"):
        transformer.set_params(fc__n_components=2)


def test_clone_is_independent(X):
    original = ModalityTransformer({"fc": PCA(2)}, remainder=StandardScaler())
    copy = clone(original).set_params(fc__n_components=5, remainder__with_mean=False)
    assert original.transformers["fc"].n_components == 2
    assert original.remainder.with_mean
    copy.fit(X[["fc", "smri"]])
    assert not hasattr(original.transformers["fc"], "components_")
    assert not hasattr(copy.transformers["fc"], "components_")


def test_grid_search_and_cross_validation(X, y):
    pipe = make_pipeline(
        ModalityTransformer({"clinical": SimpleImputer(), "fc": "drop"}, remainder="drop"),
        FunctionTransformer(np.asarray),
        SimpleImputer(),
        LogisticRegression(),
    )
    assert np.isfinite(cross_val_score(pipe, X, y, cv=3)).all()
    grid = {
        "modalitytransformer__clinical__strategy": ["mean", "median"],
        "modalitytransformer__fc": ["drop", PCA(2)],
    }
    with joblib.parallel_config("threading"):  # processes take seconds to start
        results = [
            GridSearchCV(pipe, grid, cv=3, n_jobs=n, error_score="raise").fit(X, y).cv_results_
            for n in (1, 2)
        ]
    np.testing.assert_array_equal(*(result["mean_test_score"] for result in results))


def test_pickle(X):
    transformer = ModalityTransformer({"fc": PCA(2, random_state=0)}).fit(X)
    again = pickle.loads(pickle.dumps(transformer))
    np.testing.assert_array_equal(again.transform(X)["fc"], transformer.transform(X)["fc"])


def test_pipeline_with_set_output_and_names(X):
    pipe = make_pipeline(ModalityTransformer({"fc": PCA(2), "smri": "drop"}))
    pipe.set_output(transform="pandas")
    assert isinstance(pipe.fit_transform(X), MultimodalData)
    names = ["fc_0", "fc_1", "clinical_0", "clinical_1", "clinical_2"]
    assert list(pipe.get_feature_names_out()) == names
    assert pipe.n_features_in_ == 25


def test_inputs_are_not_changed(X):
    before = {name: array.copy() for name, array in X.items()}
    ModalityTransformer({"clinical": SimpleImputer(copy=True)}, remainder=StandardScaler()).fit(
        X
    ).transform(X)
    for name, array in X.items():
        np.testing.assert_array_equal(array, before[name])


def test_bad_input(X):
    with pytest.raises(ModalityError, match="names 'clincal', but the modalities are 'fc', "):
        ModalityTransformer({"clincal": SimpleImputer()}).fit(X)
    with pytest.raises(ModalityError, match="'fc' takes 'drop', 'passthrough' or a transformer"):
        ModalityTransformer({"fc": "scale"}).fit(X)
    with pytest.raises(ModalityError, match="'fc' takes 'drop', 'passthrough' or a transformer"):
        ModalityTransformer({"fc": PCA}).fit(X)
    with pytest.raises(ModalityError, match=r"got ndarray; make one by .*split_columns"):
        ModalityTransformer({}).fit(np.ones((3, 2)))
    with pytest.raises(ValueError, match="'remainder' parameter"):
        ModalityTransformer({}, remainder="scale").fit(X)
    with pytest.raises(ValueError, match="'transformers' parameter"):
        ModalityTransformer([("fc", PCA())]).fit(X)
    assert ModalityTransformer([("fc", PCA())]).get_params()["remainder"] == "passthrough"
    with pytest.raises(NotFittedError):
        ModalityTransformer({}).transform(X)


def test_other_modalities_than_in_fit(X):
    fitted = ModalityTransformer({"fc": PCA(2)}).fit(X[["fc", "smri"]])
    with pytest.raises(ModalityError, match=r"missing \['smri'\], not expected \['clinical'\]"):
        fitted.transform(X[["fc", "clinical"]])
    with pytest.raises(ModalityError, match=r"'smri' has shape \(5,\) .* fit saw \(6,\)"):
        fitted.transform({"fc": X["fc"], "smri": X["smri"][:, :5]})
