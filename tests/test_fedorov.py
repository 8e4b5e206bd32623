"""The script that runs the comparison of Fedorov et al. on files of the user."""

import sys
from importlib import import_module
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

SIDE = 32


@pytest.fixture
def cohort(tmp_path):
    """A folder of image pairs and its table: 12 subjects, the first with two pairs."""
    rng = np.random.default_rng(0)
    subjects = ["s00", *(f"s{k:02d}" for k in range(12))]
    table = pd.DataFrame({"subject": subjects, "diagnosis": ["AD", *["AD", "HC", "MCI"] * 4]})
    for kind in ("t1", "falff"):
        table[kind] = [f"{subject}_{row}_{kind}.nii" for row, subject in enumerate(subjects)]
        for path in table[kind]:
            volume = rng.gamma(2, size=(20, 24, 20)).astype(np.float32)
            nib.save(nib.Nifti1Image(volume, np.diag([8.0, 8, 8, 1])), tmp_path / path)
    table.to_csv(tmp_path / "table.csv", index=False)
    return tmp_path


@pytest.fixture
def script(repo_dir, monkeypatch):
    monkeypatch.syspath_prepend(repo_dir / "benchmarks")
    yield import_module("fedorov")
    sys.modules.pop("fedorov")


def options(folder, *more):
    return [
        *(str(folder), str(folder / "table.csv"), "--modality", "t1=t1", "--modality"),
        *("falff=falff", "--label", "diagnosis", "--groups", "HC", "AD", "--subject", "subject"),
        *("--side", str(SIDE), "--epochs", "1", "--batch-size", "4", "--hold-out", "3"),
        *("--folds", "2", "--trials", "2", "--cache", str(folder / "cache"), "--device", "cpu"),
        *more,
    ]


def test_names_of_the_paper_are_models(script):
    args = script.read_arguments(options(Path()))
    assert len(args.models) == 21
    names = {type(script.make_model(name, ("t1",), args)).__name__ for name in args.models}
    assert {"DeepInfoMaxEmbedder", "SupervisedEmbedder"} <= names


def test_rows_of_a_subject_stay_together_and_one_counts(script, cohort):
    args = script.read_arguments(options(cohort))
    X, y, subjects = script.read_cohort(args)
    assert X.shapes == {"t1": (SIDE,) * 3, "falff": (SIDE,) * 3}
    assert y.tolist() == [1, *[1, 0, -1] * 4]
    splits = list(script.split(y, subjects, args))
    assert len(splits) == 2
    for train, validation, held_out in splits:
        assert not set(subjects[train]) & {*subjects[validation], *subjects[held_out]}
        assert len(held_out) == len(set(subjects[held_out])) == 3
        for part in (train, validation, held_out):
            assert {0, 1} <= set(y[part])


def test_bids_folders_are_read_by_patterns(script, cohort):
    table = pd.read_csv(cohort / "table.csv").iloc[1:]
    table.insert(0, "participant_id", "sub-" + table["subject"])
    for subject, path in zip(table["participant_id"], table["t1"], strict=True):
        folder = cohort / subject / "anat"
        folder.mkdir(parents=True)
        (cohort / path).rename(folder / f"{subject}_T1w.nii")
    table.to_csv(cohort / "participants.tsv", sep="\t", index=False)
    args = script.read_arguments(options(cohort))
    args.table, args.modality = cohort / "participants.tsv", ["t1=anat/*_T1w.nii"]
    X, y, subjects = script.read_cohort(args)
    assert X.shapes == {"t1": (SIDE,) * 3}
    assert X.mask.all()
    assert y.tolist() == [1, 0, -1] * 4
    assert len(set(subjects)) == 12


@pytest.mark.parametrize(
    "models",
    [
        ["S"],
        pytest.param(["DCCAE", "MMVAE", "Supervised"], marks=pytest.mark.slow),
    ],
)
@pytest.mark.filterwarnings("ignore:.*CCA:UserWarning")
def test_made_up_files_give_a_table_of_scores(script, cohort, models, capsys):
    out = cohort / "results.csv"
    table = script.main(options(cohort, "--models", *models, "--out", str(out)))
    assert table["model"].tolist() == [name for name in models for _ in range(2)]
    assert table["modality"].tolist() == ["t1", "falff"] * len(models)
    converged = table[table["model"] != "MMVAE"]  # at the paper's learning rate it may diverge
    assert all(len(scores) == 2 for scores in converged["fold_scores"])
    assert converged["roc_auc"].between(0, 1).all()
    assert "12 subjects, [4, 4, 5] pairs of images" in capsys.readouterr().out
    assert len(pd.read_csv(out)) == len(table)
