"""Cohorts in BIDS folders."""

import os
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from skmmcl.exceptions import DataError, ModalityError
from skmmcl.volumes import load_bids
from skmmcl.volumes._bids_names import match_folders

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
    with pytest.warns(UserWarning, match="3 of 3 subjects .* spelled differently .*'01' is sub-01"):
        X = load_bids(root, {"t1": T1}, participants=table)
    assert X.index.tolist() == ["01", "02", "03"]
    assert X.mask.all()


# ---------------------------------------------------------------------------- who is who


def rename(root, **names):
    for old, new in names.items():
        (root / f"sub-{old[1:]}").rename(root / new)


@pytest.mark.parametrize(
    "spelled",
    [
        ("01", "02", "03"),
        ("1", "2", "3"),
        ("sub-1", "sub-2", "sub-3"),
        ("sub-001", "sub-002", "sub-003"),
        ("SUB-01", "Sub-02", "sub-03"),
        ("1.0", "2.0", "3.0"),
        ("sub_01", "sub02", "sub-03 "),
    ],
)
def test_spellings_that_are_matched(root, spelled):
    table = TABLE
    for k, name in enumerate(spelled, start=1):
        table = table.replace(f"sub-0{k}", name)
    (root / "participants.tsv").write_text(table)
    with pytest.warns(UserWarning, match="spelled differently from their folders") as caught:
        X = load_bids(root, {"t1": T1, "t1_too": "{subject}/" + T1})
    assert len(caught) == 1
    assert np.asarray(X["t1"])[:, 0, 0, 0].tolist() == [1, 2, 3]
    assert X.meta["site"].tolist() == ["A", "B", "A"]


def test_labels_with_letters_and_a_table_in_another_order(root, save):
    rename(root, _01="sub-S01", _02="sub-s2", _03="sub-S10")
    lines = ["participant_id\tage", "s10\t3", "S1\t1", "sub-S002\t2"]
    (root / "participants.tsv").write_text("\n".join(lines))
    with pytest.warns(UserWarning, match="'s10' is sub-S10"):
        X = load_bids(root, {"t1": T1})
    assert np.asarray(X["t1"])[:, 0, 0, 0].tolist() == X.meta["age"].tolist() == [3, 1, 2]


def test_the_same_name_goes_before_others_that_are_similar(root, save):
    rename(root, _03="sub-1")
    (root / "participants.tsv").write_text("participant_id\nsub-1\nsub-02\nsub-01\n")
    X = load_bids(root, {"t1": T1})
    assert np.asarray(X["t1"])[:, 0, 0, 0].tolist() == [3, 2, 1]


@pytest.mark.parametrize(
    "ids", [["sub-001", "sub-02"], ["1.0", "sub-02"], ["S01", "sub-02", "s001"]]
)
def test_unclear_who_is_who(root, ids):
    rename(root, _03="sub-S1" if "S01" in ids else "sub-1")
    (root / "participants.tsv").write_text("\n".join(["participant_id", *ids]))
    with pytest.raises(DataError, match=r"Subjects '.*' and folders 'sub-.* differ only in"):
        load_bids(root, {"t1": T1})


STYLES = ["sub-{:03d}", "{:03d}", "{}", "sub-{}", "{}.0", "SUB-{:02d} ", "sub_{:04d}"]
LETTERS = ["sub-S{:03d}", "S{:03d}", "s{}", "sub-s{:02d}", "S_{:02d}", "s-{}", "S {:03d}"]


@pytest.mark.parametrize("styles", [STYLES, LETTERS])
@pytest.mark.parametrize("seed", range(20))
def test_random_cohorts_are_matched_as_they_were_meant(styles, seed):
    rng = np.random.default_rng(seed)
    listed, scanned = (rng.permutation(200)[: rng.integers(50, 200)].tolist() for _ in range(2))
    ids = {k: styles[rng.integers(len(styles))].format(k) for k in listed}
    folders = {k: styles[0].format(k) for k in scanned}
    truth = {ids[k]: folders[k] for k in listed if k in folders}
    assert match_folders(list(ids.values()), set(folders.values())) == truth


def test_separators_that_bids_forbids():
    found = match_folders(["NDAR_INV01", "1_11", "11_1"], {"sub-NDARINV01", "sub-111"})
    assert found == {"NDAR_INV01": "sub-NDARINV01"}


def test_rows_without_a_folder_and_folders_without_a_row_are_named(root):
    (root / "participants.tsv").write_text(TABLE.replace("sub-03", "sub-04"))
    with pytest.warns(UserWarning, match="sub-0") as caught:
        X = load_bids(root, {"labels": LABELS, "t1": T1})
    messages = [str(each.message) for each in caught]
    assert len(messages) == 2
    assert "1 of 3 subjects of" in messages[0]
    assert "no folder at all, and so lack all modalities: 'sub-04'. X[X.mask" in messages[0]
    assert "Folders without a row in" in messages[1]
    assert messages[1].endswith("left out: 'sub-03'.")
    assert X.index.tolist() == ["sub-01", "sub-02", "sub-04"]
    assert X.mask.tolist() == [[True, True], [False, True], [False, False]]


def test_folders_of_derivatives_count(root, save):
    shutil.rmtree(root / "sub-02")
    derived = {"gm": "derivatives/vbm/{subject}/*_gm.nii"}
    save("bids/derivatives/vbm/sub-01/sub-01_gm.nii", np.ones((4, 4, 4)))
    save("bids/derivatives/vbm/sub-02/sub-02_gm.nii", np.ones((4, 4, 4)))
    assert load_bids(root, {"t1": T1, **derived}).mask.tolist() == [
        [True, True],
        [False, True],
        [True, False],
    ]
    (root / "participants.tsv").unlink()
    X = load_bids(root, {"t1": T1, **derived})
    assert X.index.tolist() == ["sub-01", "sub-02", "sub-03"]
    (root / "derivatives" / "vbm" / "sub-02").rename(root / "derivatives" / "vbm" / "sub-3")
    with pytest.warns(UserWarning, match="'sub-03' is sub-3"):
        X = load_bids(root, {"t1": T1, **derived})
    assert X.mask.tolist() == [[True, True], [True, True]]


def test_files_of_all_subjects_in_one_folder(root, save):
    for k in (1, 2):
        save(f"bids/flat/mwp1sub-0{k}_T1w.nii", np.full((4, 4, 4), 10.0 * k))
    X = load_bids(root, {"gm": "flat/mwp1{subject}_*.nii", "t1": T1})
    assert X.mask[:, 0].tolist() == [True, True, False]
    assert np.asarray(X["gm"])[:2, 0, 0, 0].tolist() == [10, 20]


def test_no_subject_has_a_folder(root):
    (root / "participants.tsv").write_text("participant_id\nA\nB\n")
    message = r"No subject .* It lists 'A', 'B'; the folders are 'sub-01', 'sub-02', 'sub-03'\."
    with pytest.raises(DataError, match=message):
        load_bids(root, {"t1": T1})


# ---------------------------------------------------------------------------------- files


@pytest.mark.parametrize("pattern", [T1, "*/*_T1w.nii.gz", "**/*_T1w.nii.gz", "{subject}/*/*1w*"])
def test_hidden_files_never_fit(root, pattern):
    for k in (1, 2, 3):
        (root / f"sub-0{k}" / "anat" / f"._sub-0{k}_T1w.nii.gz").write_bytes(b"finder")
        (root / f"sub-0{k}" / ".trash").mkdir()
        (root / f"sub-0{k}" / ".trash" / "old_T1w.nii.gz").write_bytes(b"old")
    X = load_bids(root, {"t1": pattern})
    assert np.asarray(X["t1"])[:, 0, 0, 0].tolist() == [1, 2, 3]


PATTERNS = [T1, "anat/{subject}_T1w.nii.gz", "{subject}/anat/{subject}_T1w.nii.gz", "**/*_T1w.*"]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_links_that_lead_nowhere_say_so(root, pattern):
    pattern = pattern.replace("anat/{", "{subject}/anat/{") if pattern[0] == "a" else pattern
    path = root / "sub-02" / "anat" / "sub-02_T1w.nii.gz"
    path.unlink()
    path.symlink_to("../../.git/annex/objects/xy/MD5E-s1.nii.gz")
    with pytest.raises(DataError, match=r"'sub-02'.* is a link to .*MD5E.*datalad get"):
        load_bids(root, {"t1": pattern})
    assert load_bids(root, {"t1": pattern}, on_error="missing").mask[:, 0].tolist() == [1, 0, 1]


@pytest.mark.parametrize("level", ["sub-02", "sub-02/anat"])
@pytest.mark.parametrize("pattern", PATTERNS[:1] + PATTERNS[2:3])
def test_folders_that_are_links_to_nowhere(root, level, pattern):
    shutil.rmtree(root / level)
    (root / level).symlink_to("/nowhere/at/all")
    with pytest.raises(DataError, match=rf"'sub-02'.*{level} is a link to /nowhere/at/all, which"):
        load_bids(root, {"t1": pattern})


@pytest.mark.parametrize("pattern", ["*/*_T1w.nii.gz", "**/*_T1w.nii.gz", "{subject}/*/*_T1w.*"])
def test_other_files_do_not_stand_for_a_missing_scan(root, pattern):
    (root / "sub-02" / "anat" / "sub-02_T1w.nii.gz").unlink()
    (root / "sub-02" / "sub-02_scans.tsv").write_text("filename\n")
    (root / "sub-02" / "sub-02_sessions.tsv").symlink_to("nowhere")
    (root / "sub-02" / "anat" / "sub-02_bold.nii.gz").symlink_to("nowhere")
    (root / "sub-04.html").symlink_to("nowhere")
    X = load_bids(root, {"t1": pattern})
    assert X.mask[:, 0].tolist() == [True, False, True]


def test_folders_that_may_not_be_read(root, monkeypatch):
    (root / "sub-02" / "anat" / "sub-02_T1w.nii.gz").unlink()
    assert load_bids(root, {"t1": T1}).mask[:, 0].tolist() == [True, False, True]
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "anat")
    with pytest.raises(DataError, match=r"'sub-02'.*sub-02/anat cannot be read"):
        load_bids(root, {"t1": T1})


@pytest.mark.parametrize("content", ["/annex/objects/MD5E-s1.nii.gz\n", "version https://git-lfs."])
def test_what_stands_for_files_elsewhere(root, content):
    (root / "sub-02" / "anat" / "sub-02_T1w.nii.gz").write_text(content)
    with pytest.raises(DataError, match=r"'sub-02'.*it is a pointer; `git annex get`"):
        load_bids(root, {"t1": T1})


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
    with pytest.raises(DataError, match=r"Modality 'pet': .* matches no file of any of 3 subjects"):
        load_bids(root, {"pet": "pet/*.nii.gz"})


@pytest.mark.parametrize("modalities", [{}, "anat/*", {"t1": {"dtype": "float16"}}])
def test_what_are_no_patterns(root, modalities):
    with pytest.raises(ModalityError, match="pattern"):
        load_bids(root, modalities)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{session}/anat/*.nii.gz", r"has \{session\}.*name the session.*there are ses-1, ses-2"),
        ("{subject}/{session}/anat/*.nii.gz", r"has \{session\}"),
        ("anat/{subject}_{}.nii.gz", r"has \{\}; only \{subject\}"),
        ("anat/{0}.nii.gz", r"has \{0\}"),
        ("anat/{run.nii.gz", r"has \{run.nii.gz"),
        ("anat/run}.nii.gz", r"has \}"),
        (Path("anat/*.nii.gz"), "is not a text such as"),
        (None, "is not a text"),
        (["anat/*.nii.gz"], "is not a text"),
        (" ", "is not a text"),
        ("/data/{subject}/anat/*.nii.gz", "is absolute; write the part below"),
        ("~/bids/{subject}/anat/*.nii.gz", "is absolute"),
    ],
)
@pytest.mark.parametrize("in_dict", [False, True])
def test_patterns_that_cannot_be_used(root, pattern, message, in_dict):
    for k in (1, 2):
        (root / "sub-01" / f"ses-{k}").mkdir()
    with pytest.raises(ModalityError, match="Modality 't1': the pattern .*" + message):
        load_bids(root, {"t1": {"pattern": pattern} if in_dict else pattern})


def test_sessions_are_named_in_patterns(root, save):
    for k in (1, 2):
        for session in ("pre", "post"):
            name = f"bids/sub-0{k}/ses-{session}/anat/sub-0{k}_T1w.nii"
            save(name, np.full((4, 4, 4), k * (1.0 if session == "pre" else 10.0)))
    X = load_bids(root, {s: f"ses-{s}/anat/*_T1w.nii" for s in ("pre", "post")})
    assert np.asarray(X["post"])[:2, 0, 0, 0].tolist() == [10, 20]
    with pytest.raises(DataError, match=r"one of their sessions in it: ses-post, ses-pre\."):
        load_bids(root, {"t1": "anat/*_T1w.nii"})


@pytest.mark.parametrize("name", ["people.txt", "people.xlsx", "people", "people.json"])
def test_tables_with_another_ending(root, name):
    (root / name).write_text(TABLE)
    with pytest.raises(DataError, match=rf"participants=.*{name}' must be a table in \.tsv or"):
        load_bids(root, {"t1": T1}, participants=root / name)


def test_tables_that_are_not_there(root):
    with pytest.raises(DataError, match=r"gone\.tsv does not exist"):
        load_bids(root, {"t1": T1}, participants=root / "gone.tsv")
    with pytest.raises(DataError, match=r"must be the path of a table; got 3"):
        load_bids(root, {"t1": T1}, participants=3)
    (root / "participants.tsv").unlink()
    (root / "participants.tsv").symlink_to("nowhere")
    with pytest.raises(DataError, match=r"participants\.tsv is a link to nowhere"):
        load_bids(root, {"t1": T1})
    (root / "participants.tsv").unlink()
    (root / "participants.csv").write_text("participant_id\nsub-01\n")
    (root / "participants.json").write_text("{}")
    with pytest.warns(
        UserWarning, match=r"no participants\.tsv, and participants\.csv is not read"
    ):
        assert len(load_bids(root, {"t1": T1})) == 3


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
    with pytest.warns(UserWarning, match="216 of 226 subjects .* have no folder at all"):
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


def test_a_wildcard_after_the_subject_does_not_reach_into_longer_names(tmp_path, save):
    save("d/sub-10_x/gm.nii.gz", np.full((3, 3, 3), 10, np.int16))
    save("d/sub-2_x/gm.nii.gz", np.full((3, 3, 3), 2, np.int16))
    (tmp_path / "d" / "sub-1_x").mkdir()
    (tmp_path / "participants.tsv").write_text("participant_id\nsub-1\nsub-10\nsub-2\n")
    X = load_bids(tmp_path, {"gm": "d/{subject}*/gm.nii.gz"}, cache=False)
    assert X.mask[:, 0].tolist() == [False, True, True]
    assert np.asarray(X["gm"][[1, 2]])[:, 0, 0, 0].tolist() == [10, 2]
