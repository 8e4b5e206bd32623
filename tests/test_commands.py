"""`skmmcl check`, `compare` and `report`: what they print and write, and how they end."""

import re
import subprocess
import sys
from configparser import ConfigParser
from html import unescape
from importlib import import_module

import numpy as np
import pandas as pd
import pytest

from skmmcl import MultimodalData, _folder, _study
from skmmcl import __main__ as command
from skmmcl._check import find_faults
from skmmcl._groups import find_group_columns
from skmmcl.model_selection import _compare

QUICK = ["--quick", "--folds", "3", "--n-jobs", "1"]
EVIL = "<script>alert(1)</script>"


def write_cohort(folder, n=45, **columns):
    """Write two modalities, of which few lack one, and a list of subjects."""
    rng = np.random.default_rng(0)
    ids = [f"s{k:02d}" for k in range(n)]
    patient = np.arange(n) % 3 == 0
    people = {"participant_id": ids, "diagnosis": np.where(patient, "SZ", "HC"), **columns}
    people.setdefault("age", rng.uniform(20, 60, n).round(1))
    pd.DataFrame(people).to_csv(folder / "participants.tsv", sep="\t", index=False)
    table = pd.DataFrame(rng.normal(size=(n, 4)) + patient[:, None], columns=list("abcd"))
    table.assign(participant_id=ids)[:-3].to_csv(folder / "clinical.csv", index=False)
    np.save(folder / "fc.npy", rng.normal(size=(n, 4, 4)))
    return folder


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data").mkdir()
    return write_cohort(tmp_path / "data")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(capsys, *args) -> tuple[int, str]:
    """Run a command; return its exit code and what it prints."""
    code = command.main([str(arg) for arg in args])
    return code, capsys.readouterr().out


def fail(capsys, *args) -> str:
    with pytest.raises(SystemExit) as error:
        command.main([str(arg) for arg in args])
    assert error.value.code == 2
    return capsys.readouterr().err


# ------------------------------------------------------------------------------------------ check
def test_check_says_what_is_there(folder, capsys):
    (folder / "scan.nii.gz").write_bytes(b"")
    code, out = run(capsys, "check", folder)
    assert code == 0
    for text in (
        "clinical.csv      table with 5 columns: a, b, c, d, participant_id",
        "participants.tsv  the list of subjects with 3 columns: participant_id, diagnosis, age",
        "scan.nii.gz       not read: an image",
        "45 subjects, identifiers s00 ... s44",
        "fc        4 x 4 values for each subject",
        "clinical  42 of 45 have it, missing for 3: s42, s43, s44",
        "3 subjects have fc alone",
        "diagnosis  HC 30, SZ 15  <- the target",
        "age        numbers from 2",
        "<- may be a target",
        "has the classes HC: 30, SZ: 15",
        f"skmmcl compare --data {folder} --target diagnosis",
        f"skmmcl report --data {folder} --target diagnosis",
    ):
        assert text in out
    assert "Problems\n  none" in out


def test_equal_rows_of_few_values_are_no_problem():
    codes = np.random.default_rng(0).integers(0, 2, (60, 4)).astype(float)
    empty = np.vstack([np.zeros((9, 4)), np.arange(80).reshape(20, 4)])
    for array, n_notes in ((codes, 1), (empty, 0)):
        problems, notes = [], []
        find_faults(MultimodalData(a=array), "a", array, problems, notes)
        assert (len(problems), len(notes)) == (0, n_notes)


def test_check_finds_problems(folder, capsys):
    table = pd.read_csv(folder / "clinical.csv")
    table["a"], table.loc[4, "b"], table.loc[3, "c"] = 1.5, np.inf, np.nan
    table.to_csv(folder / "clinical.csv", index=False)
    fc = np.load(folder / "fc.npy")
    fc[7] = fc[8]
    np.save(folder / "fc.npy", fc)
    code, out = run(capsys, "check", folder)
    assert code == 1
    notes, problems = re.search(r"Notes\n(.*?)\n\nProblems\n(.*?)\n\n", out, re.DOTALL).groups()
    assert "clinical has constant values, which say nothing: a." in notes
    assert "clinical lacks single values (0.6%), in c" in notes
    assert "clinical has infinite values, in b." in problems
    assert "fc has 1 rows that equal another one" in problems
    assert f"mend the problems, then: skmmcl check --data {folder}" in out


def test_check_names_data_that_cannot_be_read(folder, capsys, monkeypatch):
    for k in range(6):
        (folder / f"a{k}.xyz").write_bytes(b"")
    (folder / "ages.xlsx").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    monkeypatch.setattr(pd, "read_excel", lambda *args, **options: import_module("openpyxl"))
    monkeypatch.setattr(_folder, "find_spec", lambda name: None)
    _, out = run(capsys, "check", folder)
    assert "ages.xlsx         workbook: each sheet is a table" in out
    assert re.search(r'Notes\n.*ages\.xlsx \(it needs pandas and openpyxl: pip install "skm', out)


def test_check_finds_leaks(tmp_path, capsys):
    patient = np.arange(45) % 3 == 0
    write_cohort(tmp_path, site=np.where(patient, "A", "B"))
    table = pd.read_csv(tmp_path / "clinical.csv")
    code, out = run(capsys, "check", tmp_path)
    assert code == 1
    assert re.search(r"Problems\n.*site", out)
    table.assign(code=patient[:42] + 1).to_csv(tmp_path / "clinical.csv", index=False)
    code, out = run(capsys, "check", "--data", tmp_path, "--target", "diagnosis")
    assert code == 1
    assert "clinical.csv holds a copy of the target 'diagnosis'" in out


def test_check_without_a_target_names_candidates(tmp_path, capsys):
    write_cohort(tmp_path)
    people = pd.read_csv(tmp_path / "participants.tsv", sep="\t")
    people = people.rename(columns={"diagnosis": "outcome"}).assign(rare=["x", *["y"] * 44])
    people.to_csv(tmp_path / "participants.tsv", sep="\t", index=False)
    code, out = run(capsys, "check", tmp_path)
    assert code == 0
    assert "--target COLUMN      where COLUMN is one of outcome, age" in out
    assert "rare     y 44, x 1\n" in out
    code, out = run(capsys, "check", tmp_path, "--target", "rare")
    assert code == 1
    assert "needs two classes or more of 5 subjects or more for 5 folds, found x: 1, y: 44" in out


def test_check_of_what_cannot_be_read(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    message = fail(capsys, "check", tmp_path / "empty")
    assert "empty holds no <modality>.npy, .npz, .csv or .tsv file; found nothing" in message
    assert "nowhere is not a folder" in fail(capsys, "check", "nowhere")
    assert "which folder? skmmcl check FOLDER" in fail(capsys, "check")
    assert "no table" in fail(capsys, "check", write_cohort(tmp_path), "--target", "no")


def test_check_does_without_torch(folder, repo_dir):
    code = (
        "import sys, skmmcl.__main__ as command\n"
        f"code = command.main(['check', {str(folder)!r}])\n"
        "print(code, 'torch' in sys.modules, 'skorch' in sys.modules)"
    )
    call = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(call, capture_output=True, text=True, check=True, cwd=repo_dir)
    assert done.stdout.splitlines()[-1] == "0 False False"


# ------------------------------------------------------------------------------ compare and report
def test_compare_prints_a_table_and_goes_on(folder, tmp_path, capsys, monkeypatch):
    args = ["compare", folder, *QUICK, "--output", tmp_path / "scores.csv"]
    code, out = run(capsys, *args)
    assert code == 0
    rows = [line.split("  ")[0] for line in out.splitlines()]
    assert [r for r in rows if r in {"concatenation", "dummy", "fc alone", "CMC+CSS"}] == [
        "concatenation", "dummy", "fc alone", "CMC+CSS",
    ]  # fmt: skip
    assert "p (corrected)" in out
    scores = pd.read_csv(tmp_path / "scores.csv", header=[0, 1], index_col=0)
    assert scores.shape == (3, 12)
    assert "exists; name another file, or add --overwrite" in fail(capsys, *args)

    def no_fit(*args):
        pytest.fail("a fit was done again")

    monkeypatch.setattr(_compare, "evaluate", no_fit)
    assert run(capsys, *args[:-2])[1].split("\n\n")[1] == out.split("\n\n")[1]


def test_report_of_a_folder(folder, tmp_path, capsys):
    people = pd.read_csv(folder / "participants.tsv", sep="\t")
    people[f"site{EVIL}"] = np.where(np.arange(45) % 2, "A", EVIL)
    people.to_csv(folder / "participants.tsv", sep="\t", index=False)
    code, out = run(
        capsys, "report", "--data", folder, "--target", "diagnosis", *QUICK, "--repeats", 2,
        "--output", tmp_path / "r",
    )  # fmt: skip
    assert code == 0
    html = (tmp_path / "r.html").read_text()
    assert str(tmp_path / "r.html") in out
    assert EVIL not in html
    assert "HC: 30 (67%), SZ: 15 (33%)" in html
    assert "X = MultimodalData.from_folder(" in html
    assert "RepeatedStratifiedKFold(n_repeats=2, n_splits=3, random_state=0)" in html
    assert "Not available" not in html


def test_a_report_that_exists_is_kept_before_anything_is_computed(folder, capsys, monkeypatch):
    monkeypatch.setattr(_study, "compare", lambda *args, **kwargs: pytest.fail("fits began"))
    report = folder.parent / "r.html"
    report.write_text("mine")
    message = fail(capsys, "report", folder, "--output", report)
    assert "r.html exists; name another file, or add --overwrite" in message
    assert report.read_text() == "mine"
    assert "must end with .html" in fail(capsys, "report", folder, "--output", "r.pdf")
    (folder.parent / "empty").mkdir()
    assert "holds no <modality>" in fail(capsys, "report", folder.parent / "empty")


def test_missing_packages_are_named_before_anything_is_computed(folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert "This needs jinja2" in fail(capsys, "report", folder)


@pytest.mark.parametrize(
    ("command_of", "remedy"),
    [
        (["check"], "Reading tables needs pandas"),
        (["--data"], "Reading tables needs pandas"),
        (["demo", "--data"], "Reading tables needs pandas"),
        (["compare"], "This needs pandas"),
        (["report"], "This needs pandas"),
    ],
)
def test_every_command_says_how_to_install_pandas(command_of, remedy, folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert f'{remedy}: pip install "skmmcl[' in fail(capsys, *command_of, folder)


def test_a_tilde_is_the_home_folder_everywhere(folder, capsys, monkeypatch):
    home = folder.parent
    monkeypatch.setenv("HOME", str(home))
    assert run(capsys, "check", "~/data")[0] == 0
    options = ["--work=~/fits", "--output=~/scores.csv", *QUICK]
    assert run(capsys, "compare", "~/data", *options)[0] == 0
    assert (home / "scores.csv").is_file()
    assert list((home / "fits").glob("fit-*.npz"))
    assert not (home / "~").exists()


def test_the_entry_point_is_the_command(repo_dir):
    setup = ConfigParser()
    setup.read(repo_dir / "setup.cfg")
    name, _, home = setup["options.entry_points"]["console_scripts"].strip().partition(" = ")
    module, _, function = home.partition(":")
    assert name == "skmmcl"
    assert getattr(import_module(module), function) is command.main
    assert setup["options.package_data"]["skmmcl.inspection"] == "templates/*"


def test_being_cut_off(folder, capsys, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(_study, "compare", interrupted)
    assert command.main(["report", str(folder), *QUICK]) == 130
    assert "goes on with the fits kept in skmmcl_work" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
def test_failed_fits_are_named_and_set_the_exit_code(folder, capsys, monkeypatch):
    make = _study._demo.CLASSIFICATION.make_methods

    def make_one_that_fails(X, **params):
        methods = make(X, **params)
        methods["fc alone"].set_params(clf__C="much")
        return {name: methods[name] for name in ("concatenation", "fc alone")}

    classification = _study._demo.CLASSIFICATION
    task = classification._replace(make_methods=make_one_that_fails, main="fc alone")
    monkeypatch.setattr(_study._demo, "CLASSIFICATION", task)
    code, out = run(capsys, "compare", folder, *QUICK)
    assert code == 1
    assert "Warning: 'fc alone' failed in 3 of 3 splits" in out
    assert re.search(r"fc alone +failed +InvalidParameterError: The 'C'", out)
    assert run(capsys, "report", folder, *QUICK, "--output", "r.html")[0] == 1
    html = (folder.parent / "r.html").read_text()
    assert "fc alone has no score: InvalidParameterError" in html
    assert "Not available: fc alone failed in each fold, first with InvalidParameterError" in html
    assert re.search(r"fc alone</th><td>failed</td>.*<td>–</td><td>0, 3 failed</td>", html)
    assert "nan" not in re.sub(r"base64,[\w+/=]*", "", html)


def test_the_folder_is_named_once(folder, capsys):
    assert "give the folder once" in fail(capsys, "compare", folder, "--data", folder)


def test_the_demo_by_its_name(tmp_path, capsys):
    options = ["--quick", "--folds", "2", "--n-jobs", "1", "--output", tmp_path / "f.png"]
    code, out = run(capsys, "demo", *options)
    assert code == 0
    assert (tmp_path / "f.png").exists()
    assert "A simulated cohort" in out


# ---------------------------------------------------------------------------------------- groups
FAMILY = [f"F{k // 3}" for k in range(45)]


def test_families_that_folds_would_part_are_named(tmp_path, capsys):
    write_cohort(tmp_path, Family_ID=FAMILY)
    code, out = run(capsys, "check", tmp_path)
    assert code == 1
    assert "'Family_ID' seems to name families" in out
    assert f"skmmcl check --data {tmp_path} --target diagnosis --groups Family_ID" in out
    code, out = run(capsys, "check", tmp_path, "--groups", "family_id")
    assert code == 0
    assert "Folds keep the 15 groups of 'Family_ID' together, of up to 3." in out
    assert f"skmmcl report --data {tmp_path} --target diagnosis --groups family_id" in out


def test_people_with_several_rows_are_named(tmp_path, capsys):
    write_cohort(tmp_path)
    for name, separator in (("participants.tsv", "\t"), ("clinical.csv", ",")):
        table = pd.read_csv(tmp_path / name, sep=separator)
        rows = table["participant_id"].str[1:].astype(int)
        table["participant_id"] = [f"sub-{k // 3:02d}_ses-{k % 3}" for k in rows]
        table.to_csv(tmp_path / name, sep=separator, index=False)
    out = run(capsys, "check", tmp_path)[1]
    assert "30 rows are of people who have another row, by their identifiers" in out


@pytest.mark.parametrize(
    ("name", "values", "found"),
    [
        ("FamID", FAMILY, True),
        ("twin pair", np.arange(45) // 3, False),
        ("pair", np.arange(45) // 3, True),
        ("subject_id", [f"p{k}" for k in range(45)], False),  # each another one
        ("patient", np.arange(45) % 2, False),
        ("site", FAMILY, False),
    ],
)
def test_columns_that_seem_to_name_families(name, values, found):
    X = MultimodalData(a=np.zeros((45, 1)), meta={name: np.asarray(values)})
    assert find_group_columns(X) == [name] * found


def test_groups_are_kept_together_and_the_code_does_it_too(tmp_path, capsys, monkeypatch):
    (tmp_path / "data").mkdir()
    write_cohort(tmp_path / "data", family=FAMILY)
    results = []

    def compare(methods, *args, **options):
        few = {name: methods[name] for name in ("concatenation", "CMC+CSS")}
        results.append(original(few, *args, **options))
        return results[-1]

    original = _study.compare
    monkeypatch.setattr(_study, "compare", compare)
    run(
        capsys, "report", tmp_path / "data", *QUICK, "--groups", "family", "--repeats", 2,
        "--output", tmp_path / "r.html",
    )  # fmt: skip
    (result,) = results
    assert len(result.splits) == 6
    for train, test in result.splits:
        assert not {FAMILY[k] for k in train} & {FAMILY[k] for k in test}
    code = re.search(r"<code>(.*?)</code>", (tmp_path / "r.html").read_text(), re.DOTALL)[1]
    names: dict = {}
    exec(unescape(code), names)
    np.testing.assert_array_equal(names["result"].values(), result.values())


def test_what_is_wrong_with_groups(tmp_path, capsys):
    write_cohort(tmp_path, family=[None, *FAMILY[1:]], one=["a"] * 45, site=["A", "B", "C"] * 15)
    for options, message in (
        (["family"], "'family' is empty for 1 subjects. Give each of them a value"),
        (["one"], "'one' has one value, so that no fold could be left out"),
        (["site"], "3 groups are too few for 5 folds; lower --folds"),
        (["site", "--folds", "3"], "two or more classes with 3 or more groups each for 3 folds"),
        (["a"], "no column 'a', only ['diagnosis', 'family', 'one', 'site', 'age']. It is a "),
    ):
        assert message in fail(capsys, "compare", tmp_path, "--groups", *options)


@pytest.mark.parametrize("name", ["check", "compare", "report", "demo"])
def test_help_lists_the_options_of_a_command(name, capsys):
    with pytest.raises(SystemExit) as done:
        command.main([name, "--help"])
    assert done.value.code == 0
    out = capsys.readouterr().out
    assert f"usage: skmmcl {name}" in out
    assert "Exit codes" in out
