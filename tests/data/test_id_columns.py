"""Whose row is whose: tables of a folder joined by identifiers of any name and spelling."""

import sys
from contextlib import nullcontext

import numpy as np
import pytest

from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError

pd = pytest.importorskip("pandas")
N = 24


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def cohort(rng, ids):
    """Return a listing and one value for each subject, which says who it is."""
    listing = pd.DataFrame({"participant_id": ids, "dx": rng.integers(0, 2, len(ids))})
    return listing, pd.Series(np.arange(len(ids)) + 0.5, index=ids)


def write(folder, **tables):
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)


def shuffled(rng, values, name, **more):
    order = rng.permutation(len(values))
    ids = values.index.to_numpy()[order]
    table = {name: ids, "x": values.to_numpy()[order]}
    return pd.DataFrame({**table, **{key: column[order] for key, column in more.items()}})


NUMBERS = np.arange(50003, 50003 + 3 * N, 3)


def read(folder, warned):
    """Read a folder; check that columns of small numbers are warned of."""
    with pytest.warns(UserWarning, match="is taken for the id") if warned else nullcontext():
        return MultimodalData.from_folder(folder)


@pytest.mark.parametrize(
    "name",
    ["RID", "eid", "SUB_ID", "SubjectID", "PTID", "MRID", "Subject ID", " subject id ", "Kennung",
     "lh.aparc.thickness", "Measure:volume", "nspn_id", "x0", "sub", "IID", "PARTICIPANT-ID"],
)  # fmt: skip
@pytest.mark.parametrize(
    "ids",
    [NUMBERS, [f"sub-{k}" for k in NUMBERS], np.arange(1, N + 1), np.arange(50003, 50003 + N)],
)
def test_identifiers_of_any_name(tmp_path, rng, name, ids):
    listing, values = cohort(rng, ids)
    write(tmp_path, participants=listing, a=shuffled(rng, values, name))
    X = read(tmp_path, name in {"Kennung", "x0"} and ids[0] == 1)
    assert X.columns["a"] == ["x"]
    np.testing.assert_array_equal(X["a"].ravel(), values)
    assert X.index.tolist() == [str(item) for item in ids]


def test_identifiers_that_are_not_the_first_column(tmp_path, rng):
    listing, values = cohort(rng, NUMBERS)
    table = shuffled(rng, values, "code")[["x", "code"]]
    table.insert(0, "volume", rng.permutation(np.arange(9000, 9000 + N)))
    write(tmp_path, participants=listing, a=table)
    X = MultimodalData.from_folder(tmp_path)
    assert X.columns["a"] == ["volume", "x"]
    np.testing.assert_array_equal(X["a"][:, 1], values)


@pytest.mark.parametrize(
    "names", [("RID", "RID"), ("RID", "code"), ("code", "key"), ("id", "code")]
)
@pytest.mark.parametrize("ids", [NUMBERS, np.arange(1, N + 1)])
def test_two_tables_alone(tmp_path, rng, names, ids):
    _, values = cohort(rng, ids)
    write(tmp_path, **{k: shuffled(rng, values, name) for k, name in zip("ab", names, strict=True)})
    X = read(tmp_path, ids[0] == 1 and "code" in names)
    assert X.columns == {"a": ["x"], "b": ["x"]}
    np.testing.assert_array_equal(X["a"], X["b"])
    np.testing.assert_array_equal(X["a"].ravel(), values[X.index.astype(int)])


def test_a_listing_whose_column_is_found_by_its_values(tmp_path, rng):
    listing, values = cohort(rng, [f"P{k}x" for k in NUMBERS])
    listing = listing.rename(columns={"participant_id": "Kennung"})
    write(tmp_path, participants=listing, a=shuffled(rng, values, "RID"))
    X = MultimodalData.from_folder(tmp_path)
    assert X.index.tolist() == listing["Kennung"].tolist()
    np.testing.assert_array_equal(X["a"].ravel(), values)
    assert list(X.meta) == ["dx"]


def test_several_identifiers_are_no_features(tmp_path, rng):
    listing, values = cohort(rng, NUMBERS)
    other = np.array([f"{k % 7:03d}_S_{k}" for k in NUMBERS])
    listing["PTID"] = other
    table = shuffled(rng, values, "RID", PTID=other, subject=NUMBERS)
    table.insert(0, "id", np.arange(N))
    write(tmp_path, participants=listing, a=table, b=shuffled(rng, values, "RID", number=NUMBERS))
    X = MultimodalData.from_folder(tmp_path)
    assert X.columns == {"a": ["x"], "b": ["x"]}
    np.testing.assert_array_equal(X["a"].ravel(), values)
    assert list(X.meta) == ["dx", "PTID"]


def test_a_listing_with_two_columns_of_identifiers(tmp_path, rng):
    listing, values = cohort(rng, NUMBERS)
    names = [f"Pitt_00{k}" for k in NUMBERS]
    listing.insert(0, "id", np.arange(1, N + 1))
    listing = listing.rename(columns={"participant_id": "SUB_ID"}).assign(FILE_ID=names)
    values.index = names
    write(tmp_path, participants=listing, a=shuffled(rng, values, "FILE_ID"))
    X = MultimodalData.from_folder(tmp_path)
    np.testing.assert_array_equal(X["a"].ravel(), values)
    assert X.index.tolist() == names


@pytest.mark.parametrize(
    ("first", "other"),
    [("participant_id", "code"), ("RID", "subject"), ("code", "kode")],
)
def test_columns_that_disagree(tmp_path, rng, first, other):
    listing, values = cohort(rng, NUMBERS)
    table = shuffled(rng, values, first)
    table.insert(1, other, NUMBERS)
    write(tmp_path, participants=listing, a=table)
    with pytest.raises(
        DataError, match=rf"a\.csv: columns '{first}' and '{other}' both hold .*'x'"
    ):
        MultimodalData.from_folder(tmp_path)
    for said in (first, {"a": first}):
        X = MultimodalData.from_folder(tmp_path, id_column=said)
        np.testing.assert_array_equal(X["a"][:, -1], values)


@pytest.mark.parametrize("n_rows", [N, N - 1])
def test_no_table_is_joined_by_position_to_a_cohort_with_identifiers(tmp_path, rng, n_rows):
    listing, _ = cohort(rng, NUMBERS)
    table = pd.DataFrame({"volume": rng.permutation(9000 + np.arange(n_rows)), "x": 0.5})
    write(tmp_path, participants=listing, a=table)
    message = (
        rf"a\.csv has {n_rows} rows, participants\.csv lists 24 subjects, and no column holds "
        r".*'50003', .* \(24 in all\).*seen: 'volume', 'x'.*id_column="
    )
    with pytest.raises(DataError, match=message):
        MultimodalData.from_folder(tmp_path)
    for stem in ("participants", "a"):
        (tmp_path / f"{stem}.csv").rename(tmp_path / f"b_{stem}.csv")
    with pytest.raises(DataError, match="no column holds"):
        MultimodalData.from_folder(tmp_path)


def test_a_table_may_be_said_to_go_by_position(tmp_path, rng):
    listing, _ = cohort(rng, NUMBERS)
    write(tmp_path, participants=listing, a=pd.DataFrame({"x": np.arange(N)}))
    X = MultimodalData.from_folder(tmp_path, id_column={"a": None})
    assert X["a"].ravel().tolist() == list(range(N))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            "nobody",
            r"participants\.csv has no column 'nobody' of identifiers; it has 'participant_",
        ),
        ({"a": "nobody"}, r"a\.csv has no column 'nobody' of identifiers; it has 'RID', 'x'"),
        ({"b": "RID"}, r"names no table: \['b'\]; there are \['participants', 'a'\]"),
        ("x", r"a\.csv and participants\.csv have no subject in common: '\d+\.5'.*'50003'"),
    ],
)
def test_a_column_that_is_said_and_not_there(tmp_path, rng, said, message):
    listing, values = cohort(rng, NUMBERS)
    write(tmp_path, participants=listing, a=shuffled(rng, values, "RID"))
    with pytest.raises(DataError, match=message):
        MultimodalData.from_folder(tmp_path, id_column=said)


@pytest.mark.parametrize("names", [["volume", "thickness"], ["x", "y"], ["n", "w"]])
def test_whole_numbers_that_are_features(tmp_path, rng, names):
    volumes = rng.permutation(np.arange(3001, 9999))[:N]
    table = pd.DataFrame({names[0]: volumes, names[1]: rng.permutation(volumes)})
    write(tmp_path, a=table, b=pd.DataFrame({"area": volumes + 100000, "thickness": 0.5}))
    np.save(tmp_path / "fc.npy", np.ones((N, 2)))
    X = MultimodalData.from_folder(tmp_path)
    assert X.columns["a"] == names
    assert X.columns["b"] == ["area", "thickness"]
    assert X.index is None


@pytest.mark.parametrize("ids", [NUMBERS, np.arange(1, N + 1)])
def test_a_lone_column_that_looks_like_identifiers(tmp_path, rng, ids):
    write(tmp_path, a=shuffled(rng, pd.Series(rng.random(N), index=ids), "Kennung"))
    with pytest.warns(UserWarning, match=r"column 'Kennung' .* is read as a feature.*id_column="):
        assert MultimodalData.from_folder(tmp_path).columns["a"] == ["Kennung", "x"]
    assert MultimodalData.from_folder(tmp_path, id_column="Kennung").columns["a"] == ["x"]
    assert len(MultimodalData.from_folder(tmp_path, id_column={"a": None}).columns["a"]) == 2


@pytest.mark.parametrize(
    ("listed", "spell"),
    [
        ([f"{k:03d}" for k in range(1, N + 1)], lambda k: str(int(k))),
        ([f"sub-{k:02d}" for k in range(1, N + 1)], lambda k: k[4:]),
        ([f"sub-{k:02d}" for k in range(1, N + 1)], lambda k: f"sub-{int(k[4:])}"),
        ([f"S{k}" for k in range(1, N + 1)], str.lower),
        ([f"S{k}" for k in range(1, N + 1)], lambda k: k + "  "),
        ([str(k) for k in range(1, N + 1)], lambda k: k + ".0"),
        ([f"00{k}" for k in NUMBERS], lambda k: f"{int(k)}.0"),
    ],
)
@pytest.mark.parametrize("name", ["participant_id", "Kennung"])
def test_spellings(tmp_path, rng, listed, spell, name):
    listing, values = cohort(rng, listed)
    table = shuffled(rng, values, name)
    table[name] = table[name].map(spell)
    write(tmp_path, participants=listing, a=table)
    small = table[name].str.match(r"[1-9][\d.]*$").all() and len(listed[0]) < 7
    with pytest.warns(UserWarning, match=r"a\.csv spells \d+ of 24 subjects otherwise than part"):
        X = read(tmp_path, small and name == "Kennung")
    np.testing.assert_array_equal(X["a"].ravel(), values)
    assert X.index.tolist() == listed


def test_spellings_of_tables_alone(tmp_path, rng):
    _, values = cohort(rng, [f"sub-{k:02d}" for k in range(N)])
    one, two = (shuffled(rng, values, "subject") for _ in range(2))
    two["subject"] = two["subject"].str[4:].astype(int)
    write(tmp_path, a=one, b=two)
    with pytest.warns(UserWarning, match=r"b\.csv spells 24 of 24 subjects otherwise"):
        X = MultimodalData.from_folder(tmp_path)
    assert len(X) == N
    np.testing.assert_array_equal(X["a"], X["b"])


def test_spellings_that_could_be_two_people(tmp_path, rng):
    listing, values = cohort(rng, ["1", "01", *map(str, range(2, N))])
    table = shuffled(rng, values, "id")
    write(tmp_path, participants=listing, a=table)
    with pytest.warns(UserWarning, match="'1', '01' are read as 2 subjects"):
        X = MultimodalData.from_folder(tmp_path)
    np.testing.assert_array_equal(X["a"].ravel(), values)
    write(tmp_path, a=table.replace({"id": {"01": "001"}}))
    with pytest.raises(DataError, match=r"not clear who is who: '.*001'.* in the one, '1', '01'"):
        MultimodalData.from_folder(tmp_path)


def test_extra_and_missing_people_are_counted(tmp_path, rng):
    listing, values = cohort(rng, NUMBERS)
    table = shuffled(rng, values, "RID").sort_values("RID")[4:]
    extra = pd.DataFrame({"RID": [7, 8], "x": [0.0, 0.0]})
    write(tmp_path, participants=listing, a=pd.concat([extra, table]))
    message = (
        r"a\.csv has 2 subjects that participants\.csv does not list, the first is '7'; they are "
        r"left out\. 20 of 24 subjects have a\.csv, 4 lack it\."
    )
    with pytest.warns(UserWarning, match=message):
        X = MultimodalData.from_folder(tmp_path)
    np.testing.assert_array_equal(X["a"].ravel()[4:], values[4:])
    assert X.mask.ravel().tolist() == [False] * 4 + [True] * 20


def test_nobody_in_common(tmp_path, rng):
    listing, values = cohort(rng, NUMBERS)
    values.index = [f"HC{k:02d}" for k in range(N)]
    write(tmp_path, participants=listing, a=shuffled(rng, values, "subject"))
    with pytest.raises(DataError, match=r"no subject in common: 'HC\d\d', .*'50003', '50006'"):
        MultimodalData.from_folder(tmp_path)
    (tmp_path / "participants.csv").rename(tmp_path / "b.csv")
    with pytest.raises(DataError, match=r"b\.csv and the other tables have no subject in common"):
        MultimodalData.from_folder(tmp_path)


@pytest.mark.parametrize("name", ["participant_id", "Kennung"])
def test_several_rows_of_a_subject(tmp_path, rng, name):
    listing, values = cohort(rng, [f"sub-{k}" for k in NUMBERS])
    first, second = (shuffled(rng, values + add, name) for add in (0, 100))
    table = pd.concat([first.assign(session="ses-01"), second.assign(session="ses-02")])
    write(tmp_path, participants=listing, a=table)
    message = (
        r"a\.csv lists subject 'sub-\d+' more than once\. Column 'session' \('ses-01', 'ses-02'\) "
        r"sets them apart: choose one of each, in from_folder with rows=\{'session': 'ses-01'\}"
    )
    with pytest.raises(DataError, match=message):
        MultimodalData.from_folder(tmp_path)
    X = MultimodalData.from_folder(tmp_path, rows={"session": "ses-02"})
    np.testing.assert_array_equal(X["a"].ravel(), values + 100)
    assert X.columns["a"] == ["x"]
    with pytest.raises(DataError, match=r"'session' has no row with 'ses-03', only 'ses-01', 's"):
        MultimodalData.from_folder(tmp_path, rows={"session": "ses-03"})
    with pytest.raises(DataError, match="rows= names 'visit', which no table has"):
        MultimodalData.from_folder(tmp_path, rows={"visit": 1})


def test_visits_that_are_numbers(tmp_path, rng):
    listing, values = cohort(rng, NUMBERS)
    tables = [shuffled(rng, values + add, "RID").assign(visit=add) for add in (0.0, 12.0)]
    write(tmp_path, participants=listing, a=pd.concat(tables))
    with pytest.raises(DataError, match=r"'visit' \('0\.0', '12\.0'\) sets them apart"):
        MultimodalData.from_folder(tmp_path)
    X = MultimodalData.from_folder(tmp_path, rows={"visit": 12})
    np.testing.assert_array_equal(X["a"].ravel(), values + 12)


def test_a_usual_name_of_a_column_that_groups_subjects(tmp_path, rng):
    listing, values = cohort(rng, NUMBERS)
    groups = rng.integers(0, 2, N)
    write(tmp_path, participants=listing, a=shuffled(rng, values, "RID", subject=groups))
    assert MultimodalData.from_folder(tmp_path).columns["a"] == ["x", "subject"]


def test_arrays_alone_need_no_pandas(tmp_path, monkeypatch):
    np.save(tmp_path / "fc.npy", np.ones((3, 2)))
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert MultimodalData.from_folder(tmp_path).modalities == ("fc",)


def test_a_header_that_is_a_subject(tmp_path):
    (tmp_path / "participants.csv").write_text("NDARAB,HC\nXNFI4,MDD\nQQ7,SZ\nE8D,MDD\n")
    (tmp_path / "a.csv").write_text("participant_id,x\nXNFI4,1\nE8D,2\nNDARAB,3\n")
    with pytest.raises(DataError, match=r"first line of participants\.csv holds subject 'NDARAB'"):
        MultimodalData.from_folder(tmp_path)


def test_numbers_of_rows_speak_last(tmp_path, rng):
    listing, values = cohort(rng, [f"P{k}x" for k in NUMBERS])
    listing.insert(0, "id", np.arange(1, N + 1))
    table = shuffled(rng, values, "SubjID")[2:]
    extra = pd.DataFrame({"SubjID": ["P1y", "P2y"], "x": 0.0})
    table = pd.concat([extra, table], ignore_index=True)
    table.insert(0, "id", np.arange(1, N + 1))
    write(tmp_path, participants=listing, a=table)
    with pytest.warns(UserWarning, match=r"a\.csv has 2 subjects that"):
        X = MultimodalData.from_folder(tmp_path)
    known = X.mask.ravel()
    assert known.sum() == N - 2
    np.testing.assert_array_equal(X["a"].ravel()[known], values[known])


def test_tables_alone_that_number_their_rows(tmp_path, rng):
    _, values = cohort(rng, NUMBERS)
    tables = [shuffled(rng, values, "Kennung") for _ in range(2)]
    for table in tables:
        table.insert(0, "id", np.arange(1, N + 1))
    write(tmp_path, a=tables[0], b=tables[1])
    X = MultimodalData.from_folder(tmp_path)
    assert X.columns == {"a": ["x"], "b": ["x"]}
    np.testing.assert_array_equal(X["a"], X["b"])
    assert X.index.tolist() == tables[0]["Kennung"].astype(str).tolist()
