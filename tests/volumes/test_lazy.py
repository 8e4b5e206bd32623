"""Volumes are read when asked for, and never used unchecked."""

import pickle

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from skmmcl.data import MultimodalData, check_values
from skmmcl.exceptions import DataError
from skmmcl.volumes import _files, _recipe, load_volumes

GRID = (5, 6, 7)
AFFINE = np.diag([2.0, 2, 2, 1])


@pytest.fixture
def decoded(monkeypatch):
    """How many files were decoded."""
    calls = []
    decode = _files.decode
    monkeypatch.setattr(_recipe, "decode", lambda content: calls.append(1) or decode(content))
    return calls


@pytest.mark.parametrize("rows", [slice(1, 3), slice(None, None, -2), [3, 0, 0], [True] * 4, []])
def test_slices_read_nothing(paths, arrays, decoded, rows):
    part = load_volumes(paths)[rows]
    expected = arrays[rows] if len(rows := np.arange(4)[rows]) else arrays[:0]
    assert part.shape == (len(rows), *GRID)
    assert part.ndim == 4
    assert part.paths == [str(paths[row]) for row in rows]
    assert decoded == []
    np.testing.assert_array_equal(np.asarray(part), expected)
    assert len(decoded) == len(set(rows))


def test_slices_of_slices(paths, arrays):
    part = load_volumes(paths)[::-1][np.array([True, False, True, True])][1:]
    np.testing.assert_array_equal(np.asarray(part), arrays[[1, 0]])
    np.testing.assert_array_equal(part[-1], arrays[0])
    with pytest.raises(IndexError):
        part[2]


def test_what_is_read_is_the_users_own(paths, arrays):
    volumes = load_volumes(paths).check()
    volumes[0][:] = 0
    np.asarray(volumes)[:] = 0
    np.testing.assert_array_equal(np.asarray(volumes, dtype=np.float64), arrays)
    with pytest.raises(ValueError, match="without a copy"):
        np.asarray(volumes, copy=False)


def test_a_pickle_holds_no_voxels_and_does_not_depend_on_what_was_read(paths, arrays):
    volumes = load_volumes(paths, mask=nib.Nifti1Image(np.ones(GRID, np.uint8), AFFINE))
    before = pickle.dumps(volumes)
    assert len(before) < 2500
    np.testing.assert_array_equal(np.asarray(pickle.loads(before)), arrays)
    volumes.check()
    assert pickle.dumps(volumes) == before


def test_missing_volumes_are_nan(paths, arrays):
    volumes = load_volumes([paths[0], None])
    assert np.isnan(volumes[1]).all()
    restricted = volumes.restrict([False, True])
    assert restricted.present.tolist() == [False, False]
    assert np.isnan(np.asarray(restricted)).all()


def test_float16_is_given_as_float32(paths, arrays):
    volumes = load_volumes(paths, dtype="float16")
    assert volumes.dtype == np.float32
    assert volumes.storage_dtype == np.float16
    half = arrays.astype(np.float16)
    for read in (np.asarray(volumes), volumes[2]):
        assert read.dtype == np.float32
    np.testing.assert_array_equal(np.asarray(volumes), half)
    stored = np.asarray(volumes, dtype=volumes.storage_dtype)
    assert stored.dtype == np.float16


def test_threads_give_the_same(paths, arrays):
    for cache in (None, False):
        volumes = load_volumes(paths, n_jobs=2, cache=cache)
        np.testing.assert_array_equal(np.asarray(volumes.check()), arrays)


# ---------------------------------------------------------------------------- in a container


def test_container_reads_nothing_by_itself(paths, arrays, decoded):
    X = MultimodalData(t1=load_volumes([*paths[:3], None]), age=[[1.0], [2], [3], [4]])
    part = X[[2, 3, 0]]
    assert "(3, 5, 6, 7)" in repr(part)
    assert part.to_dict()["t1"].shape == (3, *GRID)
    assert part.mask[:, 0].tolist() == [True, False, True]
    assert X.assign(age=[[5.0]] * 4).materialize()["t1"].present.tolist() == [True] * 3 + [False]
    assert decoded == []
    np.testing.assert_array_equal(np.asarray(part["t1"])[[0, 2]], arrays[[2, 0]])
    assert np.isnan(np.asarray(part)[1, :210]).all()
    assert next(iter(part))["t1"].shape == GRID


def test_ids_are_those_of_the_other_tables(paths):
    listed = pd.Series(paths, index=list("abcd"))
    age = pd.DataFrame({"age": [1.0, 2, 3, 4]}, index=list("abcd"))
    X = MultimodalData(t1=load_volumes(listed), age=age)
    assert X.index.tolist() == list("abcd")
    mixed = X.assign(t1=X["t1"][[2, 0, 3, 1]])  # as a permutation test does
    assert mixed["t1"].paths == [str(paths[row]) for row in (2, 0, 3, 1)]
    cut(paths[0])
    again = MultimodalData(t1=load_volumes(listed))
    with pytest.raises(DataError, match=r"Modality 't1': Subject 'a' \(row 0\)"):
        check_values(again.assign(t1=again["t1"].restrict([1, 0, 0, 0])), "float32")
    with pytest.raises(DataError, match="same subjects in the same order"):
        MultimodalData(t1=load_volumes(listed[::-1]), age=age)


def test_presence_follows_the_mask_of_the_container(paths, decoded):
    X = MultimodalData(t1=load_volumes(paths), age=[[1.0]] * 4, mask={"t1": [1, 0, 1, 0]})
    check_values(X, "float32")
    assert len(decoded) == 2
    assert X.to_dict()["t1"].present.tolist() == [True, False, True, False]


# ---------------------------------------------------------------------------- bad voxels


def cut(path):
    path.write_bytes(path.read_bytes()[:-50])


def flip_a_byte(path):
    content = bytearray(path.read_bytes())
    content[-6] ^= 1  # of the checksum
    path.write_bytes(content)


def nan(path):
    array = np.random.default_rng(0).normal(size=GRID).astype(np.float32)
    array[1, 2, 3] = np.nan
    array[4, 0, 0] = np.inf
    nib.save(nib.Nifti1Image(array, AFFINE), path)


FAULTS = {
    cut: "is damaged",
    flip_a_byte: r"is damaged: .*([Cc]hecksum|data check)",
    nan: r"has 2 voxels that are NaN or infinite, the first at \(1, 2, 3\)",
}


@pytest.mark.parametrize("cache", [None, False])
@pytest.mark.parametrize("spoil", FAULTS)
def test_bad_voxels_name_modality_subject_and_file(paths, spoil, cache):
    spoil(paths[2])
    volumes = load_volumes(paths, cache=cache)
    X = MultimodalData(t1=volumes)
    with pytest.raises(DataError, match=rf"Modality 't1': Subject 2: {paths[2]} {FAULTS[spoil]}"):
        check_values(X, "float32")
    check_values(X[[0, 1, 3]], "float32")
    with pytest.raises(DataError, match=f"Subject 2: {paths[2]} {FAULTS[spoil]}"):
        np.asarray(volumes)


@pytest.mark.parametrize("spoil", FAULTS)
def test_bad_voxels_can_be_taken_as_missing(paths, arrays, spoil):
    spoil(paths[2])
    volumes = load_volumes(paths, on_error="missing")
    assert np.isnan(np.asarray(volumes)).all(axis=(1, 2, 3)).tolist() == [False, False, True, False]
    again = pickle.loads(pickle.dumps(volumes))
    for some in (volumes, again):
        assert some[1:].present.tolist() == [True, False, True]
    X = MultimodalData(t1=volumes, age=[[1.0]] * 4)
    assert X.mask[:, 0].tolist() == [True, True, False, True]
    check_values(X, "float32")


def test_cut_plain_file(save, arrays):
    path = save("a.nii", arrays[0])
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(DataError, match="is damaged"):
        load_volumes([path]).check()


def test_gaps_outside_the_mask_do_not_count(save, paths):
    nan(paths[0])
    inside = np.ones(GRID, np.uint8)
    inside[1, 2, 3] = inside[4] = 0
    mask = save("mask.nii.gz", inside)
    volumes = load_volumes(paths, mask=mask).check()
    assert np.isfinite(np.asarray(volumes)).all()
    inside[1, 2, 3] = 1
    with pytest.raises(DataError, match="has 1 voxels that are NaN"):
        load_volumes(paths, mask=save("other.nii.gz", inside)).check()
    with pytest.raises(DataError, match="NaN"):
        load_volumes(paths, target_affine=1.0).check()


def test_values_too_large_for_float16(save):
    path = save("a.nii.gz", np.full(GRID, 1e5, np.float32))
    with pytest.raises(DataError, match="too large for dtype='float16'"):
        load_volumes([path], dtype="float16").check()


def test_many_faults_are_listed_together(save, arrays):
    paths = [save(f"{k}.nii.gz", arrays[0]) for k in range(8)]
    for path in paths[1:]:
        cut(path)
    volumes = load_volumes(paths)
    with pytest.raises(DataError, match=r"7 of 8 volumes") as error:
        volumes.check()
    assert str(error.value).count("is damaged") == 5
    for path in paths:  # mended since
        nib.save(nib.Nifti1Image(arrays[0], AFFINE), path)
    with pytest.raises(DataError, match="has changed since load_volumes"):
        volumes.check()
    load_volumes(paths).check()


def test_without_nilearn(paths, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "nilearn.image", None)
    with pytest.raises(ImportError, match=r"skmmcl\[volumes\]"):
        load_volumes(paths, target_affine=4.0).check()
