"""Folders as people have them: each is read without an edit, or one message says what to change."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.io

from skmmcl import MultimodalData
from skmmcl._folder import read_cohort
from skmmcl.exceptions import DataError

N = 24
RNG = np.random.default_rng(0)
IDS = [f"sub-{k:02d}" for k in range(1, N + 1)]
CLASSES = np.where(np.arange(N) % 2, "patient", "control")


def table(width, **columns):
    """Return a table of numbers; columns that are given come first."""
    values = pd.DataFrame(RNG.normal(size=(N, width)), columns=[f"v{k}" for k in range(width)])
    return pd.concat([pd.DataFrame(columns), values], axis=1)


def people(name="participant_id", target="diagnosis"):
    age, sex = RNG.integers(20, 60, N), np.resize(["F", "M", "M"], N)
    return pd.DataFrame({name: IDS, "age": age, "sex": sex, target: CLASSES})


def connectomes():
    return np.array([np.corrcoef(RNG.normal(size=(5, 20))) for _ in range(N)])


def write(frame, path, **options):
    sep = "\t" if path.suffix in {".tsv", ".txt"} else ","
    frame.to_csv(path, **{"sep": sep, "index": False} | options)


def one_table(folder):
    write(table(6, **people()), folder / "data.csv")


def one_table_with_row_numbers(folder):
    write(table(6, **people()), folder / "data.csv", index=True)


def freesurfer(folder):
    write(people(), folder / "participants.tsv")
    for side in ("lh", "rh"):
        name = f"{side}.aparc.thickness"
        write(table(5, **{name: IDS}), folder / f"{name}.txt")
    write(table(4, **{"Measure:volume": IDS}), folder / "aseg_stats.txt")


def matrix_per_subject(folder, save, suffix):
    write(people(), folder / "participants.tsv")
    (folder / "fc").mkdir()
    for subject, matrix in zip(IDS, connectomes(), strict=True):
        save(folder / "fc" / f"{subject}{suffix}", matrix)


def matrices_npy(folder):
    matrix_per_subject(folder, np.save, ".npy")


def matrices_csv(folder):
    matrix_per_subject(folder, lambda f, m: np.savetxt(f, m, delimiter=","), ".csv")


def matrices_txt(folder):
    matrix_per_subject(folder, np.savetxt, "_connectome.txt")


def matrices_with_names(folder):
    regions = [f"region {k}" for k in range(5)]

    def save(file, matrix):
        pd.DataFrame(matrix, index=regions, columns=regions).to_csv(file, sep="\t")

    matrix_per_subject(folder, save, "_task-rest_conmat.tsv")


def stacked_arrays(folder):
    write(people(), folder / "participants.tsv")
    np.save(folder / "fc.npy", connectomes())
    np.save(folder / "thickness.npy", table(5).to_numpy())


def stacked_arrays_and_labels(folder):
    np.save(folder / "fc.npy", connectomes())
    write(pd.DataFrame({"label": CLASSES}), folder / "labels.csv")


def npz(folder):
    write(people(), folder / "participants.tsv")
    arrays = {"fc": connectomes(), "t1": table(5).to_numpy()}
    np.savez(folder / "data.npz", **arrays, subject_id=np.array(IDS))


def matlab(folder):
    write(people(), folder / "participants.tsv")
    scipy.io.savemat(folder / "data.mat", {"fc": connectomes(), "t1": table(5).to_numpy()})


def mixed(folder):
    write(people(), folder / "participants.tsv")
    np.save(folder / "fc.npy", connectomes())
    write(table(3, subject_id=IDS)[::-1], folder / "clinical.csv")
    (folder / "README.txt").write_text("Some notes, and no table.\n")
    (folder / "participants.json").write_text("{}")
    (folder / ".DS_Store").write_bytes(b"\0")


def bids_ids_in_one_table_only(folder):
    write(people(), folder / "participants.tsv")
    write(table(3, ID=[name[4:] for name in IDS]), folder / "mri.tsv")


def german_excel(folder):
    write(people(), folder / "participants.csv", sep=";")
    write(table(4, ID=IDS), folder / "mri.csv", sep=";", decimal=",", encoding="utf-8-sig")


def demographics(folder):
    write(people("Subject", "group"), folder / "demographics.csv")
    write(table(4, Subject=IDS), folder / "mri.csv")
    write(table(3, Subject=IDS), folder / "dti.csv")


def labels_apart(folder):
    write(pd.DataFrame({"id": IDS, "diagnosis": CLASSES}), folder / "labels.csv")
    write(table(4, id=IDS), folder / "mri.csv")
    write(table(4, id=IDS), folder / "fc.csv")


def workbook(folder):
    table(6, **people()).to_excel(folder / "data.xlsx", index=False)


def workbook_of_sheets(folder):
    with pd.ExcelWriter(folder / "study.xlsx") as file:
        people().to_excel(file, sheet_name="subjects", index=False)
        table(4, ID=IDS).to_excel(file, sheet_name="mri", index=False)
        table(3, ID=IDS).to_excel(file, sheet_name="dti", index=False)


READ = {
    one_table: {"data": (7,)},
    one_table_with_row_numbers: {"data": (7,)},
    freesurfer: {"aseg_stats": (4,), "lh.aparc.thickness": (5,), "rh.aparc.thickness": (5,)},
    matrices_npy: {"fc": (5, 5)},
    matrices_csv: {"fc": (5, 5)},
    matrices_txt: {"fc": (5, 5)},
    matrices_with_names: {"fc": (5, 5)},
    stacked_arrays: {"fc": (5, 5), "thickness": (5,)},
    stacked_arrays_and_labels: {"fc": (5, 5)},
    npz: {"fc": (5, 5), "t1": (5,)},
    matlab: {"fc": (5, 5), "t1": (5,)},
    mixed: {"clinical": (3,), "fc": (5, 5)},
    bids_ids_in_one_table_only: {"mri": (3,)},
    german_excel: {"mri": (4,)},
    demographics: {"dti": (3,), "mri": (4,)},
    labels_apart: {"fc": (4,), "mri": (4,)},
    workbook: {"data": (7,)},
    workbook_of_sheets: {"dti": (3,), "mri": (4,)},
}


@pytest.mark.parametrize("layout", READ, ids=lambda layout: layout.__name__)
def test_a_folder_is_read_without_an_edit(layout, tmp_path):
    if "workbook" in layout.__name__:
        pytest.importorskip("openpyxl")
    layout(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cohort = read_cohort(str(tmp_path))
    assert cohort.X.shapes == READ[layout]
    assert cohort.classes == ["control", "patient"]
    assert cohort.y.tolist() == [k % 2 for k in range(N)]
    assert cohort.X.mask.all()


def two_sessions(folder):
    write(people(), folder / "participants.tsv")
    visits = [table(4, participant_id=IDS, session=[k] * N) for k in (1, 2)]
    write(pd.concat(visits), folder / "mri.csv")


def tables_in_a_folder(folder):
    write(people(), folder / "participants.tsv")
    (folder / "tables").mkdir()
    for name in ("mri", "dti", "t2"):
        write(table(4, participant_id=IDS), folder / "tables" / f"{name}.csv")


def time_series(folder):
    write(people(), folder / "participants.tsv")
    (folder / "bold").mkdir()
    for k, subject in enumerate(IDS):
        np.save(folder / "bold" / f"{subject}.npy", RNG.normal(size=(40 + k % 2, 5)))


def target_of_another_name(folder):
    write(people(target="DX_GROUP"), folder / "participants.csv")
    np.save(folder / "fc.npy", connectomes())


def images(folder):
    write(people(), folder / "participants.tsv")
    (folder / "sub-01" / "anat").mkdir(parents=True)
    (folder / "sub-01" / "anat" / "sub-01_T1w.nii.gz").write_bytes(b"")


def arrays_alone(folder):
    np.save(folder / "X.npy", table(4).to_numpy())
    np.save(folder / "y.npy", np.arange(N) % 2)


def no_header(folder):
    write(people(), folder / "participants.tsv")
    np.savetxt(folder / "fc.csv", connectomes().reshape(N, -1), delimiter=",")


MESSAGES = {
    two_sessions: r"'session' \('1', '2'\) sets them apart: choose one .* --rows session=1",
    tables_in_a_folder: r"tables/ .*tables in it: move them up, next to participants",
    time_series: r"bold/sub-02.npy has shape \(41, 5\), .* time series .* connectome",
    target_of_another_name: r"which column of participants.csv is the target\? --target .*DX_GROUP",
    images: r"holds no modality other than participants.tsv: add a file .*load_volumes",
    arrays_alone: r"has no participants.tsv or participants.csv, which lists .* Add it",
    no_header: r"add a header line if the first line holds values",
}


@pytest.mark.parametrize("layout", MESSAGES, ids=lambda layout: layout.__name__)
def test_one_message_says_what_to_change(layout, tmp_path):
    layout(tmp_path)
    with pytest.raises(DataError, match=MESSAGES[layout]):
        read_cohort(str(tmp_path))


def test_values_of_matrices_are_those_of_the_files(tmp_path):
    matrices_with_names(tmp_path)
    file = tmp_path / "fc" / f"{IDS[3]}_task-rest_conmat.tsv"
    X = read_cohort(str(tmp_path)).X
    np.testing.assert_allclose(X["fc"][3], pd.read_csv(file, sep="\t", index_col=0))


def test_text_of_the_only_table_is_side_data(tmp_path):
    one_table(tmp_path)
    with pytest.warns(UserWarning, match="columns of text, 'sex', are side data"):
        X = MultimodalData.from_folder(tmp_path, target="diagnosis")
    assert sorted(X.meta) == ["diagnosis", "sex"]
