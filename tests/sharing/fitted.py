"""Every estimator of the package, fitted, found by discovery; with subjects to try it on."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from skmmcl import MultimodalData
from skmmcl.base import BaseEmbedder
from skmmcl.preprocessing import ModalityTransformer
from skmmcl.utils import all_estimators

N_SUBJECTS = 41  # like no other length in the models
IDS = [f"participant{k:03d}" for k in range(N_SUBJECTS)]
VOLUMES = ("HistogramStandardizer", "MaskedZScore")
ON_TABLES = ("CrossFitTransformer", "LabeledOnly", "UCSL")
BUILD = {
    "ConfoundRegressor": lambda cls: cls("age"),
    "ConnectomeVectorizer": lambda cls: ModalityTransformer({"fc": cls()}),
    "CrossFitTransformer": lambda cls: cls(PCA(n_components=2), cv=3),
    "LabeledOnly": lambda cls: cls(LogisticRegression()),
    "ModalityTransformer": lambda cls: cls({"smri": PCA(n_components=2)}),
    "UCSL": lambda cls: cls(random_state=0),
}
USES = ("transform", "predict", "predict_proba", "decision_function")


def subjects() -> tuple[MultimodalData, np.ndarray]:
    rng = np.random.default_rng(0)
    y = np.arange(N_SUBJECTS) % 2
    smri = rng.normal(size=(N_SUBJECTS, 6)) + y[:, None]
    fc = np.tanh(rng.normal(size=(N_SUBJECTS, 4, 4)))
    fc = (fc + fc.mT) / 2
    fc[:, range(4), range(4)] = 1
    smri[3] = np.nan
    meta = {"age": rng.uniform(20, 70, N_SUBJECTS), "site": np.where(y, "Paris", "Lyon")}
    return MultimodalData(smri=smri, fc=fc, meta=meta, index=IDS), y


def input_of(cls: type) -> tuple[object, np.ndarray]:
    X, y = subjects()
    if cls.__name__ in VOLUMES:
        return np.random.default_rng(0).gamma(2.0, size=(N_SUBJECTS, 300)), y
    if cls.__name__ in ON_TABLES:
        return np.nan_to_num(X["smri"]), y
    return X, y


def unfitted(cls: type, solver: str = "gradient") -> object:
    if issubclass(cls, BaseEmbedder):
        return cls(solver=solver, max_epochs=2, n_components=4, random_state=0)
    model = BUILD.get(cls.__name__, lambda cls: cls())(cls)
    short = {"max_epochs": 2, "n_estimators": 2, "random_state": 0}
    return model.set_params(**{k: v for k, v in short.items() if k in model.get_params(deep=False)})


@cache
def fit(cls: type, solver: str = "gradient") -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        X, y = input_of(cls)
        return unfitted(cls, solver).fit(X, y)


def what_it_gives(model: object, X: object) -> dict[str, np.ndarray]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {name: getattr(model, name)(X) for name in USES if hasattr(model, name)}


def cases() -> list[tuple[type, str]]:
    found = [cls for name, cls in all_estimators() if name != "EmbeddingNet"]
    gradient = [(cls, "gradient") for cls in found]
    return gradient + [(cls, "closed_form") for cls in found if is_solved(cls)]


def is_solved(cls: type) -> bool:
    if not issubclass(cls, BaseEmbedder):
        return False
    try:
        fit(cls, "closed_form")
    except ValueError as error:
        if "closed_form" not in str(error):
            raise
        return False
    return True


def same(one: object, other: object) -> bool:
    """Whether arrays, or containers of them, are the same to the last bit."""
    if isinstance(one, MultimodalData):
        return all(same(one[name], other[name]) for name in other.modalities)
    return np.array_equal(
        np.asarray(one), np.asarray(other), equal_nan=np.asarray(one).dtype.kind == "f"
    )
