"""Files whose voxels could be read wrongly in silence."""

import nibabel as nib
import numpy as np
import pytest

from skmmcl.exceptions import DataError
from skmmcl.volumes import load_volumes

AFFINE = np.diag([2.0, 2, 2, 1])


@pytest.mark.parametrize("kind", [nib.Nifti1Pair, nib.AnalyzeImage])
def test_a_header_without_voxels_is_not_read_as_voxels(save, kind):
    image = save("a.img", np.zeros((5, 6, 7), np.uint8), kind=kind)
    with pytest.raises(DataError, match=r"it is the header of two files, \.hdr and \.img"):
        load_volumes([image.with_suffix(".hdr")])
    with pytest.raises(DataError, match="none of NIfTI"):
        load_volumes([image])


def without_codes(image):
    image.set_sform(None, 0)
    image.set_qform(None, 0)


def with_flipped_sform(image):
    image.set_qform(AFFINE, 1)
    image.set_sform(np.diag([-2.0, 2, 2, 1]), 2)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [(without_codes, "has no orientation"), (with_flipped_sform, "disagree about left and right")],
)
def test_an_unsure_orientation_is_a_warning(save, paths, arrays, spoil, message):
    image = nib.load(save("a.nii", arrays[0]))
    spoil(image)
    other = paths[0].with_name("b.nii")
    nib.save(image, other)
    with pytest.warns(UserWarning, match=rf"b\.nii .*{message}.*\(such files: 1 of 5\)"):
        load_volumes([*paths, other], target_affine=2.0)
    with pytest.warns(UserWarning, match=f"mask .*{message}"):
        load_volumes(paths, mask=image)


def test_labels_are_not_mixed(save, paths):
    image = nib.load(save("a.nii", np.ones((5, 6, 7), np.int16)))
    image.header.set_intent("label")
    other = paths[0].with_name("labels.nii")
    nib.save(image, other)
    assert load_volumes([other]).check().present.all()
    with pytest.raises(DataError, match=r"Subject 4: .*holds labels.*use interpolation='nearest'"):
        load_volumes([*paths, other], target_affine=1.5)
    assert load_volumes([other], target_affine=1.5, interpolation="nearest").check()[0].max() == 1


@pytest.mark.parametrize(
    ("label", "dtype", "largest"), [(2049, "float16", 2048), (2**24 + 1, "float32", 2**24)]
)
def test_labels_are_not_rounded(save, label, dtype, largest):
    path = save("a.nii", np.full((5, 6, 7), label, np.int32))
    with pytest.raises(DataError, match=f"{dtype}' rounds labels above {largest}"):
        load_volumes([path], interpolation="nearest", dtype=dtype).check()


@pytest.mark.parametrize("value", [2048, 2049.25])  # exact; no label
def test_labels_that_float16_holds_and_values_that_are_no_labels(save, value):
    path = save("a.nii", np.full((5, 6, 7), value, np.float32))
    assert load_volumes([path], interpolation="nearest", dtype="float16").check()[0].max() >= 2048


def test_half_precision_does_not_make_small_values_zero(save, arrays):
    path = save("a.nii", arrays[0] * np.float32(1e-9))
    with pytest.raises(DataError, match="too small for dtype='float16'; use 'float32'"):
        load_volumes([path], dtype="float16").check()
    empty = save("b.nii", np.zeros((5, 6, 7), np.float32))
    assert not load_volumes([empty], dtype="float16")[0].any()


def test_values_beyond_float32_are_an_error_alone(save):
    path = save("a.nii", np.full((5, 6, 7), 1e300))
    with pytest.raises(DataError, match="210 voxels that are NaN or infinite"):
        load_volumes([path]).check()


def test_one_file_of_two_subjects_is_a_warning(paths):
    with pytest.warns(UserWarning, match="Subject 1 and Subject 4 have the same file"):
        load_volumes([*paths, paths[1]])


@pytest.mark.parametrize("make", [set, lambda paths: {path.name: path for path in paths}])
def test_paths_have_an_order(paths, make):
    with pytest.raises(DataError, match="one for each subject in order"):
        load_volumes(make(paths))
