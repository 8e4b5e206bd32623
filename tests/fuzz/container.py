"""Cases of the container: odd arrays, ids, side data and masks, odd keys, odd selectors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from skmmcl import MultimodalData
from skmmcl.data import as_multimodal, check_values, is_multimodal, split_columns
from tests.fuzz.odd import COLUMNS, FORMS, VALUES, Draw, labels, pick
from tests.fuzz.outcomes import Case

N = 8
SAID = frozenset(
    {"X", "smri", "fc", "meta", "index", "mask", "age", "modalities", "feature_names", "df"}
)
ODD_NAMES = ["smri", "", " ", 3, None, "a__b", "meta", "index", "self", ("a",), b"a", "s mri"]
KEYS: list[Any] = [
    0, -1, N, -N - 1, 1.5, "smri", "pet", "", ["smri"], ["pet"], ["smri", "smri"], [], [0, 1], [N],
    [0, 0, 3], [True] * N, [True] * (N - 1), [False] * N, None, Ellipsis, slice(2, 5), slice(None,
    None, -1),
    slice(5, 2), slice(None, None, 0), (0, 1), (slice(None), 0), (slice(0, 2), slice(None)),
    np.arange(3),
    np.arange(0), np.array([0.0, 1.0]), np.array([True] * N), np.array(["smri"]), np.array([[0,
    1]]),
    np.int64(3), np.uint8(2), np.bool_(True), True, pd.Series([1, 2]), pd.Index([0]), {"smri"},
    {"smri": 1},
    ("smri", "fc"), b"smri", [None], [1.5], np.datetime64("2020"), object(), int, ["smri", 0],
    slice("a", "b"),
]  # fmt: skip
SELECTORS: list[Any] = [
    0, -1, 99, -99, 1.5, "v0", "v*", "w*", "", [], [0], [0, 0], [99], ["v0", 1], slice(0, 2),
    slice(5, 2),
    slice(0, 99), slice("a", "b"), [True, False, False, False, False, False], [True], None, True,
    int, len,
    lambda columns: [0], lambda columns: None, lambda columns: "v0", np.array([0, 1]),
    np.array([0.5]), {0},
    {"a": 0}, [[0, 1]], [None], b"v0", object(), (0, 1), range(2), np.nan, slice(None, None, 0),
    slice(-1, None),
]  # fmt: skip


def draw(rng: Draw) -> Case:
    """One of the ways to make, cut or read a container."""
    return pick(rng, [_make, _make, _cut, _split, _assign, _read, _read])(rng)


def _arrays(rng: Draw) -> dict[str, Any]:
    return {"smri": rng.normal(size=(N, 4)), "fc": rng.normal(size=(N, 3, 3))}


def _made(arrays: Any, rows: Any = None, **options: Any) -> Any:
    X = MultimodalData(arrays, **options)
    repr(X), X._repr_html_(), X.meta, X.index, X.shape
    half = X[: len(X) // 2] if rows is None else X[rows]
    half.materialize()
    np.asarray(half)
    return [dict(record) for record in half] and X.mask


def _make(rng: Draw) -> Case:
    arrays, options, told = _arrays(rng), {}, []
    for what in rng.choice(
        ["array", "meta", "index", "mask", "name"], size=int(rng.integers(1, 3))
    ):
        if what == "array":
            name, form = pick(rng, ["smri", "fc"]), pick(rng, list(FORMS))
            arrays[name] = FORMS[form](_arrays(rng)[name])
            told.append(f"{name}: {form}")
        elif what == "name":
            name = pick(rng, ODD_NAMES)
            arrays[name] = np.ones((N, 2))
            told.append(f"name {name!r}")
        else:
            options[what], form = _option(rng, what)
            told.append(f"{what}: {form}")
    inputs = {"arrays": arrays, **options}
    return Case(
        f"MultimodalData({', '.join(told)})", partial(_made, arrays, **options), inputs, SAID
    )


def _option(rng: Draw, what: str) -> tuple[Any, str]:
    if rng.random() < 0.2:
        value = pick(rng, VALUES)
        return value, repr(value)[:60]
    form = pick(rng, list(COLUMNS))
    values = COLUMNS[form](labels(rng, N))
    if what == "meta":
        return {"age": values}, form
    if what == "mask":
        return ({"smri": values} if rng.random() < 0.5 else values), form
    return values, form


def _container(rng: Draw) -> MultimodalData:
    mask = rng.random(size=(N, 2)) < 0.8
    index = [f"s{k}" for k in range(N)] if rng.random() < 0.5 else None
    return MultimodalData(_arrays(rng), mask=mask, index=index, meta={"age": np.arange(N) / 2})


def _cut(rng: Draw) -> Case:
    X, key = _container(rng), pick(rng, KEYS)
    then = pick(rng, [None, "meta", "again", "in", "base"])

    def call() -> Any:
        if then == "in":
            return key in X
        if then == "meta":
            return X.meta[str(key)]
        if then == "base":
            return X.base(key)
        cut = X[key]
        if then == "again" and isinstance(cut, MultimodalData) and len(cut):
            return cut[:1].to_dict() and None
        return None

    odd_key = {
        str(key),
        "index",
        "indexed",
        "indices",
        "subjects",
        "rows",
        "row",
        "modality",
        "columns",
        "key",
        "slice",
    }
    return Case(f"X[{key!r}], {then}", call, {"X": X}, SAID | odd_key, (IndexError, KeyError))


def _split(rng: Draw) -> Case:
    table = rng.normal(size=(N, 6))
    named = rng.random() < 0.5
    table = pd.DataFrame(table, columns=[f"v{k}" for k in range(6)]) if named else table
    selectors: Any = {"smri": pick(rng, SELECTORS), "fc": pick(rng, [[4], "v5", slice(4, 6), 3])}
    if rng.random() < 0.1:
        selectors = pick(rng, VALUES)
    names = pick(rng, [None, None, None, ["a"], list("abcdef"), 3, [1, 2, 3, 4, 5, 6], "abcdef"])
    if named and rng.random() < 0.5:
        meta, index = (
            pick(rng, [None, "v0", ["v1"], "w", 3, ["v0", "v0"]]),
            pick(rng, [None, "v5", "w", 3]),
        )
        call = partial(MultimodalData.from_dataframe, table, selectors, meta=meta, index=index)
        return Case(f"from_dataframe({selectors!r}, {meta!r}, {index!r})", call, {"X": table}, SAID)
    call = partial(split_columns, table, selectors, names)
    return Case(f"split_columns({selectors!r}, {names!r}), named {named}", call, {"X": table}, SAID)


def _assign(rng: Draw) -> Case:
    X, name, form = _container(rng), pick(rng, ODD_NAMES[:8]), pick(rng, list(FORMS))
    values = FORMS[form](_arrays(rng)["smri"])

    def call() -> Any:
        return X.assign({name: values}).mask

    return Case(f"assign {name!r}: {form}", call, {"X": X, "values": values}, SAID | {str(name)})


def _whole(rng: Draw) -> tuple[Any, str]:
    arrays = _arrays(rng)
    records = [{name: values[k] for name, values in arrays.items()} for k in range(N)]
    if rng.random() < 0.3:
        form = pick(rng, list(FORMS))
        return FORMS[form](arrays["smri"]), form
    options: dict[str, Callable[[], Any]] = {
        "records": lambda: records,
        "records and a number": lambda: [*records[:-1], 3],
        "records and an empty one": lambda: [*records[:-1], {}],
        "records of numbers": lambda: [{"age": k} for k in range(N)],
        "records of text": lambda: [{"age": "a"}] * N,
        "records of None": lambda: [{"smri": None}] * N,
        "records of unequal shape": lambda: [*records[:-1], {"smri": np.ones(3), "fc": np.ones(9)}],
        "records named by numbers": lambda: [{3: np.ones(2)}] * N,
        "an array of records": lambda: np.array(records, dtype=object),
        "structured": lambda: np.rec.fromarrays([np.arange(N), np.ones(N)], names="age,iq"),
        "structured text": lambda: np.rec.fromarrays([["a"] * N, np.ones(N)], names="age,iq"),
        "an empty list": list,
        "lists": lambda: {"smri": arrays["smri"].tolist(), "fc": arrays["fc"].tolist()},
        "a container": lambda: _container(rng),
        "an odd value": lambda: pick(rng, VALUES),
    }
    form = pick(rng, list(options))
    return options[form](), form


def _read(rng: Draw) -> Case:
    value, form = _whole(rng)
    shapes = pick(rng, [None, None, {"smri": (4,), "fc": (3, 3)}, {"smri": (2, 2)}, {"pet": (3,)}])

    def call() -> Any:
        is_multimodal(value)
        X = as_multimodal(value, shapes=shapes)
        check_values(X, pick(np.random.default_rng(len(form)), [None, "float32", "float64"]))
        return np.isfinite(np.asarray(X)[X.mask.all(1)].astype(float))

    said = SAID | {"arrays", "records", "array", "mapping", "modality"}
    return Case(f"as_multimodal({form}, shapes={shapes})", call, {"X": value}, said)
