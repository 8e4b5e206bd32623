"""Cases of preprocessing and of what is wrapped around estimators."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl import MultimodalData
from skmmcl.model_selection import CrossFitTransformer, LabeledOnly
from skmmcl.preprocessing import (
    ComBat,
    ConfoundRegressor,
    ConnectomeVectorizer,
    HistogramStandardizer,
    MaskedZScore,
    ModalityTransformer,
    metadata_labels,
)
from tests.fuzz.odd import COLUMNS, FORMS, VALUES, Draw, labels, pick
from tests.fuzz.outcomes import Case

N = 14
SAID = frozenset(
    {
        "X",
        "y",
        "smri",
        "fc",
        "t1",
        "site",
        "age",
        "sex",
        "transformers",
        "modalities",
        "columns",
        "bins",
        "df",
    }
)
NAMES: list[Any] = [
    "age",
    "sex",
    "site",
    "pet",
    "",
    3,
    None,
    [],
    ["age"],
    ["age", "sex"],
    ["age", "age"],
    ["pet"],
    (),
    [3],
    [None],
    ("sex",),
]
MODALITIES: list[Any] = [
    None,
    ["smri"],
    ["smri", "fc"],
    ["pet"],
    [],
    [3],
    "smri",
    ("fc",),
    ["smri", "smri"],
    [None],
]
TRANSFORMERS: list[Any] = [
    "drop", "passthrough", "a", "", None, 3, StandardScaler(), StandardScaler, PCA(2), PCA(99),
    int, object(),
    SimpleImputer(), SimpleImputer(strategy="a"), make_pipeline(SimpleImputer(), PCA(1)),
    ConnectomeVectorizer(),
    MaskedZScore(), HistogramStandardizer(), LogisticRegression(), [], {},
    StandardScaler(with_mean="a"),
]  # fmt: skip


def draw(rng: Draw) -> Case:
    """Fit and transform of one of the transformers, or labels of metadata."""
    return pick(rng, [_side, _side, _side, _modalities, _volumes, _connectomes, _labels, _wrapped])(
        rng
    )


def _arrays(rng: Draw) -> dict[str, Any]:
    return {"smri": rng.normal(size=(N, 4)), "fc": rng.normal(size=(N, 3, 3))}


def _container(rng: Draw, told: list[str], *, odd: bool) -> Any:
    arrays = _arrays(rng)
    meta: dict[str, Any] = {
        "age": rng.uniform(20, 80, size=N), "sex": labels(rng, N), "site": np.arange(N) // 4 % 2,
    }  # fmt: skip
    if odd:
        name = pick(rng, ["smri", "age", "sex", "site", "site"])
        if name == "smri":
            form = pick(rng, list(FORMS))
            arrays[name] = FORMS[form](arrays[name])
        else:
            form = pick(rng, list(COLUMNS))
            meta[name] = COLUMNS[form](meta["site"] if name == "site" else meta["sex"])
        told.append(f"{name}: {form}")
    mask = rng.random(size=(N, 2)) < 0.8 if rng.random() < 0.2 else None
    try:
        return MultimodalData(arrays, meta=meta, mask=mask)
    except (ValueError, TypeError):
        return arrays


def _param(rng: Draw, params: dict[str, Any], special: dict[str, list[Any]]) -> str:
    name = pick(rng, list(special))
    options = special[name] if rng.random() < 0.7 else VALUES
    params[name] = pick(rng, options)
    return f"{name}={params[name]!r}"[:80]


def _fitted(make: Any, params: dict[str, Any], X: Any, later: Any, y: Any = None) -> Any:
    return make(**params).fit(X, y).transform(later)


def _case(
    make: Any, params: dict[str, Any], X: Any, later: Any, told: list[str], y: Any = None
) -> Case:
    call = partial(_fitted, make, params, X, later, y)
    inputs = {"X": X, "later": later, "y": y}
    return Case(f"{make.__name__}: {', '.join(told)}", call, inputs, SAID | params.keys())


def _side(rng: Draw) -> Case:
    told: list[str] = []
    if rng.random() < 0.6:
        make, params = ComBat, {"covariates": pick(rng, [None, None, "age", "sex"])}
        special = {"site": NAMES, "covariates": NAMES, "modalities": MODALITIES, "shrink": [True,
        False],
                   "unseen_sites": ["passthrough", "error", "a"]}  # fmt: skip
    else:
        make, params = ConfoundRegressor, {"confounds": pick(rng, ["age", "sex", ["age", "site"]])}
        special = {"confounds": NAMES, "modalities": MODALITIES}
    if rng.random() < 0.4:
        told.append(_param(rng, params, special))
    X = _container(rng, told, odd=rng.random() < 0.6)
    told.append("later")
    later = _container(rng, told, odd=rng.random() < 0.4) if rng.random() < 0.6 else X
    return _case(make, params, X, later, told)


def _modalities(rng: Draw) -> Case:
    told: list[str] = []
    params: dict[str, Any] = {
        "transformers": {pick(rng, ["smri", "fc", "pet", 3]): pick(rng, TRANSFORMERS)}
    }
    if rng.random() < 0.3:
        params["remainder"] = pick(rng, [*TRANSFORMERS, *VALUES])
    if rng.random() < 0.1:
        params["transformers"] = pick(rng, VALUES)
    told.append(repr(params)[:150])
    X = _container(rng, told, odd=rng.random() < 0.4)
    told.append("later")
    later = _container(rng, told, odd=True) if rng.random() < 0.5 else X
    y = None
    if rng.random() < 0.2:
        form = pick(rng, list(COLUMNS))
        y = COLUMNS[form](labels(rng, N))
        told.append(f"y: {form}")
    return _case(ModalityTransformer, params, X, later, told, y)


def _volumes(rng: Draw) -> Case:
    volumes, params = np.abs(rng.normal(size=(6, 4, 4, 3))) + 1, {}
    make = pick(rng, [MaskedZScore, HistogramStandardizer])
    masks = [np.ones((4, 4, 3)), np.zeros((4, 4, 3)), np.ones((4, 4)), np.ones((4, 4, 3, 1)),
    "all", "a", [True],
             np.full((4, 4, 3), np.nan), np.full((4, 4, 3), "a"), np.arange(48).reshape(4, 4,
             3) > 20]  # fmt: skip
    special = (
        {"mask": masks} if make is MaskedZScore else {"background": [None, 0, 1.0, -1, 99, np.nan]}
    )
    told = [_param(rng, params, special)] if rng.random() < 0.5 else []
    forms = [pick(rng, list(FORMS)) if rng.random() < 0.7 else "as it is" for _ in range(2)]
    X, later = (FORMS[form](volumes) for form in forms)
    return _case(make, params, X, later, [*told, *forms])


def _connectomes(rng: Draw) -> Case:
    fc = np.clip(rng.normal(size=(6, 4, 4)) / 3, -0.9, 0.9)
    fc = (fc + fc.transpose(0, 2, 1)) / 2
    fc[:, range(4), range(4)] = pick(rng, [1.0, 0.0, np.nan, np.inf])
    params: dict[str, Any] = {}
    measures = [
        None,
        "correlation",
        "tangent",
        "precision",
        "partial correlation",
        "a",
        StandardScaler(),
    ]
    special = {"measure": measures, "fisher_z": [True, False], "discard_diagonal": [True, False]}
    told = [_param(rng, params, special) for _ in range(int(rng.integers(0, 3)))]
    if params.get("measure") is not None:
        fc = rng.normal(size=(6, 10, 4))
    forms = [pick(rng, list(FORMS)) if rng.random() < 0.6 else "as it is" for _ in range(2)]
    X, later = (FORMS[form](fc) for form in forms)
    case = _case(ConnectomeVectorizer, params, X, later, [*told, f"diagonal {fc[0, 0, 0]}", *forms])
    if any("NaN" in form or "nothing" in form for form in forms) or np.isnan(fc).any():
        case.call = partial(_without_nan, case.call)
    return case


def _without_nan(call: Any) -> Any:
    """NaN pass through, so that an imputer may follow."""
    return np.nan_to_num(np.asarray(call(), dtype=float), posinf=np.inf, neginf=-np.inf)


def _labels(rng: Draw) -> Case:
    form = pick(rng, list(COLUMNS))
    table: Any = {"sex": COLUMNS[form](labels(rng, N)), "age": rng.uniform(20, 80, size=N)}
    if rng.random() < 0.3:
        with contextlib.suppress(ValueError, TypeError):
            table = pd.DataFrame(table)
    elif rng.random() < 0.1:
        table = pick(rng, VALUES)
    columns = pick(rng, [None, "sex", "age", ["sex"], ["sex", "age"], *NAMES])
    edges = [
        2,
        1,
        0,
        -1,
        2.0,
        "a",
        None,
        [],
        [30, 50],
        [50, 30],
        [np.nan],
        [np.inf],
        True,
        [[1, 2]],
        10**6,
    ]
    bins: Any = (
        {"age": pick(rng, edges)}
        if rng.random() < 0.8
        else pick(rng, [None, {}, {"pet": 2}, {"sex": 2}, *VALUES])
    )
    call = partial(metadata_labels, table, columns, bins=bins)
    label = f"metadata_labels({form}, {columns!r}, bins={bins!r})"[:200]
    return Case(label, call, {"df": table, "bins": bins}, SAID)


def _wrapped(rng: Draw) -> Case:
    told: list[str] = []
    X = _container(rng, told, odd=rng.random() < 0.3)
    said = SAID | {
        "classes",
        "label",
        "dim",
        "feature",
        "Complex data",
        "labels",
    }  # of what scikit-learn's own estimators say
    form = pick(rng, list(COLUMNS))
    y = COLUMNS[form](labels(rng, N))
    told.append(f"y: {form}")
    if rng.random() < 0.5:
        options = [-1, None, 0, 1, "a", np.nan, int, [], 1.5, True]
        params: dict[str, Any] = {
            "estimator": LogisticRegression(),
            "unlabeled": pick(rng, options),
        }
        X = np.random.default_rng(0).normal(size=(N, 3))
        told.append(f"unlabeled={params['unlabeled']!r}")

        def call() -> Any:
            return LabeledOnly(**params).fit(X, y).predict_proba(X)

        return Case(f"LabeledOnly: {', '.join(told)}", call, {"X": X, "y": y}, said | params.keys())
    params = {"transformer": PCA(2), "cv": pick(rng, [2, 3, 1, 0, -1, 99, "a", None, 2.5, [], int,
    True]),
              "align": pick(rng, ["procrustes", None, "a", 3])}  # fmt: skip
    told.append(repr(params)[:100])

    def cross() -> Any:
        table = np.asarray(X) if isinstance(X, MultimodalData) else X["smri"]
        return CrossFitTransformer(**params).fit_transform(table, y)

    return Case(
        f"CrossFitTransformer: {', '.join(told)}", cross, {"X": X, "y": y}, SAID | params.keys()
    )
