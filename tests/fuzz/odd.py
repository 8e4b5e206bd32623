"""Odd values, and odd forms of arrays that were sound."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy import sparse

Draw = np.random.Generator


def pick(rng: Draw, options: Any) -> Any:
    """One of some options, as it is."""
    return options[int(rng.integers(len(options)))]


# For any parameter.
VALUES: list[Any] = [
    None, -1, 0, 1, 2, 3, -0.5, 0.5, 1.5, True, False, np.nan, np.inf, -np.inf, 1e-30, 1e30, 1e300,
    "", "a", "auto", b"a", [], [3], [None], ["a"], (), (1, 2), {}, {"smri": 3}, {"a": 1}, {3},
    int, len, object(), np.float32(0.5), np.float64(2.0), np.int64(2), np.bool_(True),
    np.array(0.5), np.array([1.0, 2.0]), torch.tensor(1.0), torch.ones(2), Decimal("0.5"),
    Fraction(1, 2), 1j, pd.NA, np.datetime64("2020-01-01"), slice(0, 2), range(2),
    torch.nn.ReLU(), lambda *args, **kwargs: None,
]  # fmt: skip


class Lazy:
    """An array-like that is read when rows are asked for, as h5py's is."""

    def __init__(self, array: np.ndarray) -> None:
        self._array = array
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, rows: Any) -> np.ndarray:
        return self._array[rows].copy()


def put(array: np.ndarray, value: Any) -> np.ndarray:
    """A copy with a value at one place."""
    changed = np.array(array, dtype=None if array.dtype.kind == "f" else float)
    changed[(1,) + (0,) * (changed.ndim - 1)] = value
    return changed


def as_objects(array: np.ndarray, make: Callable[[Any], Any], first: Any = None) -> np.ndarray:
    """The same as Python objects, maybe with another one at the first place."""
    out = np.empty(array.shape, dtype=object)
    out[...] = array
    flat = [make(value) for value in array.ravel().tolist()]
    if first is not None:
        flat[0] = first
    for place, value in zip(np.ndindex(array.shape), flat, strict=True):
        out[place] = value
    return out


def read_only(array: np.ndarray) -> np.ndarray:
    """A copy that cannot be written to."""
    array = array.copy()
    array.setflags(write=False)
    return array


def flat(array: np.ndarray) -> np.ndarray:
    """One row for each subject."""
    return array.reshape(len(array), -1)


# From a sound array (n_samples, ...) of floats to an odd one.
FORMS: dict[str, Callable[[np.ndarray], Any]] = {
    "as it is": lambda a: a,
    "one NaN": lambda a: put(a, np.nan),
    "one inf": lambda a: put(a, np.inf),
    "one -inf": lambda a: put(a, -np.inf),
    "a row of NaN": lambda a: np.concatenate([np.full_like(a[:1], np.nan), a[1:]]),
    "all NaN": lambda a: np.full_like(a, np.nan),
    "all inf": lambda a: np.full_like(a, np.inf),
    "zeros": np.zeros_like,
    "ones": np.ones_like,
    "a constant column": lambda a: np.concatenate([np.ones_like(a[..., :1]), a[..., 1:]], -1),
    "one subject apart": lambda a: np.concatenate([np.ones_like(a[:1]), np.zeros_like(a[1:])]),
    "all subjects alike": lambda a: np.repeat(a[:1], len(a), axis=0),
    "huge": lambda a: a * 1e30,
    "beyond float32": lambda a: a * 1e39,
    "beyond squares": lambda a: a * 1e200,
    "at the end of float64": lambda a: np.clip(a, -1, 1) * 1e308,
    "tiny": lambda a: a * 1e-30,
    "denormal": lambda a: a * 1e-310,
    "one huge": lambda a: put(a, 1e30),
    "offset 1e6": lambda a: a + 1e6,
    "offset 1e12": lambda a: a + 1e12,
    "float16": lambda a: a.astype(np.float16),
    "float32": lambda a: a.astype(np.float32),
    "longdouble": lambda a: a.astype(np.longdouble),
    "int8": lambda a: (a * 3).astype(np.int8),
    "uint8": lambda a: (a * 3).astype(np.int8).astype(np.uint8),
    "int64, large": lambda a: (a * 1e6).astype(np.int64) + 2**50,
    "bool": lambda a: a > 0,
    "complex": lambda a: a + 1j,
    "text": lambda a: a.astype(str),
    "bytes": lambda a: a.astype("S8"),
    "words": lambda a: np.full(a.shape, "word"),
    "dates": lambda a: (a * 10).astype("datetime64[D]"),
    "spans": lambda a: (a * 10).astype("timedelta64[ns]"),
    "objects": lambda a: as_objects(a, float),
    "objects and None": lambda a: [*as_objects(a, float).tolist()[:-1], None],
    "decimals": lambda a: as_objects(a, lambda v: Decimal(str(v))),
    "fractions": lambda a: as_objects(a, lambda v: Fraction(v) if np.isfinite(v) else v),
    "objects with text": lambda a: as_objects(a, float, "word"),
    "objects with NA": lambda a: as_objects(a, float, pd.NA),
    "objects of nothing": lambda a: np.full(a.shape, None),
    "a list": lambda a: a.tolist(),
    "a list of rows": list,
    "a tuple": lambda a: tuple(a.tolist()),
    "a list with None": lambda a: [None, *a[1:]],
    "a ragged list": lambda a: [*a.tolist()[:-1], [[1.0]]],
    "rows of unequal shape": lambda a: [*list(a[:-1]), a[-1].ravel()[:1]],
    "objects of unequal shape": lambda a: np.array(
        [*list(a[:-1]), a[-1].ravel()[:1], None], object
    )[:-1],
    "no rows": lambda a: a[:0],
    "one row": lambda a: a[:1],
    "two rows": lambda a: a[:2],
    "a row less": lambda a: a[:-1],
    "a row more": lambda a: np.concatenate([a, a[:1]]),
    "no columns": lambda a: flat(a)[:, :0],
    "one column": lambda a: flat(a)[:, :1],
    "1-D": lambda a: flat(a)[:, 0],
    "0-D": lambda a: a.ravel()[0],
    "a number": lambda a: 3.0,
    "flat": flat,
    "transposed": lambda a: a.T,
    "an axis more": lambda a: a[..., None],
    "an axis before": lambda a: a[None],
    "five axes": lambda a: a.reshape(len(a), *(1,) * 4, -1),
    "Fortran order": np.asfortranarray,
    "reversed": lambda a: a[::-1],
    "big-endian": lambda a: a.astype(">f8"),
    "read-only": read_only,
    "masked": lambda a: np.ma.masked_greater(a, 1),
    "a matrix": lambda a: np.matrix(flat(a)),
    "structured": lambda a: np.rec.fromarrays(flat(a)[:, :2].T, names="smri,fc"),
    "a DataFrame": lambda a: pd.DataFrame(flat(a)),
    "a DataFrame with ids": lambda a: pd.DataFrame(flat(a), [f"s{i}" for i in range(len(a))]),
    "a DataFrame with names": lambda a: pd.DataFrame(flat(a)).add_prefix("v"),
    "a nullable DataFrame": lambda a: pd.DataFrame(flat(a)).convert_dtypes(),
    "a DataFrame with NA": lambda a: pd.DataFrame(put(flat(a), np.nan)).convert_dtypes(),
    "a DataFrame of text": lambda a: pd.DataFrame(flat(a).astype(str)),
    "a DataFrame with one name twice": lambda a: pd.DataFrame(
        flat(a), columns=["v"] * flat(a).shape[1]
    ),
    "a DataFrame with levels": lambda a: pd.DataFrame(
        flat(a), pd.MultiIndex.from_arrays([range(len(a)), range(len(a))])
    ),
    "a Series": lambda a: pd.Series(flat(a)[:, 0]),
    "a Series of categories": lambda a: pd.Series(np.sign(flat(a)[:, 0])).astype("category"),
    "a tensor": torch.as_tensor,
    "a sparse matrix": lambda a: sparse.csr_matrix(flat(a)),
    "a sparse array": lambda a: sparse.dok_array(flat(a)),
    "a dict": lambda a: {"smri": a},
    "nothing": lambda a: None,
    "a word": lambda a: "word",
    "an object": lambda a: object(),
    "a set": lambda a: {1, 2},
    "a generator": lambda a: (row for row in a),
    "a type": lambda a: int,
    "lazy": Lazy,
    "lazy with a NaN": lambda a: Lazy(put(a, np.nan)),
    "lazy with an inf": lambda a: Lazy(put(a, np.inf)),
    "lazy and huge": lambda a: Lazy(a * 1e39),
    "lazy text": lambda a: Lazy(a.astype(str)),
    "lazy float16": lambda a: Lazy(a.astype(np.float16)),
    "memory-mapped": lambda a: np.array(a).view(np.memmap) if a.ndim else a,
}


def labels(rng: Draw, n: int) -> np.ndarray:
    """Sound labels of two or three classes."""
    return np.arange(n) % int(rng.integers(2, 4))


# From a sound column of class numbers to an odd one: targets, sites, groups, side data.
COLUMNS: dict[str, Callable[[np.ndarray], Any]] = {
    "as it is": lambda y: y,
    "as floats": lambda y: y.astype(float),
    "as text": lambda y: np.array(["a", "b", "c"])[y],
    "as bytes": lambda y: np.array([b"a", b"b", b"c"])[y],
    "as booleans": lambda y: y == 1,
    "as objects": lambda y: y.astype(object),
    "as decimals": lambda y: as_objects(y, Decimal),
    "as fractions": lambda y: as_objects(y, Fraction),
    "text and numbers": lambda y: np.array(["a", 1, 2.0], dtype=object)[y],
    "with None": lambda y: np.array([None, 1, 2], dtype=object)[y],
    "with NaN": lambda y: np.array([np.nan, 1.0, 2.0])[y],
    "text with NaN": lambda y: np.array([np.nan, "b", "c"], dtype=object)[y],
    "text with None": lambda y: [None, *np.array(["a", "b", "c"])[y][1:].tolist()],
    "with NA": lambda y: as_objects(y, int, pd.NA),
    "with NaT": lambda y: as_objects(y, int, pd.NaT),
    "with inf": lambda y: np.array([np.inf, 1.0, 2.0])[y],
    "with -1": lambda y: y - 1,
    "all -1": lambda y: np.full(len(y), -1),
    "all NaN": lambda y: np.full(len(y), np.nan),
    "all None": lambda y: [None] * len(y),
    "one class": np.zeros_like,
    "all apart": lambda y: np.arange(len(y)),
    "all apart, as text": lambda y: np.array([f"s{i}" for i in range(len(y))]),
    "one apart": lambda y: np.r_[5, y[1:] * 0],
    "continuous": lambda y: y + np.linspace(0, 0.5, len(y)),
    "whole years": lambda y: 20 + 7 * np.arange(len(y)) % 61,
    "years since 1e9": lambda y: 1e9 + y + np.linspace(0, 0.5, len(y)),
    "huge": lambda y: y * 1e300,
    "tiny": lambda y: (y + 1) * 1e-300,
    "large integers": lambda y: y + 2**60,
    "large unsigned": lambda y: y.astype(np.uint64) + np.uint64(2**63),
    "complex": lambda y: y + 1j,
    "days": lambda y: y.astype("datetime64[D]"),
    "nanoseconds": lambda y: y.astype("datetime64[ns]"),
    "spans": lambda y: y.astype("timedelta64[D]"),
    "dates of Python": lambda y: [pd.Timestamp(int(v), unit="D").date() for v in y],
    "float16": lambda y: y.astype(np.float16),
    "longdouble": lambda y: y.astype(np.longdouble),
    "two columns": lambda y: np.column_stack([y, y]),
    "one column": lambda y: y[:, None],
    "one-hot": lambda y: np.eye(3, dtype=int)[y],
    "a column of text beside one of numbers": lambda y: np.array(
        [["a", 1], ["b", 2], ["c", 3]], object
    )[y],
    "three axes": lambda y: y[:, None, None],
    "no columns": lambda y: np.empty((len(y), 0)),
    "one less": lambda y: y[:-1],
    "one more": lambda y: np.r_[y, y[:1]],
    "none at all": lambda y: y[:0],
    "a list": lambda y: y.tolist(),
    "a list of text": lambda y: np.array(["a", "b", "c"])[y].tolist(),
    "a tuple": lambda y: tuple(y.tolist()),
    "a ragged list": lambda y: [[1], *[[1, 2]] * (len(y) - 1)],
    "a list of sets": lambda y: [{int(v)} for v in y],
    "a Series": pd.Series,
    "a Series with a name": lambda y: pd.Series(y, name="dx"),
    "a nullable Series": lambda y: pd.Series(y, dtype="Int64"),
    "a nullable Series with NA": lambda y: pd.Series([pd.NA, *y[1:].tolist()], dtype="Int64"),
    "nullable booleans": lambda y: pd.Series(y == 1, dtype="boolean"),
    "a Series of strings": lambda y: pd.Series(np.array(["a", "b", "c"])[y], dtype="string"),
    "strings with NA": lambda y: pd.Series(
        [pd.NA, *np.array(["a", "b", "c"])[y][1:]], dtype="string"
    ),
    "categories": lambda y: pd.Series(np.array(["a", "b", "c"])[y]).astype("category"),
    "a Categorical": lambda y: pd.Categorical(np.array(["a", "b", "c"])[y]),
    "a DataFrame": lambda y: pd.DataFrame({"dx": y}),
    "a DataFrame of two": lambda y: pd.DataFrame({"dx": y, "age": y + np.linspace(0, 1, len(y))}),
    "an Index": pd.Index,
    "masked": lambda y: np.ma.masked_equal(y, 1),
    "a tensor": torch.as_tensor,
    "a sparse matrix": lambda y: sparse.csr_matrix(y[:, None]),
    "a dict": lambda y: {"dx": y},
    "nothing": lambda y: None,
    "a number": lambda y: 1,
    "a word": lambda y: "word",
    "a type": lambda y: int,
    "a generator": lambda y: (v for v in y),
    "read-only": read_only,
    "reversed": lambda y: y[::-1],
}

# From a sound vector of ones to odd weights.
WEIGHTS: dict[str, Callable[[np.ndarray], Any]] = {
    "as they are": lambda w: w,
    "none": lambda w: None,
    "zeros": np.zeros_like,
    "one alone": lambda w: np.r_[1.0, w[1:] * 0],
    "two": lambda w: np.r_[w[:2], w[2:] * 0],
    "negative": lambda w: -w,
    "NaN": lambda w: w * np.nan,
    "inf": lambda w: put(w, np.inf),
    "huge": lambda w: w * 1e300,
    "at the end of float64": lambda w: w * 1e308,
    "tiny": lambda w: w * 1e-300,
    "uneven": lambda w: np.r_[1e20, w[1:]],
    "one less": lambda w: w[:-1],
    "a column": lambda w: w[:, None],
    "a number": lambda w: 2.0,
    "integers": lambda w: w.astype(int) * 3,
    "booleans": lambda w: np.arange(len(w)) > 3,
    "text": lambda w: w.astype(str),
    "words": lambda w: ["a"] * len(w),
    "a list": lambda w: w.tolist(),
    "a Series": pd.Series,
    "objects": lambda w: w.astype(object),
    "with None": lambda w: [None, *w[1:].tolist()],
    "a dict": lambda w: {"a": 1},
    "a tensor": torch.as_tensor,
    "complex": lambda w: w + 1j,
}
