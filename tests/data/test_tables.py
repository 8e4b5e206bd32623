"""Tables of text as researchers write them."""

import numpy as np
import pytest

from skmmcl.data import MultimodalData
from skmmcl.data._io import read_source
from skmmcl.data._tables import read_table
from skmmcl.exceptions import DataError

pd = pytest.importorskip("pandas")
IDS = ["007", "010", "021", "100"]
FRAME = pd.DataFrame({"id": IDS, "age": [31.5, 28.0, np.nan, 40.25], "site": ["A", "B", "Ä", "A"]})


def check(source):
    assert source.ids == IDS
    np.testing.assert_array_equal(source.values["age"], FRAME["age"])
    assert source.values["site"].tolist() == FRAME["site"].tolist()
    assert list(source.values.columns) == ["age", "site"]


def read(folder, text, name="a.csv", encoding="utf-8"):
    (folder / name).write_bytes(text.encode(encoding))
    return read_source(folder / name)


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt", "a.CSV"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize(("sep", "decimal"), [*zip(",;;\t|\t", ".,.,..", strict=True)])
def test_separators_and_encodings(tmp_path, name, encoding, sep, decimal):
    text = FRAME.to_csv(sep=sep, decimal=decimal, index=False)
    for end in ("\n", "\r\n", "\r"):
        check(read(tmp_path, text.replace("\n", end), name, encoding))
    check(read(tmp_path, text.rstrip("\n"), name, encoding))
    check(read(tmp_path, FRAME.to_csv(sep=sep, decimal=decimal, index=False, quoting=1), name))


def test_delimiters_at_the_end_of_rows(tmp_path):
    text = FRAME.to_csv(index=False)
    rows = text.replace("\n", ",\n")
    check(read(tmp_path, rows))
    check(read(tmp_path, rows.replace(",", "\t", 1).replace("\t", ",")))
    header, _, body = rows.partition("\n")
    check(read(tmp_path, f"{header[:-1]}\n{body}"))
    german = FRAME.to_csv(index=False, sep=";", decimal=",").replace("\n", ";\n")
    check(read(tmp_path, german.replace(";\n", "\n", 1)))


def test_names_of_rows_that_r_writes(tmp_path):
    text = FRAME.set_index("id").to_csv(sep=" ", na_rep="NA")
    check(read(tmp_path, text.removeprefix("id "), "a.txt"))
    check(read(tmp_path, text.removeprefix("id ").replace(" ", "\t"), "a.tsv"))
    check(read(tmp_path, text.removeprefix("id").replace(" ", ",")))


@pytest.mark.parametrize("name", ["a.txt", "a.tsv"])
def test_what_write_table_of_r_gives(tmp_path, name):
    numbered = FRAME.set_axis([str(k) for k in range(1, 5)])
    for table in (FRAME, FRAME.set_index("id"), numbered):
        is_frame = table is FRAME
        text = table.to_csv(sep=" ", na_rep="NA", quoting=2, index=not is_frame)
        header, _, body = text.partition("\n")
        if not is_frame:
            header = header.partition(" ")[2]
        check(read(tmp_path, f"{header}\n{body}", name))


def test_a_row_that_is_cut_off_is_no_new_layout(tmp_path):
    for end in ("\n", "\t\n", ",2\n"):
        with pytest.raises(DataError, match=r"row \d has"):
            read(tmp_path, f"RID,x,y\n01 ,1,2\n02 ,1{end}".removesuffix(",2\n"), "a.tsv")


def test_answers_are_no_decimals(tmp_path):
    text = "participant_id\trace\tage\ns1\t1,3\t31,5\ns2\t2\t28\n"
    values = read(tmp_path, text, "a.tsv").values
    assert values["race"].tolist() == ["1,3", "2"]
    assert values["age"].tolist() == [31.5, 28]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,x\ns1,1,5\ns2,2,5\n", r"each row has 3 fields, the first line 2 \('id', 'x'\), cut"),
        ("x\n1,5\n2,5\n", "each row has 2 fields, the first line 1"),
        ("id,x,y\ns1,1,2\ns2,3\n", "row 2 has 2 fields, the first line 3"),
        ("id,x,y\ns1,1,2\ns2,3,4,5\n", "row 2 has 4 fields, the first line 3"),
        ("A study\nid,x\ns1,1\n", "row 1 has 2 fields, the first line 1|each row has 2 fields"),
        ("id,x,x\ns1,1,2\n", "two columns named 'x'"),
        ("id,x, x \ns1,1,2\n", "two columns named 'x'"),
        ("id;x;y\ns1;1,5;2.5\n", r"decimal comma \(column 'x'\) and others with a point"),
        ("id;x\ns1;1,234\ns2;2,345\n", "the comma of '1,234' may mark decimals or thousands"),
        ("id,x\n", "a first line and no rows"),
        ("", "it is empty"),
        ("/annex/objects/MD5E-s1--2.csv\n", "pointer to its content: fetch it"),
        ("version https://git-lfs.github.com/spec/v1\noid 1\n", "pointer to its content"),
        # no header line
        ("1,0.5,3\n2,0.7,4\n", "first line of a.csv looks like values.*: '1', '0.5', '3'"),
        ("s1,0.5,0.3\ns2,0.7,0.4\n", "first line of a.csv looks like values"),
        ("s1;0,5;0,3\ns2;0,7;0,4\n", "first line of a.csv looks like values"),
        ("s1,0,1\ns2,1,0\n", "first line of a.csv looks like values"),
        ("s1,1,2,3,4,5\ns2,2,1,3,5,4\n", "first line of a.csv looks like values"),
        ("sub-01,M,HC\nsub-02,F,HC\nsub-03,F,MDD\nsub-04,M,MDD\n", "looks like values"),
        ("sub-01,None\nsub-02,F\nsub-03,F\n", "looks like values"),
        ("M,30\nF,31\nM,22\n", "looks like values"),
        ("0\n1\n1\n0\n", "looks like values"),
        ("s1,NA,0.5\ns2,0.7,0.4\n", "looks like values"),
        ("1,2\n2,1\n1,1\n", "looks like values"),
        ("1,1,2\n2,3,4\n", "two columns named '1'; .*add a header line if"),
        ("id,x\ns1,1\ns2,2\nid,x\ns3,3\n", "looks like values"),
    ],
)  # fmt: skip
def test_tables_that_are_refused(tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        MultimodalData.from_folder(tmp_path)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("0,1,2,3\n5,6,7,8\n1,2,3,4\n", ["0", "1", "2", "3"]),
        (",1,2\ns1,3,4\ns2,5,6\n", ["1", "2"]),
        ("id,1001,2001\ns1,3,4\ns2,5,6\n", ["1001", "2001"]),
        ("0,1\n0.5,0.3\n0.2,0.1\n", ["0", "1"]),
        ("\n\nid,x\n\ns1,3\n\ns2,4\n\n", ["x"]),
        ("id, x , my y\ns1, 3, 4\ns2, 5, 6\n", ["x", "my y"]),
        ('id,"x, left","y ""q"""\ns1,"3",4\ns2,5,6\n', ["x, left", 'y "q"']),
        ("id,x,,\ns1,3,,\ns2,4,,\n", ["x"]),
        ("sep=;\nid;x\ns1;3\ns2;4\n", ["x"]),
        (",Unnamed: 0,id,x\n0,5,s1,3\n1,6,s2,4\n", ["x"]),
        ("id;x (mm, left);y\ns1;3;4\ns2;5;6\n", ["x (mm, left)", "y"]),
    ],
)
def test_headers_that_are_read(tmp_path, text, columns):
    (tmp_path / "a.csv").write_text(text)
    assert MultimodalData.from_folder(tmp_path).columns["a"] == columns


def test_a_header_of_numbers_that_is_said(tmp_path):
    (tmp_path / "a.csv").write_text("code,10,20\ns5,1,2\nt7,3,4\n")
    with pytest.raises(DataError, match=r"looks like values.*id_column="):
        MultimodalData.from_folder(tmp_path)
    X = MultimodalData.from_folder(tmp_path, id_column="code")
    assert X.columns["a"] == ["10", "20"]
    assert X.index.tolist() == ["s5", "t7"]


@pytest.mark.parametrize("label", ["None", "NA", "null", "NULL", "NaN", "N/A", "nan", "<NA>"])
def test_labels_among_text_and_gaps_among_numbers(tmp_path, label):
    text = f"id,group,score\ns1,{label},1.5\ns2,MDD,{label}\ns3,n/a,2.5\ns4,,n/a\n"
    group = read(tmp_path, text).values["group"]
    assert group.tolist()[:2] == [label, "MDD"]
    assert group.isna().tolist() == [False, False, True, True]
    score = read(tmp_path, text).values["score"]
    np.testing.assert_array_equal(score, [1.5, np.nan, 2.5, np.nan])


def test_labels_lose_blanks(tmp_path):
    text = "participant_id\tsex\ns1\tM\ns2\tM \ns3\t F\n"
    assert read(tmp_path, text, "a.tsv").values["sex"].tolist() == ["M", "M", "F"]


def test_booleans_with_gaps_stay_booleans(tmp_path):
    values = read(tmp_path, "id,x\ns1,True\ns2,\ns3,False\n").values["x"]
    assert values.tolist()[::2] == [True, False]


def test_an_id_that_is_missing_however_it_is_written(tmp_path):
    for gap in ("NA", "", "n/a", " "):
        with pytest.raises(DataError, match=r"a\.csv lacks the id \(id\) of row 1"):
            read(tmp_path, f"id,x\ns1,1\n{gap},2\n")


def test_identifiers_stay_as_they_are_written(tmp_path):
    for ids in (["007", "1e5"], ["1.0", "2.50"], ["12345678901234567890123", "9" * 19]):
        assert read(tmp_path, f"id,x\n{ids[0]},1\n{ids[1]},2\n").ids == ids


def test_a_table_that_quotes_cannot_be_cut(tmp_path):
    (tmp_path / "a.csv").write_text('id,x\ns1,"1\ns2,2\n')
    with pytest.raises(DataError, match=r"a\.csv"):
        read_table(tmp_path / "a.csv")


def test_source_by_known_identifiers(tmp_path):
    (tmp_path / "p.tsv").write_text("n\tKennung\tage\n1\t50\t3\n2\t60\t4\n3\t70\t5\n")
    source = read_source(tmp_path / "p.tsv", known=["sub-50", "sub-60", "sub-70", "sub-80"])
    assert source.ids == ["50", "60", "70"]
    assert read_source(tmp_path / "p.tsv").ids is None
    assert read_source(tmp_path / "p.tsv", id_column="n").ids == ["1", "2", "3"]
