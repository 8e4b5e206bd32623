"""Cohorts in BIDS folders."""

import nibabel as nib
import numpy as np
import pytest

from skmmcl.exceptions import DataError, ModalityError
from skmmcl.volumes import load_bids

T1 = "anat/*_T1w.nii.gz"
LABELS = "anat/*_dseg.nii.gz"
TABLE = "participant_id\tage\tsite\nsub-01\t31\tA\nsub-02\tn/a\tB\nsub-03\t25\tA\n"


@pytest.fixture
def root(tmp_path, save):
    """Three subjects with T1 and labels; the second lacks the labels."""
    for k in (1, 2, 3):
        for suffix in ("T1w", "dseg"):
            if (k, suffix) != (2, "dseg"):
                name = f"bids/sub-0{k}/anat/sub-0{k}_{suffix}.nii.gz"
                save(name, np.full((4, 4, 4), k, np.int16))
    (tmp_path / "bids" / "participants.tsv").write_text(TABLE)
    return tmp_path / "bids"


def test_cohort(root):
    X = load_bids(root, {"t1": T1, "labels": {"pattern": LABELS, "dtype": "float16"}})
    assert X.modalities == ("t1", "labels")
    assert X.index.tolist() == ["sub-01", "sub-02", "sub-03"]
    np.testing.assert_array_equal(X.meta["age"], [31, np.nan, 25])
    assert X.meta["site"].tolist() == ["A", "B", "A"]
    assert X.mask.tolist() == [[True, True], [True, False], [True, True]]
    assert np.asarray(X["t1"])[:, 0, 0, 0].tolist() == [1, 2, 3]
    assert X["labels"].storage_dtype == np.float16
    assert X["t1"].storage_dtype == np.float32


def test_options_go_to_each_modality(root):
    coarse = {"pattern": LABELS, "interpolation": "nearest", "target_affine": None}
    X = load_bids(root, {"t1": T1, "labels": coarse}, target_shape=(2, 2, 2), cache=False)
    assert X.shapes == {"t1": (2, 2, 2), "labels": (2, 2, 2)}


def test_patterns_below_the_root(root):
    (root / "participants.tsv").rename(root.parent / "people.tsv")
    X = load_bids(root, {"t1": "{subject}/anat/{subject}_T1w.nii.gz"})
    assert X.index.tolist() == ["sub-01", "sub-02", "sub-03"]
    assert not X.meta
    table = root.parent / "people.tsv"
    table.write_text(TABLE.replace("sub-", ""))
    X = load_bids(root, {"t1": T1}, participants=table)
    assert X.index.tolist() == ["01", "02", "03"]
    assert X.mask.all()


def test_several_files_that_fit(root, save):
    save("bids/sub-02/anat/sub-02_run-2_T1w.nii.gz", np.zeros((4, 4, 4)))
    message = r"Modality 't1': subject 'sub-02' has 2 files .*: sub-02/anat/sub-02_T1w.nii.gz, sub"
    with pytest.raises(DataError, match=message):
        load_bids(root, {"t1": T1})


def test_errors_name_the_modality(root):
    (root / "sub-03" / "anat" / "sub-03_T1w.nii.gz").write_text("no image")
    with pytest.raises(DataError, match=r"Modality 't1': Subject 'sub-03' \(row 2\)"):
        load_bids(root, {"t1": T1})
    assert load_bids(root, {"t1": T1}, on_error="missing").mask.sum() == 2
    with pytest.raises(DataError, match=r"Modality 'pet': no file of any of 3 subjects"):
        load_bids(root, {"pet": "pet/*.nii.gz"})


@pytest.mark.parametrize("modalities", [{}, "anat/*", {"t1": {"dtype": "float16"}}])
def test_what_are_no_patterns(root, modalities):
    with pytest.raises(ModalityError, match="pattern"):
        load_bids(root, modalities)


def test_what_is_no_data_set(root, tmp_path):
    with pytest.raises(DataError, match="is not a folder"):
        load_bids(tmp_path / "nowhere", {"t1": T1})
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"neither a participants\.tsv nor folders"):
        load_bids(tmp_path / "empty", {"t1": T1})
    (root / "participants.tsv").write_text("age\n31\n")
    with pytest.raises(DataError, match="has no column participant_id"):
        load_bids(root, {"t1": T1})


@pytest.mark.realdata
def test_real_tree(data_dir):
    X = load_bids(
        data_dir / "aomic_piop2",
        {"gm": "derivatives/vbm/subset/{subject}/*_label-GM_mod.nii.gz"},
        mask=data_dir / "aomic_piop2" / "derivatives" / "vbm" / "GM226_mask.nii.gz",
        cache=False,
    )
    assert len(X) == 226
    assert X.mask.sum() == 10
    assert X.shapes == {"gm": (91, 109, 91)}
    image = nib.as_closest_canonical(nib.load(X["gm"].paths[3]))
    volume, inside = X["gm"][3], X["gm"].mask
    assert not volume[~inside].any()
    np.testing.assert_array_equal(volume[inside], image.get_fdata(dtype=np.float32)[inside])
    assert np.nanmean(X.meta["age"]) == pytest.approx(22, abs=1)
