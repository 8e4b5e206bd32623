"""What lies in a folder besides tables: arrays of other programs, files that are passed over."""

import numpy as np
import pytest
from scipy.io import savemat

from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError

pd = pytest.importorskip("pandas")
IDS = ["sub-01", "sub-02", "sub-03"]
FC = np.arange(12.0).reshape(3, 2, 2)


@pytest.fixture
def folder(tmp_path):
    """A cohort of three with one modality."""
    pd.DataFrame({"participant_id": IDS, "dx": [0, 1, 1]}).to_csv(
        tmp_path / "participants.tsv", sep="\t", index=False
    )
    np.save(tmp_path / "x.npy", np.ones((3, 2)))
    return tmp_path


def test_documents_and_hidden_files_are_no_data(folder):
    for name in ("README", "README.txt", "LICENSE.txt", "participants.json", "notes.md", "a.png",
                 "._x.npy", "._sub-01_T1w.nii.gz", ".DS_Store", "fit.py"):  # fmt: skip
        (folder / name).write_text("word")
    (folder / "figures").mkdir()
    (folder / "figures" / "a.pdf").write_text("x")
    assert MultimodalData.from_folder(folder).modalities == ("x",)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sub-01_T1w.nii.gz", "sub-01_T1w.nii.gz .an image: see skmmcl.volumes.load_volumes"),
        ("t1/sub-01_T1w.nii", "t1/ .images: see skmmcl.volumes.load_volumes"),
        ("sub-01/anat/sub-01_T1w.nii.gz", "sub-01/ .images: .*load_bids"),
        ("a.h5", "a.h5 .not .npy"),
        ("a.parquet", "a.parquet .not"),
        ("fc/sub-01.csv", "fc/ .a folder without .npy files"),
        ("notes.txt", "notes.txt .no table"),
        ("a.mat", "a.mat .no MATLAB file"),
    ],
)
def test_what_is_not_read_is_listed(folder, name, message):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("some words, and\nothers\n")
    with pytest.warns(UserWarning, match=f"Not read in .*{message}"):
        assert MultimodalData.from_folder(folder).modalities == ("x",)


def test_a_folder_of_nothing_but_images(tmp_path):
    for k in range(7):
        (tmp_path / f"sub-0{k}_T1w.nii.gz").write_text("x")
    with pytest.raises(DataError, match=r"sub-00_T1w\.nii\.gz.*load_volumes"):
        MultimodalData.from_folder(tmp_path)


def test_endings_in_capitals(folder):
    (folder / "participants.tsv").rename(folder / "Participants.TSV")
    (folder / "a.CSV").write_text("participant_id,v\nsub-02,2\nsub-01,1\nsub-03,3\n")
    np.save(folder / "fc.npy", FC)
    (folder / "fc.npy").rename(folder / "fc.NPY")
    X = MultimodalData.from_folder(folder)
    assert X.index.tolist() == IDS
    assert X["a"].ravel().tolist() == [1, 2, 3]
    np.testing.assert_array_equal(X["fc"], FC)


@pytest.mark.parametrize("sep", [" ", "\t", ",", ";", "  "])
def test_tables_that_end_in_txt(folder, sep):
    (folder / "a.txt").write_text("id v w\nsub-03 3 5\nsub-01 1 6\nsub-02 2 7\n".replace(" ", sep))
    assert MultimodalData.from_folder(folder)["a"][:, 0].tolist() == [1, 2, 3]


def test_matlab(folder):
    savemat(folder / "fc.mat", {"Z": FC[[2, 0, 1]], "subjects": 1, "note": "words"})
    np.testing.assert_array_equal(MultimodalData.from_folder(folder)["fc"], FC[[2, 0, 1]])
    cells = np.array([["sub-03"], ["sub-01"], ["sub-02"]], dtype=object)
    for name in ("subject_id", "subjects", "subj_list"):
        savemat(folder / "fc.mat", {"Z": FC[[2, 0, 1]], name: cells})
        np.testing.assert_array_equal(MultimodalData.from_folder(folder)["fc"], FC)


def test_identifiers_among_arrays(folder):
    np.savez(folder / "fc.npz", Z=FC[[2, 0]], y=FC[[2, 0], 0], ids=[3, 1])
    with pytest.warns(UserWarning, match=r"fc\.npz spells 2 of 2 subjects otherwise"):
        X = MultimodalData.from_folder(folder)
    assert X.modalities == ("Z", "y", "x")
    np.testing.assert_array_equal(X["Z"][[0, 2]], FC[[0, 2]])
    assert X.mask[:, 0].tolist() == [True, False, True]
    np.savez(folder / "fc.npz", Z=FC[[2, 0]], file_id=["no1", "no2"], sub_id=["sub-03", "sub-01"])
    np.testing.assert_array_equal(MultimodalData.from_folder(folder)["fc"][[0, 2]], FC[[0, 2]])
    np.savez(folder / "fc.npz", Z=FC, ids=[3, 1])
    with pytest.raises(DataError, match=r"fc\.npz: 'Z' has shape \(3, 2, 2\), 'ids' lists 2"):
        MultimodalData.from_folder(folder)
    (folder / "fc.npz").unlink()
    np.save(folder / "subject_ids.npy", [3, 1, 2])
    with pytest.raises(DataError, match=r"subject_ids\.npy seems to hold identifiers"):
        MultimodalData.from_folder(folder)


@pytest.mark.parametrize("pattern", ["{}", "{}_fc", "{}_task-rest_fc", "conn_{}", "conn_{}_z"])
@pytest.mark.parametrize("ids", [IDS, ["C_1", "C_2", "C_3"], ["1", "2", "3"], ["a1x", "b7", "c"]])
@pytest.mark.parametrize("listed", [True, False])
def test_one_array_for_each_subject(folder, pattern, ids, listed):
    (folder / "x.npy").unlink()
    (folder / "participants.tsv").unlink()
    table = pd.DataFrame({"participant_id": ids[::-1], "iq": [0, 1, 1]})
    table.to_csv(folder / ("participants.csv" if listed else "a.csv"), index=False)
    (folder / "fc").mkdir()
    for k in (2, 0, 1):
        np.save(folder / "fc" / f"{pattern.format(ids[k])}.npy", FC[k])
    (folder / "fc" / "._x.npy").write_text("no")
    X = MultimodalData.from_folder(folder)
    assert X.index.tolist() == ids[::-1]
    np.testing.assert_array_equal(X["fc"], FC[::-1])


def test_arrays_of_subjects_that_lack_or_do_not_fit(folder):
    (folder / "fc").mkdir()
    np.save(folder / "fc" / "sub-02_fc.npy", FC[1])
    X = MultimodalData.from_folder(folder)
    assert X.mask[:, 0].tolist() == [False, True, False]
    np.save(folder / "fc" / "sub-03_fc.npy", FC[2][:1])
    with pytest.raises(DataError, match=r"fc/sub-03_fc\.npy has shape \(1, 2\), sub-02_fc\.npy \("):
        MultimodalData.from_folder(folder)
    np.save(folder / "fc" / "sub-03_run-2_fc.npy", FC[2])
    with pytest.raises(DataError, match=r"Folder fc has several files of subject 'sub-03': 'sub-0"):
        MultimodalData.from_folder(folder)


@pytest.mark.parametrize("name", ["fc.npy", "a.csv", "participants.TSV", "b.mat", "fc/sub-01.npy"])
def test_dangling_links(folder, name):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).symlink_to(folder / ".git" / "annex" / "nowhere")
    with pytest.raises(DataError, match=r"is a link to a file that is not there: fetch it \(datal"):
        MultimodalData.from_folder(folder)


def test_a_dangling_link_to_something_else(folder):
    (folder / "a.nii.gz").symlink_to(folder / "nowhere")
    with pytest.warns(UserWarning, match=r"a\.nii\.gz \(a link to a file that is not there\)"):
        MultimodalData.from_folder(folder)


def test_workbooks(folder, monkeypatch):
    (folder / "a.xlsx").write_text("x")
    cells = pd.DataFrame([["id", "v", "g"], ["sub-02", 2.5, "NA"], ["sub-01", None, "b"]])

    def read_excel(path, header, dtype):
        return cells.astype(object)

    monkeypatch.setattr(pd, "read_excel", read_excel)
    X = MultimodalData.from_folder(folder, target="g")
    np.testing.assert_array_equal(X["a"].ravel(), [np.nan, 2.5, np.nan])
    assert X.meta["g"].tolist()[:2] == ["b", "NA"]

    def fail(path, header, dtype):
        raise ImportError("openpyxl")

    monkeypatch.setattr(pd, "read_excel", fail)
    with pytest.warns(UserWarning, match=r"a\.xlsx \(it needs pandas and openpyxl: pip"):
        MultimodalData.from_folder(folder)


def test_two_listings(folder):
    (folder / "participants.csv").write_text("participant_id,age\nsub-01,3\n")
    with pytest.raises(DataError, match=r"participants\.csv and participants\.tsv both list"):
        MultimodalData.from_folder(folder)


def test_a_table_of_nothing_but_identifiers(folder):
    (folder / "a.csv").write_text("participant_id\nsub-01\nsub-02\n")
    with pytest.warns(UserWarning, match=r"a\.csv \(it holds nothing but identifiers\)"):
        assert MultimodalData.from_folder(folder).modalities == ("x",)
