"""Pickles, memory maps and other processes: the cohort is never copied."""

import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.model_selection import KFold, cross_val_score

from skmmcl.data import MultimodalData


class Witness(BaseEstimator):
    """Notes whether the container that it is given shares the arrays of the cohort."""

    seen: list = []  # noqa: RUF012

    def fit(self, X, y=None):
        type(self).seen.append(X.base("fc"))
        return self

    def score(self, X, y=None):
        type(self).seen.append(X.base("fc"))
        return 0.0


def memmap_behind(array):
    while array is not None and not isinstance(array, np.memmap):
        array = array.base
    return array


def facts(X):
    """Return what a worker sees: the file it maps, and the sum of its rows."""
    found = memmap_behind(X.base("fc"))
    return None if found is None else found.filename, float(X["fc"].sum()), X["fc"].flags.writeable


@pytest.fixture
def mapped(tmp_path):
    np.save(tmp_path / "fc.npy", np.random.default_rng(0).normal(size=(40, 8000)))
    return np.load(tmp_path / "fc.npy", mmap_mode="r")


def test_cross_validation_copies_nothing(mapped):
    X = MultimodalData(fc=mapped, age=np.arange(40))
    Witness.seen.clear()
    cross_val_score(Witness(), X, cv=KFold(5, shuffle=True, random_state=0))
    assert len(Witness.seen) == 10
    assert all(np.shares_memory(base, mapped) for base in Witness.seen)
    assert all(base is X.base("fc") for base in Witness.seen)


def test_pickles_ship_bases_and_rows(mapped):
    X = MultimodalData(fc=np.array(mapped), index=np.arange(40), meta={"site": ["A", "B"] * 20})
    part = X[[3, 1, 1]]
    again = pickle.loads(pickle.dumps(part))
    assert len(again.base("fc")) == 40
    np.testing.assert_array_equal(again["fc"], part["fc"])
    assert again.index.tolist() == [3, 1, 1]
    assert again.meta["site"].tolist() == ["B", "B", "B"]
    small = len(pickle.dumps(part.materialize()))
    assert small < len(pickle.dumps(part)) / 10


def test_masks_survive_pickles():
    X = MultimodalData(a=[[1.0], [np.nan], [2.0]], mask={"a": [False, True, True]})
    assert pickle.loads(pickle.dumps(X)).mask.ravel().tolist() == [False, False, True]


def test_hashes_do_not_depend_on_who_looked():
    X = MultimodalData(a=np.arange(6.0))
    before = joblib.hash(X[1:])
    assert X.mask.all()
    assert joblib.hash(X[1:]) == before
    assert joblib.hash(X[2:]) != before


def test_workers_map_the_arrays_once(mapped):
    in_memory = MultimodalData(fc=np.array(mapped))
    on_disk = MultimodalData(fc=mapped)
    with joblib.Parallel(n_jobs=2, max_nbytes="100K", mmap_mode="r") as parallel:
        for X, file in ((in_memory, None), (on_disk, str(mapped.filename))):
            parts = [X[rows] for rows in ([1, 2], [5, 5, 7], slice(10, 20), slice(None))]
            seen = parallel(joblib.delayed(facts)(part) for part in parts)
            files = {str(found[0]) for found in seen}
            assert len(files) == 1
            assert files != {"None"}
            assert file is None or files == {file}
            sums = [part["fc"].sum() for part in parts]
            np.testing.assert_array_equal([found[1] for found in seen], sums)


def test_dask_knows_the_size(mapped):
    sizeof = pytest.importorskip("dask.sizeof").sizeof
    assert sizeof(MultimodalData(fc=mapped)[:2]) > 40 * 8000 * 8
