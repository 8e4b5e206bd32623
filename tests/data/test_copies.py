"""The target of a study among the features of a folder."""

import warnings

import numpy as np
import pytest

from skmmcl.data import MultimodalData
from skmmcl.data._copies import find_copies
from skmmcl.exceptions import DataError

pd = pytest.importorskip("pandas")
N = 20


@pytest.fixture
def tables():
    rng = np.random.default_rng(0)
    ids = [f"s{k:02d}" for k in range(N)]
    people = pd.DataFrame({"id": ids, "Dx": rng.permutation([0, 1] * 10), "Age": rng.random(N)})
    cov = people.assign(Sex=rng.permutation([0, 1] * 10), iq=rng.normal(size=N)).sample(frac=1)
    return people, cov


def write(folder, **tables):
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)


@pytest.mark.parametrize("wanted", ["Dx", "dx", " DX"])
def test_the_target_is_no_feature(tmp_path, tables, wanted):
    people, cov = tables
    write(tmp_path, participants=people, cov=cov)
    X = MultimodalData.from_folder(tmp_path, target=wanted)
    assert X.columns["cov"] == ["Age", "Sex", "iq"]
    assert X.meta["Dx"].tolist() == people["Dx"].tolist()
    with pytest.warns(UserWarning, match=r"cov\.csv: 'Dx' is read as a feature\. If it is"):
        assert "Dx" in MultimodalData.from_folder(tmp_path).columns["cov"]


def test_a_target_that_one_table_has(tmp_path, tables):
    people, cov = tables
    write(tmp_path, participants=people[["id", "Age"]], cov=cov[:15].drop(columns="Age"))
    X = MultimodalData.from_folder(tmp_path, target="Dx")
    assert X.columns["cov"] == ["Sex", "iq"]
    assert list(X.meta) == ["Age", "Dx"]
    expected = people["Dx"].where(people["id"].isin(cov["id"][:15]))
    np.testing.assert_array_equal(X.meta["Dx"], expected)
    (tmp_path / "participants.csv").unlink()
    X = MultimodalData.from_folder(tmp_path, target="Dx")
    assert X.meta["Dx"].tolist() == cov["Dx"][:15].tolist()


def test_a_table_of_nothing_but_the_target(tmp_path, tables):
    people, cov = tables
    write(tmp_path, a=people[["id", "Dx"]], cov=cov[["id", "iq"]])
    X = MultimodalData.from_folder(tmp_path, target="Dx")
    assert X.modalities == ("cov",)
    assert X.meta["Dx"].tolist() == people["Dx"].tolist()


@pytest.mark.parametrize(
    ("target", "message"),
    [("y", r"'y' is in no table; one must have it\. Columns: a\.csv: 'id', 'Dx', 'Age'; cov\.csv"),
     ("Dx", r"'Dx' is in a\.csv and cov\.csv; one must have it")],
)  # fmt: skip
def test_a_target_that_is_not_there_or_twice(tmp_path, tables, target, message):
    write(tmp_path, a=tables[0], cov=tables[1])
    with pytest.raises(DataError, match=message):
        MultimodalData.from_folder(tmp_path, target=target)


@pytest.mark.parametrize("labels", [[0, 1], [1, 2], ["HC", "PAT"], [True, False], ["1", "x"]])
@pytest.mark.parametrize("codes", [[0, 1], [1, 0], [-1, 1], [5.5, 2.25]])
def test_copies_under_another_name(tmp_path, tables, labels, codes):
    people, cov = tables
    cov["diagnosis"] = cov["Dx"].map(dict(enumerate(codes)))
    people["Dx"] = people["Dx"].map(dict(enumerate(labels)))
    write(tmp_path, participants=people, cov=cov.drop(columns="Dx"))
    with pytest.warns(UserWarning, match=r"cov\.csv: column 'diagnosis' is a copy of the targ"):
        X = MultimodalData.from_folder(tmp_path, target="Dx")
    assert X.columns["cov"] == ["Age", "Sex", "iq", "diagnosis"]


@pytest.mark.parametrize("copy", [lambda y: y, lambda y: 12 * y, lambda y: 80 - y])
def test_copies_of_numbers(tmp_path, tables, copy):
    people, cov = tables
    cov["months"] = copy(cov["Age"])
    write(tmp_path, participants=people, cov=cov.drop(columns="Age"))
    with pytest.warns(UserWarning, match=r"column 'months' is a copy of the target 'Age'"):
        MultimodalData.from_folder(tmp_path, target="Age")


def test_copies_in_arrays(tmp_path, tables):
    people, _ = tables
    write(tmp_path, participants=people)
    x = np.random.default_rng(0).normal(size=(N, 3))
    x[:, 1] = people["Dx"]
    np.save(tmp_path / "fc.npy", x)
    with pytest.warns(UserWarning, match=r"fc\.npy: column 1 is a copy of the target 'Dx'"):
        MultimodalData.from_folder(tmp_path, target="Dx")


def test_copies_with_gaps():
    y = ["a", "b", "c", None, "a", "b", "c", "a"]
    x = np.array(
        [[1, 2, 3, 9, np.nan, 2, 3, 1], [1, 2, 2, 9, 1, 2, 2, 1], [1, 2, 3, 1, 2, 3, 1, 1]]
    )
    assert find_copies(x.T, y) == [0]
    assert find_copies(np.array([[1, np.nan, 2, 4], [1, 2, 3, 5]]).T, [1.0, 7, 2, 4]) == [0]
    assert find_copies(x.T, ["a"] * 8) == []


def test_what_is_only_like_the_target(tmp_path, tables):
    people, cov = tables
    cov["near"] = cov["Dx"]
    cov.iloc[0, -1] = 1 - cov.iloc[0, -1]
    cov["rounded"] = cov["Age"].round(2)
    write(tmp_path, participants=people, cov=cov.drop(columns=["Dx", "Age"]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for target in ("Dx", "Age"):
            MultimodalData.from_folder(tmp_path, target=target)
