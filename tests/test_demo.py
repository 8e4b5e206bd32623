"""`python -m skmmcl`: the whole way on small data, and what it says when it cannot go it."""

import contextlib
import io
import re
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import KFold, cross_validate
from sklearn.pipeline import Pipeline

from skmmcl import MultimodalData, _demo, _job
from skmmcl import __main__ as command

QUICK = ["--quick", "--folds", "2", "--n-jobs", "1"]
METHODS = ["concatenation", "CMC+CSS, trained", "CMC+CSS"]


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


@pytest.fixture
def no_training(monkeypatch):
    monkeypatch.setattr(_demo, "compare", lambda *args: pytest.fail("training began"))


def write_cohort(folder, people, name="participants.tsv", n_subjects=40, **tables):
    """Write tables of two modalities that go with the class of even and odd subjects."""
    rng = np.random.default_rng(0)
    ids = [f"s{i:02d}" for i in range(n_subjects)]
    signal = np.arange(n_subjects)[:, None] % 2
    for modality, width in {"smri": 4, "clinical": 3}.items():
        values = rng.normal(size=(n_subjects, width)) + signal
        tables.setdefault(modality, {f"x{k}": column for k, column in enumerate(values.T)})
    if people is not None:
        pd.DataFrame({"participant_id": ids, **people}).to_csv(folder / name, sep="\t", index=False)
    for modality, table in tables.items():
        if table is not None:
            frame = pd.DataFrame({"participant_id": ids, **table})
            frame.to_csv(folder / f"{modality}.csv", index=False)
    return folder


def run_job(folder, capsys, *options, figure=None) -> tuple[str, str]:
    """Run the job, and return the table and the code that it prints."""
    figure = folder / "figure.png" if figure is None else figure
    command.main(["--data", str(folder), *QUICK, "--output", str(figure), *options])
    out = capsys.readouterr().out
    assert figure.exists()
    return out.partition("as it was run:\n")[::2]


def run_code(code: str) -> float:
    """Run the printed code, and return the score that it prints."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(code, {})
    return float(said.getvalue())


def row_of(method: str, table: str) -> list[float]:
    """Return the mean scores of a method in the printed table."""
    (line,) = [line for line in table.splitlines() if line.startswith(f"{method} ")]
    cells = line.removeprefix(method).split("+-")
    return [float(cell.split()[-1]) for cell in cells[:-1]]


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
    assert {"clinical alone", "fc alone", *METHODS} <= {
        row.split("  ")[0] for row in out.split("\n")
    }
    assert figure.exists()


def test_without_matplotlib_all_but_the_figure(cohort_folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(_job, "find_spec", lambda name: None)
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
        (["--target", "nonsense"], "no table has a column 'nonsense'; found participants.tsv: p"),
        (["--target", "age", "--task", "classification"], "'age' is continuous"),
        (["--target", "country", "--task", "regression"], "'country' holds no numbers"),
        (["--target", "age", "--folds", "16"], "30 subjects are too few for 16 folds"),
        (["--target", "country"], "found A: 29, B: 1; lower --folds"),
        (["--folds", "15"], "15 folds, found control: 14, patient: 14"),
        (["--folds", "1"], "--folds must be at least 2"),
        (["--output", "no/such/folder/figure.png"], "no folder no/such/folder"),
        (["--output", "mean_0.7"], "mean_0.7 must end with one of eps,"),
        (["--output", "/tmp"], "/tmp is a folder"),
    ],
)
@pytest.mark.usefixtures("no_training")
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
    assert f"among {['participant_id', *names]}" in message


@pytest.mark.usefixtures("no_training")
def test_infinite_values_are_found_before_training(cohort_folder, capsys):
    fc = np.load(cohort_folder / "fc.npy")
    fc[3, 1, 2] = np.inf
    np.save(cohort_folder / "fc.npy", fc)
    assert "Modality 'fc': 1 infinite" in fail(["--data", cohort_folder], capsys)
    fc[3, 1, 2], fc[4, 0, 0] = np.nan, np.inf  # beside a value that is missing
    np.save(cohort_folder / "fc.npy", fc)
    assert "Modality 'fc': 1 infinite" in fail(["--data", cohort_folder], capsys)


# ------------------------------------------------------------------------- classes and numbers
@pytest.mark.parametrize(
    "labels",
    [(-1, 1), (-1.0, 1.0), (-1, 0, 1), (0, 1), ("AD", "HC"), (True, False), ("None", "a")],
    ids=str,
)
def test_labels_of_any_kind_and_the_code_that_was_run(labels, tmp_path, capsys):
    write_cohort(tmp_path, {"group": np.array(labels, dtype=object)[np.arange(40) % len(labels)]})
    table, code = run_job(tmp_path, capsys)
    counts = np.bincount(np.arange(40) % len(labels))
    for label, count in zip(labels, counts, strict=True):
        assert f"{label:g}: {count}" if isinstance(label, float) else f"{label}: {count}" in table
    assert ("-1 is a class here" in table) is (-1 in labels)
    assert "CMCCSSEmbedder()" in code
    assert run_code(code) == pytest.approx(row_of("CMC+CSS", table)[0], abs=6e-4)


def test_the_code_names_who_was_left_out_and_what_was_imputed(cohort_folder, capsys):
    fc = np.load(cohort_folder / "fc.npy")
    fc[7] = np.nan
    np.save(cohort_folder / "fc.npy", fc)
    clinical = pd.read_csv(cohort_folder / "clinical.csv", dtype={"participant_id": str})
    clinical.drop(index=7).to_csv(cohort_folder / "clinical.csv", index=False)
    table, code = run_job(cohort_folder, capsys)
    assert "2 subjects without 'diagnosis' are left out." in table
    assert "1 subjects without any modality are left out." in table
    assert "MultimodalData: 27 subjects" in table
    for line in ("notna(X.meta['diagnosis'])", "X.mask.any(axis=1)", "ModalityTransformer"):
        assert line in code
    assert run_code(code) == pytest.approx(row_of("CMC+CSS", table)[0], abs=6e-4)


@pytest.mark.parametrize("kind", [float, int], ids=["fractions", "whole years"])
def test_an_age_is_regressed_on(kind, tmp_path, capsys):
    rng = np.random.default_rng(1)
    age = (20 + 50 * rng.random(40)).astype(kind)
    smri = {f"x{k}": age / 10 + rng.normal(size=40) for k in range(4)}
    write_cohort(tmp_path, {"age": age}, smri=smri)
    table, code = run_job(tmp_path, capsys, "--target", "age")
    assert "a regression; --task classification takes them for classes" in table
    assert [title in table for title in ("MAE", "R2", "accuracy")] == [True, True, False]
    mae, r2 = row_of("smri alone", table)
    assert mae < 6
    assert r2 > 0.7
    mae_of_dummy, r2_of_dummy = row_of("dummy", table)
    assert mae_of_dummy == pytest.approx(np.abs(age - age.mean()).mean(), rel=0.2)
    assert -0.3 < r2_of_dummy < 0.01
    assert {"concatenation", "y-Aware"} <= {line.split("  ")[0] for line in table.splitlines()}
    error = -run_code(code)
    assert error == pytest.approx(row_of("contrastive regression", table)[0], abs=6e-4)


def test_the_code_keeps_groups_together(tmp_path):
    write_cohort(tmp_path, {"group": np.arange(40) % 2, "family": np.arange(40) // 4})
    options = ["--data", str(tmp_path), "--groups", "Family", "--folds", "3", "--repeats", "2"]
    options = command.parse(options)[1]
    cohort, splits = _job.with_folds(_job.read(options), _demo.CLASSIFICATION, options)
    pipeline = Pipeline([("clf", DummyClassifier(strategy="stratified", random_state=0))])
    expected = cross_validate(pipeline, cohort.X, cohort.y, cv=splits, scoring="r2")
    code = _job.as_code(cohort, pipeline, "r2")
    assert run_code(code) == pytest.approx(expected["test_score"].mean())
    for train, test in splits:
        assert not np.isin(cohort.groups[test], cohort.groups[train]).any()


def test_task_overrules_what_numbers_seem_to_be(tmp_path, capsys):
    write_cohort(
        tmp_path, {"site": np.arange(44) // 4 * 7, "score": np.arange(44) % 2}, n_subjects=44
    )
    table, code = run_job(tmp_path, capsys, "--target", "site", "--task", "classification")
    assert "balanced accuracy" in table
    assert "LabelEncoder" in code
    table, code = run_job(tmp_path, capsys, "--target", "score", "--task", "regression")
    assert "MAE" in table
    assert "astype(float)" in code


def test_a_target_of_one_value(tmp_path, capsys):
    write_cohort(tmp_path, {"age": 30.5})
    assert "must have different, finite numbers" in fail(
        ["--data", tmp_path, "--target", "age"], capsys
    )
    write_cohort(tmp_path, {"group": None})
    assert "all 40 subjects are without 'group'" in fail(["--data", tmp_path], capsys)


# ---------------------------------------------------------------------------------- the folder
def test_options_reach_the_reading(tmp_path, monkeypatch):
    def read_cohort(folder, words, **others):
        raise ValueError(f"{folder} {words} {others}")

    monkeypatch.setattr(_job, "read_cohort", read_cohort)
    options = ["--data", "here", "--id", "RID", "--rows", "session=1", "--rows", "run=a=b"]
    said = "here {'id_column': 'RID', 'rows': {'session': '1', 'run': 'a=b'}} {'target': None, "
    with pytest.raises(ValueError, match=re.escape(said)):
        _job.run(command.parse(options)[1])


@pytest.mark.usefixtures("no_training")
def test_no_participants_file(tmp_path, capsys):
    write_cohort(tmp_path, None)
    message = fail(["--data", tmp_path], capsys)
    assert "has no participants.tsv or participants.csv, which lists the subjects" in message
    assert "--target" in message
    message = fail(["--data", tmp_path, "--target", "Dx"], capsys)
    assert "no table has a column 'Dx'; found clinical.csv: participant_id, x0, x1, x2" in message


# --------------------------------------------------------------------------------- command line
def test_an_output_without_an_ending_is_a_png(tmp_path, capsys):
    options = ["--quick", "--folds", "2", "--n-jobs", "1", "--output", str(tmp_path / "figure")]
    command.main(options)
    assert str(tmp_path / "figure.png") in capsys.readouterr().out
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "option", ["--target=Dx", "--id=RID", "--groups=site", "--task=regression"]
)
def test_options_of_a_folder_need_one(option, capsys):
    assert "--target, --id, --rows, --groups and --task need --data" in fail([option], capsys)
    assert "--rows must be COLUMN=VALUE" in fail(["--data", "here", "--rows", "session"], capsys)


def test_help_loads_nothing_heavy(repo_dir):
    code = (
        "import sys, contextlib, io, skmmcl.__main__ as command\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "    command.main(['--help'])\n"
        "print([name for name in ('numpy', 'sklearn', 'torch') if name in sys.modules])"
    )
    call = [sys.executable, "-c", code]
    done = subprocess.run(call, capture_output=True, text=True, check=True, cwd=repo_dir)
    assert done.stdout.strip() == "[]"


def test_command_line_ends_without_a_traceback(tmp_path):
    call = [sys.executable, "-m", "skmmcl", "check", str(tmp_path)]
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


@pytest.mark.filterwarnings("ignore:.*was given one modality:UserWarning")
def test_one_modality_and_two_classes(tmp_path, capsys):
    write_cohort(tmp_path, {"group": np.array(["a", "b"])[np.arange(40) % 2]}, clinical=None)
    table, code = run_job(tmp_path, capsys)
    assert "smri alone" in table
    assert run_code(code) == pytest.approx(row_of("CMC+CSS", table)[0], abs=6e-4)
