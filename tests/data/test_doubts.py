"""Files as researchers have them: read right, refused clearly, or the decision is said."""

import numpy as np
import pytest
from scipy.io import savemat

from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError

pd = pytest.importorskip("pandas")
IDS = [f"s{k:02d}" for k in range(12)]
LISTING = "participant_id\tage\n" + "".join(f"{s}\t{20 + k}\n" for k, s in enumerate(IDS))


def read(folder, **texts):
    """Read a folder of CSV files; `listing` is its participants.tsv."""
    for name, text in texts.items():
        file = folder / ("participants.tsv" if name == "listing" else f"{name}.csv")
        file.write_text(text, encoding="utf-8")
    return MultimodalData.from_folder(folder)


SITES = "participant_id\tfamily_id\tsite\n" + "".join(f"{s}\t{s[1:]}\t1\n" for s in IDS)
SITES = SITES.replace("\t11\t1\n", "\t11B\t3A\n")


def rows(header, *columns):
    lines = (",".join(map(str, row)) for row in zip(*columns, strict=True))
    return "\n".join([header, *lines, ""])


# ------------------------------------------------------------------------------------ read right
def test_gaps_and_signs_of_other_programs(tmp_path):
    text = "id,a,b\ns1,.,\N{MINUS SIGN}1.5\ns2,2.5,.\ns3,1e3,3\n"
    X = read(tmp_path, a=text)
    np.testing.assert_array_equal(X["a"], [[np.nan, -1.5], [2.5, np.nan], [1000, 3]])
    ages = read(tmp_path, listing="participant_id\tage\ns1\t.\ns2\t31\ns3\t40\n").meta["age"]
    np.testing.assert_array_equal(ages, [np.nan, 31, 40])


def test_rows_that_a_spreadsheet_emptied(tmp_path):
    X = read(tmp_path, a='id,a\ns1,1\n,\n"",""\ns2,2\n , \n')
    assert X.index.tolist() == ["s1", "s2"]
    assert X["a"].tolist() == [[1], [2]]
    assert X.dtypes["a"].kind == "i"
    (tmp_path / "a.csv").unlink()
    X = read(tmp_path, b="x,y\n1,2\n,\n3,4\n")  # rows go by position
    assert X.mask.ravel().tolist() == [True, False, True]


@pytest.mark.parametrize("name", ["X", "index", "level_0", "...1", "No."])
def test_row_numbers_are_no_features(tmp_path, name):
    text = rows(f"{name},id,a", range(1, 13), IDS, range(5, 17))
    with pytest.warns(UserWarning, match="numbers the rows and is left out"):
        assert read(tmp_path, a=text).columns["a"] == ["a"]


def test_a_target_that_looks_like_a_row_number_is_no_row_number(tmp_path):
    (tmp_path / "a.csv").write_text(rows("id,X,a", IDS, range(1, 13), [3, 1, 2] * 4))
    X = MultimodalData.from_folder(tmp_path, target="X")
    assert X.meta["X"].tolist() == list(range(1, 13))
    assert X.columns["a"] == ["a"]


def test_row_numbers_of_pandas_that_were_saved_twice(tmp_path):
    X = read(tmp_path, a=",Unnamed: 0,id,a\n0,0,s1,1\n1,1,s2,2\n2,2,s3,4\n")
    assert X.columns["a"] == ["a"]


MATRIX = np.array([[1.0, 0.5], [0.25, 1.0]])


@pytest.mark.parametrize(
    "text",
    [
        "0,1\n1.0,0.5\n0.25,1\n",
        "1;2\n1,0;0,5\n0,25;1,0\n",
        ",0,1\n0,1.0,0.5\n1,0.25,1\n",
        '"","V1","V2"\n"1",1,0.5\n"2",0.25,1\n',
        "1,0\t0,5\n0,25\t1,0\n",
        '"V1" "V2"\n"1" 1 0.5\n"2" 0.25 1\n',
        "V1\tV2\n1\t1\t0.5\n2\t0.25\t1\n",
        "region,1,2\n1,1,0.5\n2,0.25,1\n",
    ],
)
def test_matrices_with_numbered_columns_and_decimal_commas(tmp_path, text):
    (tmp_path / "fc").mkdir()
    for name in IDS[:3]:
        (tmp_path / "fc" / f"{name}.csv").write_text(text)
    np.testing.assert_array_equal(MultimodalData.from_folder(tmp_path)["fc"], [MATRIX] * 3)


def test_a_vector_of_two_numbers_has_no_header(tmp_path):
    (tmp_path / "count").mkdir()
    for name in IDS[:3]:
        (tmp_path / "count" / f"{name}.csv").write_text("0\n5\n")
    assert MultimodalData.from_folder(tmp_path)["count"].tolist() == [[[0], [5]]] * 3


def test_identifiers_that_matlab_pads(tmp_path):
    savemat(tmp_path / "fc.mat", {"Z": np.eye(3), "subject_id": np.array(["s1", "s2", "s30"])})
    assert MultimodalData.from_folder(tmp_path).index.tolist() == ["s1", "s2", "s30"]


def test_rows_of_matlab_are_columns(tmp_path):
    savemat(tmp_path / "d.mat", {"Z": np.eye(3), "age": [20.0, 31.0, 40.0]})
    assert MultimodalData.from_folder(tmp_path)["age"].tolist() == [[20], [31], [40]]


def test_tables_by_year_are_modalities(tmp_path):
    for year in (2019, 2020, 2021):
        (tmp_path / f"{year}.csv").write_text(f"id,a,b\ns1,{year},2\ns2,2,3\n")
    assert MultimodalData.from_folder(tmp_path).modalities == ("2019", "2020", "2021")


def test_explanations_of_columns_are_no_modality(tmp_path):
    text = "Variable,Meaning\nage,in years\nsex,at birth\nfc,Fisher z\n"
    with pytest.warns(UserWarning, match=r"codebook\.csv \(text that names no subject\)"):
        X = read(tmp_path, listing=LISTING, codebook=text, a=rows("id,a", IDS, range(12)))
    assert X.modalities == ("a",)
    with pytest.raises(DataError, match=r"codebook\.csv has 3 rows, participants.tsv lists 12"):
        MultimodalData.from_folder(tmp_path, target="Meaning")


# --------------------------------------------------------------------------------------- refused
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A study,,\nid,age,iq\ns1,30,99\ns2,40,98\n", "names 1 of 3 columns .'A study'.: remove"),
        ("id,a\ns1,1\ns2,missing\n", "'a' .*, such as 'missing'.*'n/a' in a file"),
        ('id,a\ns1,"1,500"\ns2,"2,500"\n', "such as '1,500'"),
        ("id,a\n1.00E+11,1\n1.00E+11,2\n", "more than once. '1.00E.11' looks like an identifier "),
    ],
)
def test_tables_that_are_refused(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path, a=text)


@pytest.mark.parametrize("content", ["id,a\ns1,1\n".encode("utf-16-le"), b"PK\3\4\x14\0\0"])
def test_files_that_are_no_text(tmp_path, content):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.csv is no table of text: .* save the file as CSV"):
        MultimodalData.from_folder(tmp_path)


def test_identifiers_that_became_dates(tmp_path):
    text = "id,a\n1-Mar,1\n2-Mar,2\n3-Sep,3\n"
    listing = "participant_id\tage\nMAR1\t30\nMAR2\t31\nSEP3\t40\n"
    with pytest.raises(DataError, match="'1-Mar' looks like an identifier that a spreadsheet took"):
        read(tmp_path, listing=listing, a=text)


@pytest.mark.parametrize("form", ["{}_ses-1", "{}_V2", "/data/{}/", "/data/{}"])
def test_identifiers_with_more_words(tmp_path, form):
    ids = [form.format(f"sub-{k:02d}") for k in (1, 2, 10)]
    listing = "participant_id\tage\nsub-10\t30\nsub-01\t31\nsub-02\t40\n"
    with pytest.raises(DataError, match="may be 'sub-01' with a session or a path: write the iden"):
        read(tmp_path, listing=listing, a=rows("Measure:volume,v", ids, [1, 2, 10]))


def test_folders_of_one_subject_each(tmp_path):
    for name in ("sub-01", "sub-02"):
        (tmp_path / name).mkdir()
        for modality in ("fc", "sc"):
            np.save(tmp_path / name / f"{modality}.npy", MATRIX)
    with pytest.raises(DataError, match=r"one subject each.*move sub-01/fc\.npy to fc/sub-01\.npy"):
        MultimodalData.from_folder(tmp_path)


def test_files_of_one_subject_each(tmp_path):
    for k in range(1, 6):
        np.save(tmp_path / f"sub-{k:02d}_fc.npy", np.eye(5))
    with pytest.raises(
        DataError, match=r"'sub-01_fc\.npy', .* of one subject each: put them into a"
    ):
        MultimodalData.from_folder(tmp_path)
    for k, file in enumerate(sorted(tmp_path.iterdir())):
        file.rename(tmp_path / f"subcortical_{k}.npy")
    with pytest.warns(UserWarning, match="hold the same values"):
        assert len(MultimodalData.from_folder(tmp_path).modalities) == 5


@pytest.mark.parametrize("names", [("01_fc", "02_sc"), ("1", "2")])
def test_numbered_folders_are_modalities(tmp_path, names):
    for k, name in enumerate(names):
        (tmp_path / name).mkdir()
        for subject in IDS:
            np.save(tmp_path / name / f"{subject}.npy", np.eye(3) + k)
    assert MultimodalData.from_folder(tmp_path).modalities == names


def test_files_of_subjects_and_a_measure_are_modalities(tmp_path):
    measures = {"T1w": range(12), "T2": range(5, 17), "b1000": range(3, 15)}
    texts = {f"subject_{name}": rows("id,v", IDS, values) for name, values in measures.items()}
    assert len(read(tmp_path, **texts).modalities) == 3


@pytest.mark.parametrize("name", ["ImageID", "subject_number", "scan_id", "case_num", "Number"])
def test_names_of_identifiers_that_hold_the_name_of_a_measure(tmp_path, name):
    numbers = range(100_000, 220_000, 10_000)
    table = rows(f"{name},v,w", numbers, range(12), range(5, 17))
    (tmp_path / "participants.csv").write_text(rows(f"{name},age", numbers, range(20, 32)))
    X = read(tmp_path, a=table, b=table.replace(",1", ",3"))
    assert X["a"].shape == X["b"].shape == (12, 2)


def test_arrays_of_objects(tmp_path):
    np.savez(tmp_path / "fc.npz", X=np.eye(2), ids=np.array(["s1", "s2"], dtype=object))
    with pytest.raises(DataError, match=r"identifiers as np\.array\(ids, str\)"):
        MultimodalData.from_folder(tmp_path)


# ------------------------------------------------------------------------------- read, and said
TWO = rows("id,a", IDS, range(5, 17))


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"a": "id,a,b\ns1,1.5,-9\ns2,-999,2\ns3,3,4\n"}, r"missing values \(a: -999; b: -9\)"),
        ({"a": "id,a\ns1,1\ns2,999\ns3,12\n"}, r"missing values \(a: 999\)"),
        ({"listing": LISTING.replace("\t20", "\t-9"), "a": TWO}, r"participants.tsv .*age: -9"),
        ({"a": "id,age_x,age_y\ns1,30,30\ns2,40,40\n"}, "'age_x' and 'age_y' agree in most rows"),
        ({"a": "id,v,v.1\ns1,30,30\ns2,40,40\n"}, "'v' and 'v.1' agree in most rows"),
        ({"listing": LISTING.replace("\t20", "\t90+"), "a": TWO}, "because 1 of 12 .* .'90.'"),
        ({"a": "id,a\ns1,1\ns2,2\nMean,1.5\n"}, "'Mean' is read as a subject; if the row sums up"),
        ({"a": "id,a\nsub-1,1\nsub-01,2\n"}, "'sub-1', 'sub-01' are read as 2 subjects"),
        ({"label": rows("id,v", IDS, [0, 1] * 6), "a": TWO}, "csv: 'label' is read as a feature"),
        ({"a": "id,dx,v\ns1,1,5\ns2,0,6\n"}, "a.csv: 'dx' is read as a feature. If it is the targ"),
        (
            {"listing": LISTING, "a": rows("id,Age,v", IDS, [5, 9, 2, 8] * 3, range(12))},
            "a.csv and the side data both have 'Age', and the two hardly correlate",
        ),
        (
            {"listing": "age\tsex\n20\tM\n35\tF\n61\tF\n", "a": "age,v\n61,3\n20,1\n35,2\n"},
            "column 'age' is taken for the identifiers",
        ),
        ({"a": "id,v,w\ns1,1,2\ns2,3,4\n", "b": "id,v,w\ns1,1,2\ns2,3,4\n"}, "the same values"),
    ],
)  # fmt: skip
def test_what_is_said(tmp_path, texts, message):
    with pytest.warns(UserWarning, match=message):
        read(tmp_path, **texts)


@pytest.mark.parametrize(
    "texts",
    [
        {"a": "id,a\ns1,-9\ns2,-8\ns3,3\n"},
        {"a": "id,a\ns1,950\ns2,999\ns3,12\n"},
        {"a": "id,peak_x,peak_y\ns1,30,12\ns2,40,40\ns3,1,5\n"},
        {"a": "id,peak_x,peak_y,peak_z\ns1,30,30,1\ns2,40,40,2\n"},
        {"listing": LISTING, "a": rows("id,age,v", IDS, range(240, 384, 12), range(12))},
        {"listing": LISTING, "a": rows("id,sex,v", IDS, [0, 1] * 6, range(12))},
        {"a": rows("id,cut_x,cut_y", IDS, [1, 1, *[0] * 10], [0, 0, 1, *[0] * 9])},
        {"a": "id,dx,dy,dz\ns1,1,5,2\ns2,0,6,2\n"},
        {"listing": SITES, "a": TWO},
        {
            "listing": LISTING.replace("age", "mean_fd"),
            "a": rows("id,mean_fd,v", IDS, [5, 9, 2, 8] * 3, range(12)),
        },
    ],
)
def test_what_is_not_said(tmp_path, texts):
    read(tmp_path, **texts)  # warnings are errors


def test_codes_of_missing_values_in_arrays(tmp_path):
    np.save(tmp_path / "fc.npy", [[0.5, 1.0], [-999, 0.2], [0.1, 0.3]])
    with pytest.warns(UserWarning, match=r"fc\.npy has numbers .*number 0: -999"):
        MultimodalData.from_folder(tmp_path)
    np.save(tmp_path / "fc.npy", np.empty((0, 2)))
    assert len(MultimodalData.from_folder(tmp_path)) == 0
