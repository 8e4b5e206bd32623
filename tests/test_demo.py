"""`python -m skmmcl`: the whole way on small data, and what it says when it cannot go it."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import KFold, cross_validate
from sklearn.pipeline import Pipeline

from skmmcl import MultimodalData, _demo
from skmmcl import __main__ as command

QUICK = ["--quick", "--folds", "2", "--n-jobs", "1"]
METHODS = ["concatenation", "CMC only", "CSS only", "CMC+CSS"]


@pytest.fixture
def cohort_folder(tmp_path):
    """A folder with a matrix, a table with a gap, and participants of whom two lack a label."""
    rng = np.random.default_rng(0)
    ids = [f"{i:03d}" for i in range(30)]
    diagnosis = np.array(["control", "patient"], dtype=object)[np.arange(30) % 2]
    diagnosis[:2] = None
    people = pd.DataFrame({"participant_id": ids, "diagnosis": diagnosis, "age": rng.random(30)})
    people["country"] = ["A"] * 29 + ["B"]
    people.to_csv(tmp_path / "participants.tsv", sep="\t", index=False)
    table = pd.DataFrame(rng.normal(size=(30, 3)), columns=["iq", "bmi", "sleep"])
    table.loc[5, "iq"] = np.nan
    table.assign(participant_id=ids).to_csv(tmp_path / "clinical.csv", index=False)
    np.save(tmp_path / "fc.npy", rng.normal(size=(30, 4, 4)))
    return tmp_path


def fail(args, capsys) -> str:
    """Run with something that the user can mend, and return the message."""
    with pytest.raises(SystemExit) as exit_info:
        command.main([str(arg) for arg in args])
    assert exit_info.value.code == 2
    return capsys.readouterr().err


def test_embedded_cohort(tmp_path, capsys):
    figure = tmp_path / "figure.png"
    command.main([*QUICK, "--output", str(figure)])
    out, err = capsys.readouterr()
    assert "simulated" in out
    rows = [line.split("  ")[0] for line in out.splitlines()]
    assert [row for row in rows if row in METHODS] == METHODS
    assert str(figure) in out
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert "100%" in err


def test_folder(cohort_folder, tmp_path, capsys):
    figure = tmp_path / "figure.png"
    options = ["--data", cohort_folder, *QUICK, "--output", figure]
    command.main([str(option) for option in options])
    out = capsys.readouterr().out
    assert "28 subjects, 2 modalities" in out
    assert "2 subjects without 'diagnosis' are left out" in out
    assert "missing in ['clinical']: imputed" in out
    assert {"clinical alone", "fc alone", *METHODS} <= {row[:14].strip() for row in out.split("\n")}
    assert figure.exists()


def test_without_matplotlib_all_but_the_figure(cohort_folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    figure = tmp_path / "figure.png"
    options = ["--data", cohort_folder, *QUICK, "--output", figure]
    command.main([str(option) for option in options])
    out = capsys.readouterr().out
    assert 'pip install "skmmcl[plot]"' in out
    assert "CMC+CSS" in out
    assert not figure.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target", "iq"], "found ['iq'] among ['diagnosis', 'age', 'country']"),
        (["--target", "age"], "'age' is continuous"),
        (["--target", "country"], "found A: 29, B: 1; lower --folds"),
        (["--folds", "15"], "15 folds, found control: 14, patient: 14"),
        (["--folds", "1"], "--folds must be at least 2"),
        (["--output", "no/such/folder/figure.png"], "no folder no/such/folder"),
    ],
)
def test_mistakes_end_with_a_message(options, message, cohort_folder, capsys):
    assert message in fail(["--data", cohort_folder, *options], capsys)


def test_no_folder(tmp_path, capsys):
    assert "nowhere is not a folder" in fail(["--data", tmp_path / "nowhere"], capsys)


@pytest.mark.parametrize("names", [["diagnosis", "group"], ["a", "b"]])
def test_target_must_be_one_that_is_meant(names, cohort_folder, capsys):
    people = pd.read_csv(cohort_folder / "participants.tsv", sep="\t", dtype=str)
    people = people[["participant_id"]].assign(**dict.fromkeys(names, people["diagnosis"]))
    people.to_csv(cohort_folder / "participants.tsv", sep="\t", index=False)
    message = fail(["--data", cohort_folder], capsys)
    assert "--target" in message
    assert f"among {names}" in message


def test_infinite_values_are_found_before_training(cohort_folder, capsys, monkeypatch):
    monkeypatch.setattr(command, "compare", lambda *args: pytest.fail("training began"))
    fc = np.load(cohort_folder / "fc.npy")
    fc[3, 1, 2] = np.inf
    np.save(cohort_folder / "fc.npy", fc)
    assert "Modality 'fc': 1 infinite" in fail(["--data", cohort_folder], capsys)


def test_command_line_ends_without_a_traceback(tmp_path):
    call = [sys.executable, "-m", "skmmcl", "--data", str(tmp_path)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "holds no <modality>.npy" in done.stderr
    assert "Traceback" not in done.stderr


def test_compare_gives_the_scores_of_cross_validate():
    rng = np.random.default_rng(0)
    X = MultimodalData(a=rng.normal(size=(40, 2)), b=rng.normal(size=(40, 3)))
    y = (X["a"][:, 0] + rng.normal(size=40) > 0).astype(int)
    stratified = Pipeline([("clf", DummyClassifier(strategy="stratified", random_state=0))])
    methods = {"first": stratified, "second": _demo.make_methods(X)["concatenation"]}
    splits = list(KFold(3).split(X))
    table = _demo.compare(methods, X, y, splits)
    for name, method in methods.items():
        expected = cross_validate(method, X, y, cv=splits, scoring=list(_demo.SCORES))
        for score, values in table[name].items():
            np.testing.assert_array_equal(values, expected[f"test_{score}"])
    assert table["first"]["roc_auc_ovr"].shape == (3,)


def test_a_modality_alone_sees_only_itself():
    rng = np.random.default_rng(0)
    X = MultimodalData(a=rng.normal(size=(40, 2)), b=rng.normal(size=(40, 3, 3)))
    methods = _demo.make_methods(X)
    y = np.arange(40) % 2
    assert methods["a alone"].fit(X, y)["clf"].n_features_in_ == 2
    assert methods["b alone"].fit(X, y)["clf"].n_features_in_ == 9
    assert methods["concatenation"].fit(X, y)["clf"].n_features_in_ == 11


def test_missing_rows_are_no_gaps():
    whole, single = np.ones((3, 2)), np.ones((3, 2))
    whole[1], single[1, 0] = np.nan, np.nan
    assert _demo.find_gaps(MultimodalData(whole=whole, single=single)) == ["single"]
