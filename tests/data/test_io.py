"""Cohorts read from folders."""

import numpy as np
import pytest

from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError

pytest.importorskip("pandas")


def write(folder, **texts):
    for name, text in texts.items():
        stem, suffix = name.rsplit("_", 1)
        (folder / f"{stem}.{suffix}").write_text(
            text.replace(" ", "\t" if suffix == "tsv" else ",")
        )


PARTICIPANTS = "participant_id site label\n007 A 0\n010 B 1\n021 n/a 1\n"


def test_arrays_and_tables_with_participants(tmp_path):
    fc = np.arange(12.0).reshape(3, 2, 2)
    np.save(tmp_path / "fc.npy", fc)
    np.savez(tmp_path / "sc.npz", anything=np.ones((3, 4)))
    np.savez(tmp_path / "more.npz", alff=np.ones((3, 2)), reho=np.zeros((3, 2)))
    write(
        tmp_path,
        participants_tsv=PARTICIPANTS,
        clinical_csv="subject_id age iq\n021 3 9\n007 1 7\n",
    )
    (tmp_path / "participants.json").write_text("{}")
    (tmp_path / ".hidden.npy").write_text("no")
    X = MultimodalData.from_folder(tmp_path)
    assert X.modalities == ("clinical", "fc", "alff", "reho", "sc")
    assert X.index.tolist() == ["007", "010", "021"]
    np.testing.assert_array_equal(X["clinical"], [[1, 7], [np.nan, np.nan], [3, 9]])
    assert X.columns["clinical"] == ["age", "iq"]
    assert X.mask[:, 0].tolist() == [True, False, True]
    np.testing.assert_array_equal(X["fc"], fc)
    assert X.meta["label"].tolist() == [0, 1, 1]
    assert X.meta["site"].tolist()[:2] == ["A", "B"]


def test_outer_join_of_tables(tmp_path):
    write(tmp_path, a_csv="id x\ns1 1\ns2 2\n", b_tsv="ID w\ns3 3\ns1 1\n")
    X = MultimodalData.from_folder(str(tmp_path))
    assert X.index.tolist() == ["s1", "s2", "s3"]
    assert X.mask.tolist() == [[True, True], [True, False], [False, True]]
    assert X["b"][[0, 2], 0].tolist() == [1, 3]
    assert X.meta == {}


def test_bool_columns_survive_the_join(tmp_path):
    write(tmp_path, a_csv="id x\ns1 True\ns2 False\n", b_csv="id w\ns1 3\n")
    assert MultimodalData.from_folder(tmp_path)["a"].ravel().tolist() == [1, 0]
    write(tmp_path, b_csv="id w\ns3 3\n")
    np.testing.assert_array_equal(MultimodalData.from_folder(tmp_path)["a"].ravel(), [1, 0, np.nan])


def test_unnamed_columns_are_ids_unless_they_count_rows(tmp_path):
    write(tmp_path, a_csv=" x\ns1 1\ns2 2\n")
    assert MultimodalData.from_folder(tmp_path).index.tolist() == ["s1", "s2"]
    write(tmp_path, a_csv=" x\n0 1\n1 2\n")
    X = MultimodalData.from_folder(tmp_path)
    assert X.index is None
    assert X.columns == {"a": ["x"]}


def test_rows_by_position(tmp_path):
    np.save(tmp_path / "fc.npy", np.ones((2, 3)))
    write(tmp_path, a_csv="x y\n1 2\n3 4\n", meta_csv="site\nA\nB\n")
    X = MultimodalData.from_folder(tmp_path)
    assert X.index is None
    assert X.meta["site"].tolist() == ["A", "B"]
    without = MultimodalData.from_folder(tmp_path)[["a", "fc"]]
    assert without.shape == (2, 5)


def test_arrays_beside_tables_that_agree(tmp_path):
    np.save(tmp_path / "fc.npy", np.ones((2, 3)))
    write(tmp_path, a_csv="id x\ns1 1\ns2 3\n", b_csv="id w\ns1 1\ns2 3\n")
    assert MultimodalData.from_folder(tmp_path).index.tolist() == ["s1", "s2"]
    np.save(tmp_path / "fc.npy", np.ones((3, 3)))
    with pytest.raises(DataError, match=r"fc\.npy has 3 rows, the tables list 2 subjects"):
        MultimodalData.from_folder(tmp_path)
    write(tmp_path, b_csv="id w\ns2 1\ns1 3\n")
    with pytest.raises(DataError, match=r"fc\.npy has no subject ids.*add a participants\.tsv"):
        MultimodalData.from_folder(tmp_path)


def test_meta_by_another_name_or_none(tmp_path):
    write(tmp_path, cohort_csv="id age\ns1 1\ns2 2\n", a_csv="id x\ns2 1\ns1 3\n")
    X = MultimodalData.from_folder(tmp_path, meta="cohort")
    assert X.modalities == ("a",)
    assert X["a"].ravel().tolist() == [3, 1]
    assert MultimodalData.from_folder(tmp_path, meta=None).modalities == ("a", "cohort")
    with pytest.raises(DataError, match=r"no people\.tsv or people\.csv"):
        MultimodalData.from_folder(tmp_path, meta="people")


def test_memory_maps(tmp_path):
    np.save(tmp_path / "fc.npy", np.ones((3, 4)))
    X = MultimodalData.from_folder(tmp_path, mmap_mode="r")
    base = X.base("fc")
    assert isinstance(base if isinstance(base, np.memmap) else base.base, np.memmap)
    assert not X["fc"].flags.writeable


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "holds no <modality>.npy, .npz, .csv or .tsv file; found nothing"),
        ({"readme_txt": "x"}, "found readme.txt"),
        ({"participants_tsv": PARTICIPANTS}, "holds no modality other than participants.tsv"),
        ({"a_csv": "id x\ns1 1\ns1 2\n"}, "a.csv lists subject 's1' more than once"),
        ({"a_csv": "x id\n1 s1\n2 \n"}, r"a.csv lacks the id \(id\) of row 1"),
        ({"a_csv": ""}, "a.csv cannot be read as a table"),
        ({"a_npy": "nonsense"}, "a.npy cannot be read as an array"),
        ({"a_csv": "x\n1\n", "a_tsv": "x\n1\n"}, "a.csv and a.tsv both give modality 'a'"),
        ({"a_csv": "x\n1\n", "b_csv": "x\n1\n2\n"}, "'a' 1, 'b' 2"),
        ({"a_csv": "id sex\ns1 f\n"}, "'a': columns without numbers: 'sex'"),
        ({"participants_tsv": PARTICIPANTS, "a_csv": "x\n1\n"},
         "a.csv has 1 rows, participants.tsv lists 3 subjects"),
        ({"participants_tsv": "site\nA\n", "a_csv": "id x\ns1 1\n"},
         "a.csv has subject ids and participants.tsv has none"),
    ],
)  # fmt: skip
def test_bad_folders(tmp_path, files, message):
    write(tmp_path, **files)
    with pytest.raises(DataError, match=message):
        MultimodalData.from_folder(tmp_path)


def test_not_a_folder_and_objects(tmp_path):
    with pytest.raises(DataError, match="is not a folder"):
        MultimodalData.from_folder(tmp_path / "nowhere")
    np.save(tmp_path / "a.npy", np.array([None, 1], dtype=object))
    with pytest.raises(DataError, match=r"a\.npy cannot be read"):
        MultimodalData.from_folder(tmp_path)


@pytest.mark.realdata
def test_real_tables(data_dir):
    X = MultimodalData.from_folder(data_dir / "enigma_example", meta="cov")
    assert X.shapes == {"metr1_SubVol": (17,), "metr2_CortThick": (73,), "metr3_CortSurf": (73,)}
    assert X.index[0] == "sub-PX003"
    assert X.meta["Dx"].tolist() == [1] * 10 + [0] * 10
