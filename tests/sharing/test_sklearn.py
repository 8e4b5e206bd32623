"""Scikit-learn's linear models, scalers and encoders, found by discovery."""

import inspect
import warnings

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.utils import all_estimators

from skmmcl import load_model, save_model
from skmmcl.exceptions import ModelFileError
from tests.sharing.fitted import USES, same

X = np.abs(np.random.default_rng(0).normal(size=(41, 5))) + 0.1
Y = {"classes": np.arange(41) % 2, "numbers": X[:, 0] + 0.5, "tasks": X[:, :2] + 0.5}
TEXT = np.array([["a", "x"], ["b", "y"], ["a", "y"]] * 5, dtype=object)
KEEP_SUBJECTS = {"KernelCenterer", "QuantileTransformer"}


def found(room):
    return [
        pytest.param(cls, id=name)
        for name, cls in all_estimators()
        if cls.__module__.split(".")[1] == room
    ]


def fitted(cls):
    takes = inspect.signature(cls).parameters
    model = cls(**({"random_state": 0} if "random_state" in takes else {}))
    tags = model.__sklearn_tags__()
    kind = "tasks" if cls.__name__.startswith("MultiTask") else "numbers"
    y = Y["classes"] if tags.estimator_type == "classifier" else Y[kind]
    if tags.input_tags.one_d_array or tags.target_tags.one_d_labels:
        return model.fit(Y["classes"]), Y["classes"]
    if cls.__name__ == "MultiLabelBinarizer":
        return model.fit(TEXT), TEXT
    given = X @ X.T if cls.__name__ == "KernelCenterer" else X
    return model.fit(given, y), given


@pytest.mark.parametrize("cls", [*found("linear_model"), *found("preprocessing")])
def test_linear_models_scalers_and_encoders_give_the_same_bits(cls, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, given = fitted(cls)
        save_model(model, tmp_path / "a", include_subjects=cls.__name__ in KEEP_SUBJECTS)
        loaded = load_model(tmp_path / "a")
        uses = [name for name in USES if hasattr(model, name)]
        assert uses
        for name in uses:
            expected, value = getattr(model, name)(given), getattr(loaded, name)(given)
            if hasattr(expected, "toarray"):
                expected, value = expected.toarray(), value.toarray()
            assert same(value, expected)


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(StandardScaler(), LogisticRegression()),
        ColumnTransformer([("a", StandardScaler(), [0, 2]), ("b", "passthrough", slice(3, 5))]),
        FeatureUnion([("a", StandardScaler()), ("b", FunctionTransformer(np.log1p))]),
        FrozenEstimator(Ridge().fit(X, Y["numbers"])),
    ],
    ids=lambda model: type(model).__name__,
)
def test_what_is_composed_gives_the_same_bits(model, tmp_path):
    model.fit(X, Y["classes"])
    save_model(model, tmp_path / "a")
    loaded = load_model(tmp_path / "a")
    for name in USES:
        if hasattr(model, name):
            assert same(getattr(loaded, name)(X), getattr(model, name)(X))


def test_categories_of_text(tmp_path):
    model = OneHotEncoder(sparse_output=False).fit(TEXT)
    save_model(model, tmp_path / "a")
    assert same(load_model(tmp_path / "a").transform(TEXT), model.transform(TEXT))


def test_a_function_that_is_not_known_is_named(tmp_path):
    for function, name in ((np.mean, r"numpy\.mean"), (inspect.cleandoc, r"inspect\.cleandoc")):
        save_model(FunctionTransformer(function), tmp_path / "a")
        with pytest.raises(ModelFileError, match=f"names '{name}'"):
            load_model(tmp_path / "a")
        assert load_model(tmp_path / "a", trusted=[function]).func is function
