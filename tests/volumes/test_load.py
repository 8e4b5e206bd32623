"""What files become, and which are refused."""

import gzip
import re

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from skmmcl.exceptions import DataError
from skmmcl.volumes import _found, load_volumes

GRID = (5, 6, 7)


def test_volumes_are_those_of_nibabel(paths, arrays):
    volumes = load_volumes(paths)
    assert volumes.shape == (4, *GRID)
    assert volumes.dtype == np.float32
    np.testing.assert_array_equal(np.asarray(volumes), arrays)
    np.testing.assert_array_equal(volumes.affine, nib.load(paths[0]).affine)


@pytest.mark.parametrize("cache", [None, False])
@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.nii", nib.Nifti1Image), ("a.nii.gz", nib.Nifti2Image), ("a.mgz", nib.MGHImage)],
)
def test_kinds_of_files(save, arrays, cache, name, kind):
    path = save(name, arrays[0], kind=kind)
    np.testing.assert_array_equal(load_volumes([path], cache=cache)[0], arrays[0])


def test_gzip_in_several_parts(save, arrays):
    path = save("a.nii", arrays[0])
    content = path.read_bytes()
    parts = path.with_name("a.nii.gz")
    parts.write_bytes(gzip.compress(content[:500]) + gzip.compress(content[500:]))
    np.testing.assert_array_equal(load_volumes([parts])[0], arrays[0])


def test_stored_integers_are_scaled(save):
    array = np.arange(210, dtype=np.int16).reshape(GRID)
    image = nib.Nifti1Image(array, np.eye(4))
    image.header.set_slope_inter(0.5, -3)
    path = save("a.nii.gz", array)
    nib.save(image, path)
    np.testing.assert_array_equal(load_volumes([path])[0], nib.load(path).get_fdata())


def test_big_endian_and_a_fourth_axis_of_one(save, arrays):
    path = save("a.nii.gz", arrays[0][..., None])
    header = nib.Nifti1Header(endianness=">")
    header.set_data_dtype(np.float32)
    other = path.with_name("b.nii")
    nib.Nifti1Image(arrays[1], np.diag([2.0, 2, 2, 1]), header).to_filename(other)
    assert int.from_bytes(other.read_bytes()[:4], "big") == 348
    np.testing.assert_array_equal(np.asarray(load_volumes([path, other])), arrays[:2])


def test_axes_are_turned_to_right_anterior_superior(save, arrays):
    plain = nib.Nifti1Image(arrays[0], np.diag([2.0, 3, 4, 1]))
    turned = plain.as_reoriented(nib.orientations.axcodes2ornt("PSR"))
    path = save("turned.nii.gz", turned.get_fdata(dtype=np.float32), turned.affine)
    volumes = load_volumes([save("plain.nii.gz", arrays[0], plain.affine), path])
    np.testing.assert_array_equal(volumes[1], arrays[0])
    np.testing.assert_allclose(volumes.affine, plain.affine)


def test_subjects_are_named_by_the_index_of_a_series(paths):
    table = pd.Series([str(path) for path in paths[:2]] + [None], index=["a", "b", "c"])
    volumes = load_volumes(table)
    assert volumes.ids.tolist() == ["a", "b", "c"]
    assert volumes.present.tolist() == [True, True, False]
    for dtype in ("str", "string", object):
        by_position = load_volumes(table.reset_index(drop=True).astype(dtype))
        assert by_position.ids is None
        assert by_position.present.tolist() == [True, True, False]


# ---------------------------------------------------------------------------------------- grids


@pytest.mark.parametrize(
    ("affine", "shape", "expected", "sizes"),
    [
        (4.0, None, (3, 3, 4), (4, 4, 4)),
        ([2, 4, 7], None, (5, 3, 2), (2, 4, 7)),
        (None, (5, 3, 7), (5, 3, 7), (2, 4, 2)),
        (np.eye(3) * 2, (9, 9, 9), (9, 9, 9), (2, 2, 2)),
        (np.diag([-4.0, 4, 4, 1]), None, (1, 4, 4), (4, 4, 4)),
    ],
)
def test_target_grids(paths, affine, shape, expected, sizes):
    volumes = load_volumes(paths, target_affine=affine, target_shape=shape)
    assert volumes.shape[1:] == expected
    np.testing.assert_allclose(nib.affines.voxel_sizes(volumes.affine), sizes)


def test_target_grid_covers_the_field_of_view(paths):
    coarse, fine = (load_volumes(paths, target_affine=size) for size in (2.0, 1.0))
    np.testing.assert_allclose(coarse.affine, nib.load(paths[0]).affine)
    assert fine.shape[1:] == tuple(2 * n for n in GRID)
    np.testing.assert_allclose(fine.affine[:3, 3], [-0.5] * 3)  # half a voxel of 1 mm inside


def test_files_on_other_grids_are_resampled(save):
    x = np.arange(12.0, dtype=np.float32)
    ramp = np.broadcast_to(x[:, None, None], (12, 12, 12))
    shifted = nib.affines.from_matvec(np.eye(3), [3, 0, 0])
    paths = [save("a.nii.gz", ramp, np.eye(4)), save("b.nii.gz", ramp, shifted)]
    with pytest.raises(DataError, match=r"Subject \d: .*Give target_affine="):
        load_volumes(paths)
    volumes = load_volumes(paths, target_affine=2.0, interpolation="linear")
    assert volumes.shape == (2, 6, 6, 6)
    inner = (slice(2, 5), 3, 3)
    np.testing.assert_allclose(volumes[0][inner], [4.5, 6.5, 8.5])
    np.testing.assert_allclose(volumes[1][inner], [1.5, 3.5, 5.5])  # starts 3 mm further


def test_nearest_keeps_labels(save):
    labels = np.random.default_rng(0).choice([0, 7, 207], size=(8, 8, 8)).astype(np.uint8)
    path = save("a.nii.gz", labels, np.eye(4))
    found = np.asarray(load_volumes([path], target_affine=1.6, interpolation="nearest"))
    assert set(np.unique(found)) == {0, 7, 207}


@pytest.mark.parametrize(
    "given",
    [
        {"target_affine": np.zeros((3, 3))},
        {"target_affine": [1, 2]},
        {"target_affine": -2.0},
        {"target_affine": 0},
        {"target_affine": np.inf},
        {"target_affine": [1, 1, np.nan]},
        {"target_shape": 5},
    ],
)
def test_bad_targets(paths, given):
    with pytest.raises(ValueError, match=f"{next(iter(given))} must be"):
        load_volumes(paths, **given)


@pytest.mark.parametrize(
    ("given", "needs"),
    [
        ({"target_affine": 1e-3}, "1.68e+12 voxels, 6258 GiB"),
        ({"target_affine": [2, 2, 1e-9]}, "4.2e+11 voxels, 1565 GiB"),
        ({"target_affine": np.diag([1e-4, 1e-4, 1e-4, 1])}, "1.287e+15 voxels"),
        ({"target_affine": 1e-150}, "inf voxels, inf GiB"),
        ({"target_shape": (100_000, 100_000, 100_000)}, "1e+15 voxels, 3.725e+06 GiB"),
        ({"target_shape": (1000, 1000, 1000), "target_affine": 2.0}, "1e+09 voxels, 3.725 GiB"),
    ],
)
def test_grids_that_nobody_has_room_for(paths, given, needs):
    with pytest.raises(DataError, match=rf"{re.escape(needs)}.*s0\.nii\.gz has shape") as error:
        load_volumes(paths, mask="brain", **given)
    assert all(f"{name}=" in str(error.value) for name in given)


def test_fine_volumes_may_become_coarser(paths, monkeypatch):
    monkeypatch.setattr(_found, "MAX_VOXELS", 10)
    assert load_volumes(paths, target_affine=3.0).shape == (4, 4, 4, 5)
    with pytest.raises(DataError, match="at most 10 are taken"):
        load_volumes(paths, target_affine=1.9)


def test_headers_that_claim_more_than_their_file_can_hold(paths):
    header = nib.Nifti1Header()
    header.set_data_shape((30_000, 30_000, 30_000))
    header.set_data_dtype(np.float32)
    paths[2].write_bytes(header.binaryblock + bytes(1000))
    with pytest.raises(DataError, match=r"Subject 2: .*1348 bytes are too few for its shape"):
        load_volumes(paths)


@pytest.mark.parametrize("shape", [(1, 6, 7), (5, 1, 7), (5, 6, 1), (1, 1, 1), (5, 6, 1, 1)])
@pytest.mark.parametrize("row", [0, 2])
@pytest.mark.parametrize(
    "given", [{"target_affine": 1.0}, {"target_affine": 4.0}, {"target_shape": (4, 4, 4)}]
)
def test_one_voxel_of_thickness(save, paths, shape, row, given):
    save(f"s{row}.nii.gz", np.ones(shape, np.float32))
    message = rf"Subject {row}: .*s{row}\.nii\.gz is one voxel thick.*; {next(iter(given))}="
    with pytest.raises(DataError, match=message):
        load_volumes(paths, **given)
    volumes = load_volumes(paths, on_error="missing", cache=False, **given)
    assert volumes.present.tolist() == [k != row for k in range(4)]


def test_slices_stay_on_their_own_plane(save, arrays):
    path = save("slice.nii.gz", arrays[0][:, :, :1])
    np.testing.assert_array_equal(load_volumes([path])[0], arrays[0][:, :, :1])
    assert load_volumes([path], target_shape=(3, 3, 1), cache=False)[0].all()


def test_volumes_elsewhere_are_named(save, paths):
    save("s1.nii.gz", np.ones(GRID, np.float32), nib.affines.from_matvec(np.eye(3), [99, 0, 0]))
    with pytest.raises(DataError, match=r"Subject 1: .*s1\.nii\.gz has .*\(99, 0, 0\), outside of"):
        load_volumes(paths, target_affine=2.0)


# ---------------------------------------------------------------------------------------- units


def in_unit(path, unit, factor):
    """The same image with another unit of space."""
    image = nib.load(path)
    image = type(image)(
        image.get_fdata(dtype=np.float32), np.diag([*[factor] * 3, 1]) @ image.affine
    )
    image.header.set_xyzt_units(unit, "sec")
    nib.save(image, path)


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize(
    ("unit", "factor"), [("meter", 1e-3), ("micron", 1e3), ("mm", 1), ("unknown", 1)]
)
def test_units_of_space(save, paths, arrays, kind, name, unit, factor):
    affine = nib.affines.from_matvec(np.diag([2.0, 2, 2]), [-30, 20, 10])
    expected = load_volumes([save("mm.nii", arrays[0], affine)])
    path = save(name, arrays[0], affine, kind)
    in_unit(path, unit, factor)
    volumes = load_volumes([path.with_name("mm.nii"), path])
    np.testing.assert_allclose(volumes[1:].affine, affine, atol=1e-4)
    finer = load_volumes([path], target_affine=1.0)
    np.testing.assert_allclose(finer.affine, load_volumes(expected.paths, target_affine=1.0).affine)
    assert finer.shape[1:] == (10, 12, 14)
    mask = save("mask.nii.gz", np.pad(np.ones((4, 5, 6), np.float32), (0, 1)), affine, kind)
    in_unit(mask, unit, factor)
    for given in (mask, nib.load(mask)):
        assert load_volumes([path], mask=given).mask.sum() == 4 * 5 * 6


def test_voxels_of_a_micron(save, arrays):
    paths = [
        save(f"{k}.nii", arrays[k], np.diag([size] * 3 + [1])) for k, size in enumerate([1, 2])
    ]
    for path in paths:
        in_unit(path, "micron", 1)
    with pytest.raises(DataError, match=r"voxels of 0\.00\d x .*Give target_affine="):
        load_volumes(paths)
    assert load_volumes(paths[:1]).shape == (1, *GRID)
    assert load_volumes(paths[:1], target_affine=2e-3).shape == (1, 3, 3, 4)


# ---------------------------------------------------------------------------------------- masks


def test_mask_sets_the_outside_to_zero(save, paths, arrays):
    inside = np.zeros(GRID, np.uint8)
    inside[1:4, 2:5, 3:] = 1
    mask = save("mask.nii.gz", inside)
    for given in (mask, str(mask), nib.load(mask)):
        volumes = load_volumes(paths, mask=given)
        np.testing.assert_array_equal(np.asarray(volumes), arrays * inside)
        np.testing.assert_array_equal(volumes.mask, inside)
    coarse = load_volumes(paths, mask=mask, target_affine=4.0)
    assert coarse.mask.shape == coarse.shape[1:]
    assert 0 < coarse.mask.sum() < coarse.mask.size


def test_masks_may_have_axes_of_one_more(save, paths, arrays):
    inside = np.zeros(GRID, np.uint8)
    inside[1:4, 2:5, 3:] = 1
    for shape in ((*GRID, 1), (*GRID, 1, 1)):
        for affine in (None, np.diag([2.0, 2, 2.1, 1])):
            mask = save("mask.nii.gz", inside.reshape(shape), affine)
            found = np.asarray(load_volumes(paths, mask=mask))
            np.testing.assert_array_equal(found, arrays * inside)


def test_brain_mask_lies_in_mni_space(save):
    array = np.ones((9, 11, 9), np.float32)
    affine = nib.affines.from_matvec(20 * np.eye(3), [-80, -116, -62])
    volume = load_volumes([save("mni.nii.gz", array, affine)], mask="brain")[0]
    assert volume[4, 5, 5] == 1  # in the middle of the brain
    assert volume[0, 0, 0] == volume[-1, -1, -1] == 0
    assert 0.15 < volume.mean() < 0.5


def test_masks_that_are_none(save, paths):
    empty = save("empty.nii.gz", np.zeros(GRID, np.uint8))
    with pytest.raises(DataError, match="mask is empty on the grid"):
        load_volumes(paths, mask=empty)
    with pytest.raises(DataError, match=r"mask nowhere\.nii cannot be read"):
        load_volumes(paths, mask="nowhere.nii")
    with pytest.raises(DataError, match="3-D image"):
        load_volumes(paths, mask=save("4d.nii.gz", np.ones((*GRID, 2), np.uint8)))
    with pytest.raises(DataError, match=r"got shape \(5, 6\)"):
        load_volumes(paths, mask=save("2d.nii.gz", np.ones((5, 6), np.uint8)))
    elsewhere = nib.affines.from_matvec(np.eye(3), [99, 0, 0])
    with pytest.raises(DataError, match="mask is empty on the grid"):
        load_volumes(paths, mask=save("away.nii.gz", np.ones(GRID, np.uint8), elsewhere))
    damaged = save("damaged.nii", np.random.default_rng(0).integers(2, size=GRID, dtype="u1"))
    damaged.write_bytes(damaged.read_bytes()[:-30])
    with pytest.raises(DataError, match="mask cannot be used"):
        load_volumes(paths, mask=damaged)
    with pytest.raises(ValueError, match="mask must be 'brain'"):
        load_volumes(paths, mask=3)


# ---------------------------------------------------------------------------------- bad headers


def text(path):
    path.write_text("no image")


def cut_header(path):
    path.write_bytes(path.read_bytes()[:60])


def empty_file(path):
    path.write_bytes(b"")


def four_d(path):
    nib.save(nib.Nifti1Image(np.zeros((*GRID, 3)), np.eye(4)), path)


def two_d(path):
    nib.save(nib.Nifti1Image(np.zeros((5, 6)), np.eye(4)), path)


def other_shape(path):
    nib.save(nib.Nifti1Image(np.zeros((5, 6, 8)), np.diag([2.0, 2, 2, 1])), path)


def other_affine(path):
    nib.save(nib.Nifti1Image(np.zeros(GRID), np.diag([2.0, 2, 2.5, 1])), path)


def colors(path):
    rgb = np.zeros(GRID, np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
    nib.save(nib.Nifti1Image(rgb, np.eye(4)), path)


def flat_affine(path):
    image = nib.Nifti1Image(np.zeros(GRID), None)
    image.header.set_sform(np.diag([2.0, 2, 0, 1]), code=1)
    path.write_bytes(image.to_bytes())


FAULTS = {
    text: "cannot be read as an image: it is none of NIfTI",
    cut_header: "cannot be read as an image",
    empty_file: "cannot be read as an image",
    four_d: r"is 4-D, of shape \(5, 6, 7, 3\); expected a 3-D volume",
    two_d: "is 2-D",
    other_shape: r"has shape \(5, 6, 8\) with voxels of 2 x 2 x 2 mm from .*; expected shape",
    other_affine: "has .* 2 x 2 x 2.5 mm .*; expected .* 2 x 2 x 2 mm",
    colors: "holds no real numbers",
    flat_affine: "has an affine that cannot be inverted",
}


@pytest.mark.parametrize("spoil", FAULTS)
@pytest.mark.parametrize("row", [0, 2])
def test_bad_headers_name_subject_and_file(paths, spoil, row):
    spoil(paths[row])
    listed = pd.Series(paths, index=list("abcd"))
    name = rf"Subject '{'abcd'[row]}' \(row {row}\): {paths[row]} "
    with pytest.raises(DataError, match=name + FAULTS[spoil]):
        load_volumes(listed)
    volumes = load_volumes(listed, on_error="missing")
    assert volumes.present.tolist() == [k != row for k in range(4)]


def test_missing_files_are_listed(paths):
    for path in paths[1:]:
        path.unlink()
    with pytest.raises(DataError, match=r"3 of 4 volumes cannot be used.*\n.*s1.nii.gz does not"):
        load_volumes(paths)
    assert load_volumes(paths, on_error="missing").present.tolist() == [True, False, False, False]
    paths[0].unlink()
    with pytest.raises(DataError, match="4 of 4"):
        load_volumes(paths, on_error="missing")


def test_links_that_lead_nowhere_are_named(paths):
    paths[1].unlink()
    paths[1].symlink_to(".git/annex/objects/key")
    with pytest.raises(
        DataError, match=r"Subject 1: .*s1\.nii\.gz is a link to \.git/annex/objects/k"
    ):
        load_volumes(paths)
    paths[1].unlink()
    paths[1].symlink_to(paths[0])
    assert load_volumes(paths).present.all()


@pytest.mark.parametrize(
    ("given", "message"),
    [("t1.nii", "one for each subject"), ([None, np.nan], "None of 2"), ([3], "Entry 0")],
)
def test_what_is_no_list_of_paths(given, message):
    with pytest.raises(DataError, match=message):
        load_volumes(given)


@pytest.mark.parametrize("name", ["interpolation", "dtype", "on_error"])
def test_unknown_choices(paths, name):
    with pytest.raises(ValueError, match=f"{name} must be one of"):
        load_volumes(paths, **{name: "odd"})
