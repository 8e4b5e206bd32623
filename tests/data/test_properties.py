"""Properties that hold for any shapes, types, rows and missingness."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from skmmcl.data import MultimodalData, as_multimodal

DTYPES = ["float16", "float32", "float64", "int16", "int64", "bool"]


@st.composite
def cohorts(draw):
    """Draw named arrays of the same subjects, some of them missing."""
    n = draw(st.integers(1, 8))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    arrays, mask = {}, {}
    for i in range(draw(st.integers(1, 3))):
        shape = draw(st.lists(st.integers(1, 3), max_size=3))
        array = (rng.normal(size=(n, *shape)) * 3).astype(draw(st.sampled_from(DTYPES)))
        if array.dtype.kind == "f":
            array[rng.random(n) < draw(st.sampled_from([0, 0.4]))] = np.nan
        arrays[f"m{i}"] = array
        if draw(st.booleans()):
            mask[f"m{i}"] = rng.random(n) < 0.7
    ids = [f"s{i}" for i in range(n)] if draw(st.booleans()) else None
    return arrays, MultimodalData(arrays, mask=mask, index=ids, meta={"row": np.arange(n)})


@st.composite
def row_keys(draw, n):
    """Draw anything that picks rows of `n` subjects."""
    bound = st.none() | st.integers(-n - 2, n + 2)
    step = st.sampled_from([None, 1, 2, -1, -3])
    choices = [
        st.builds(slice, bound, bound, step),
        st.lists(st.booleans(), min_size=n, max_size=n).map(np.array),
        st.just([]),
    ]
    if n:
        choices += [
            st.integers(-n, n - 1),
            st.lists(st.integers(-n, n - 1), max_size=2 * n).map(lambda rows: np.array(rows, int)),
        ]
    return draw(st.one_of(choices))


def assert_same(one, other):
    assert one.modalities == other.modalities
    assert one.shape == other.shape
    for name in one.modalities:
        assert one[name].dtype == other[name].dtype
        np.testing.assert_array_equal(one[name], other[name])
    np.testing.assert_array_equal(one.mask, other.mask)
    np.testing.assert_array_equal(one.meta["row"], other.meta["row"])
    assert (one.index is None) == (other.index is None)
    assert one.index is None or one.index.tolist() == other.index.tolist()


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_slicing_and_materializing_commute(data):
    arrays, X = data.draw(cohorts())
    before = {name: array.copy() for name, array in arrays.items()}
    lazy, own = X, X.materialize()
    for _ in range(data.draw(st.integers(1, 3))):
        key = data.draw(row_keys(len(lazy)))
        lazy, own = lazy[key], own[key].materialize()
    assert_same(lazy, own)
    assert_same(lazy, lazy.materialize())
    picked = lazy.meta["row"]
    for name, array in arrays.items():
        np.testing.assert_array_equal(lazy[name], array[picked].reshape(lazy[name].shape))
        np.testing.assert_array_equal(array, before[name])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_flat_array_is_the_modalities_side_by_side(data):
    _, X = data.draw(cohorts())
    part = X[data.draw(row_keys(len(X)))]
    flat, again = np.asarray(part), np.asarray(as_multimodal(part.to_dict()))
    assert flat.shape == part.shape
    np.testing.assert_array_equal(flat, again)
    start = 0
    for column, name in enumerate(part.modalities):
        block = part[name].reshape(len(part), -1) if len(part) else np.empty((0, 1))
        columns = flat[:, start : start + block.shape[1]]
        present = part.mask[:, column]
        np.testing.assert_array_equal(columns[present], block[present].astype(flat.dtype))
        assert np.isnan(columns[~present].astype(float)).all()
        start += block.shape[1]


@settings(max_examples=40, deadline=None)
@given(cohorts())
def test_records_give_the_cohort_back(drawn):
    _, X = drawn
    if X.mask.any(axis=0).all():
        np.testing.assert_array_equal(
            np.asarray(as_multimodal(list(X)), dtype=float), np.asarray(X, dtype=float)
        )
