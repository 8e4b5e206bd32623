"""What the command line takes from a folder: the target, who has it, and no copy of it."""

import warnings

import numpy as np
import pandas as pd
import pytest

from skmmcl import MultimodalData, _folder
from skmmcl._folder import read_cohort
from skmmcl.data._copies import copies_of_classes, copies_of_numbers, suspects
from skmmcl.exceptions import DataError

CLASSES = np.arange(40) % 2
THREE = np.arange(40) % 3
AGE = 20 + 50 * np.random.default_rng(2).random(40)


def write_cohort(folder, people, **tables):
    """Write a list of the subjects, unless it is None, and tables."""
    ids = [f"s{i:02d}" for i in range(40)]
    if people is not None:
        frame = pd.DataFrame({"participant_id": ids, **people})
        frame.to_csv(folder / "participants.tsv", sep="\t", index=False)
    for modality, table in tables.items():
        frame = pd.DataFrame({"participant_id": ids, **table})
        frame.to_csv(folder / f"{modality}.csv", index=False)


@pytest.mark.parametrize(
    ("target", "copy"),
    [
        (CLASSES, CLASSES),
        (CLASSES, 7 - 2 * CLASSES),
        (CLASSES, np.where(np.arange(40) % 5, CLASSES, np.nan)),
        (np.where(CLASSES, "AD", "HC"), CLASSES + 1),
        (THREE, (2 - THREE) * 10.5),
        (THREE, THREE == 1),  # tells one class from the others
        (CLASSES, CLASSES * (1 + np.arange(40) // 2 % 3)),  # kinds of patients
        (AGE, AGE),
        (AGE, AGE * 12),
        (AGE, -np.log(AGE)),
        (AGE, AGE.round()),
        (AGE, np.where(np.arange(40) % 5, AGE, np.nan)),
    ],
)
def test_a_copy_of_the_target_is_no_feature(target, copy, tmp_path):
    noise = np.random.default_rng(3).normal(size=40)
    write_cohort(tmp_path, {"Dx": target}, cov={"sex": CLASSES[::-1] ^ (noise > 1), "code": copy})
    with pytest.raises(DataError, match=r"cov.csv holds a copy of the target 'Dx': .* 'code'"):
        read_cohort(str(tmp_path), target="Dx")


def test_a_copy_in_an_array(tmp_path):
    write_cohort(tmp_path, {"Dx": CLASSES})
    values = np.random.default_rng(0).normal(size=(40, 3))
    values[:, 1] = CLASSES
    np.save(tmp_path / "smri.npy", values)
    with pytest.raises(DataError, match=r"smri.npy holds a copy of .*: its column 'number 1'"):
        read_cohort(str(tmp_path), target="Dx")


@pytest.mark.parametrize("name", ["Dx", "DX", " Dx"])
@pytest.mark.parametrize("target", ["Dx", "dx"])
def test_a_column_of_the_targets_name_is_no_feature(name, target, tmp_path):
    earlier = np.random.default_rng(0).permutation(CLASSES)  # of another visit
    write_cohort(tmp_path, {"Dx": CLASSES, "site": "A"}, cov={"sex": THREE, name: earlier})
    said = f"cov.csv has the target {name.strip()!r} as a column, and participants.tsv"
    with pytest.raises(DataError, match=said):
        read_cohort(str(tmp_path), target=target)


def test_like_columns_are_no_copies():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    nearly = np.where(rng.random(60) < 0.05, 1 - y, y)
    few = np.full(60, np.nan)
    few[:2] = 0, 1  # known of two subjects only
    table = np.column_stack([nearly, np.ones(60), rng.random(60), few, np.full(60, np.nan)])
    assert not copies_of_classes(table, y).any()
    assert not suspects(table, y).any()
    age = rng.normal(50, 10, size=60)
    table[:, 0] = age + rng.normal(size=60)
    assert not copies_of_numbers(table, age).any()


def test_what_follows_from_the_target_is_named(tmp_path):
    rng = np.random.default_rng(0)
    cov = {
        "onset": np.where(CLASSES, rng.integers(20, 60, size=40), np.nan),
        "score": 10 * CLASSES + rng.random(40),
        "iq": rng.normal(size=40),
    }
    write_cohort(tmp_path, {"group": CLASSES}, cov=cov)
    pet = pd.DataFrame({"participant_id": [f"s{i:02d}" for i in range(1, 40, 2)], "suv": 1.5})
    pet.assign(suv=rng.random(20)).to_csv(tmp_path / "pet.csv", index=False)
    note = read_cohort(str(tmp_path)).notes[-1]
    assert note.endswith("what follows from the target. cov.csv: onset, score; all of pet.csv.")


@pytest.mark.realdata
def test_a_finer_diagnosis_is_a_copy(data_dir, tmp_path):
    covariates = pd.read_csv(data_dir / "enigma_example" / "cov.csv")
    covariates[["SubjID", "Dx"]].to_csv(tmp_path / "participants.csv", index=False)
    covariates.to_csv(tmp_path / "cov.csv", index=False)
    with pytest.raises(DataError, match=r"cov.csv has the target 'Dx' as a column"):
        read_cohort(str(tmp_path), target="Dx")
    covariates = covariates.drop(columns="Dx")
    covariates.to_csv(tmp_path / "cov.csv", index=False)
    with pytest.raises(DataError, match=r"cov.csv holds a copy of the target 'Dx': .* 'SDx'"):
        read_cohort(str(tmp_path), target="Dx")
    covariates.drop(columns="SDx").to_csv(tmp_path / "cov.csv", index=False)
    cohort = read_cohort(str(tmp_path), target="Dx")
    assert "cov.csv: AO, DURILL." in cohort.notes[-1]


@pytest.mark.parametrize("words", [{}, {"id_column": "RID"}, {"rows": {"session": "1"}}])
def test_a_target_in_a_modality_and_what_reads_it_are_handed_on(words, tmp_path, monkeypatch):
    write_cohort(tmp_path, None, cov={"Dx": CLASSES, "sex": THREE})
    asked = {}

    def from_folder(path, **given):
        asked.update(given)
        warnings.warn("cov.csv has 3 subjects too many.", stacklevel=1)
        return MultimodalData(cov=THREE[:, None], meta={"Dx": CLASSES})

    monkeypatch.setattr(MultimodalData, "from_folder", from_folder)
    cohort = read_cohort(str(tmp_path), words, target="Dx")
    assert asked == {**words, "target": "Dx"}
    said = ", ".join(f"{name}={value!r}" for name, value in asked.items())
    assert cohort.code[0] == f"X = MultimodalData.from_folder({str(tmp_path)!r}, {said})"
    assert cohort.notes[:2] == (
        "cov.csv has 3 subjects too many.",
        "The target 'Dx' is taken out of cov.csv, and is no feature.",
    )


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_headers_of_any_separator(separator, tmp_path):
    names = ['"sub, id"', " Dx ", "age"]
    (tmp_path / "a.csv").write_text(separator.join(names) + "\n", encoding="utf-8-sig")
    (tmp_path / "._a.csv").write_text("junk")
    assert _folder._headers(tmp_path) == {"a.csv": ["sub, id", "Dx", "age"]}
