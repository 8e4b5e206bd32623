"""Property: a folder is read as it was meant, or an error or a warning names the trouble."""

import tempfile
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from skmmcl.data import MultimodalData
from skmmcl.data._identifiers import canonical
from skmmcl.exceptions import DataError

pd = pytest.importorskip("pandas")

NAMES = ["participant_id", "subject_id", "SubjID", "RID", "eid", "SUB_ID", "Subject ID", "PTID",
         "Kennung", "lh.aparc.thickness", "Measure:volume", " id ", "code", "x0"]  # fmt: skip


def twin(k):
    """Spell two subjects as one number, with and without zeros."""
    return f"{(k + 1) // 2:0{1 + 5 * (k % 2)}d}"


# How identifiers are spelled in the listing, and how the same are spelled elsewhere.
STYLES = {
    "twins": [twin, lambda k: f"sub-{twin(k)}", lambda k: f"{twin(k)} "],
    "numbers": [str, lambda k: f"{k}.0", lambda k: f"{k:07d}"],
    "zeros": [lambda k: f"{k:07d}", str, lambda k: f"sub-{k:07d}"],
    "bids": [lambda k: f"sub-{k:04d}", lambda k: f"{k:04d}", lambda k: f"sub-{k}", str],
    "letters": [lambda k: f"S{k}", lambda k: f"s{k}", lambda k: f"S{k} ", lambda k: f"S-{k:04d}"],
    "words": [lambda k: f"P{k}x{k % 7}q", lambda k: f"p{k}x{k % 7}Q"],
}
FORMATS = [
    {"sep": ","}, {"sep": ";"}, {"sep": ";", "decimal": ","}, {"sep": "\t"},
    {"sep": "\t", "decimal": ","}, {"sep": "|"}, {"sep": ",", "quoting": 1},
]  # fmt: skip


@dataclass
class Written:
    """One table as it lies in the folder, and what it says of each subject."""

    name: str
    values: pd.DataFrame  # by the number of the subject
    trouble: list[str] = field(default_factory=list)


def spell(draw, style, clean):
    """Draw how a table spells identifiers; None in `clean` means as the listing does."""
    return STYLES[style][0] if clean else draw(st.sampled_from(STYLES[style]))


def features(draw, rng, people):
    columns = {}
    for k in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["float", "float", "volume", "count", "rank", "gaps"]))
        n = len(people)
        columns[f"f{k}_{kind}"] = {
            "float": lambda n=n: rng.normal(size=n).round(6),
            "volume": lambda n=n: rng.choice(np.arange(3000, 9999), n, replace=False),
            "count": lambda n=n: rng.integers(0, 9, n),
            "rank": lambda n=n: rng.permutation(n) + 1,
            "gaps": lambda n=n: np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n).round(3)),
        }[kind]()
    return pd.DataFrame(columns, index=people)


def text_of(draw, table, clean):
    """Draw the text of a table."""
    options = FORMATS[0] if clean else draw(st.sampled_from(FORMATS))
    gap = "" if clean else draw(st.sampled_from(["", "NA", "n/a", "NaN"]))
    text = table.to_csv(index=False, na_rep=gap, **options)
    if not clean:
        ending = draw(
            st.sampled_from(["none"] * 9 + ["rows", "rows", "all", "headless", "short", "crlf"])
        )
        header, _, body = text.rstrip("\n").partition("\n")
        mark = options["sep"]
        text = {
            "none": text,
            "rows": header + "\n" + "".join(f"{line}{mark}\n" for line in body.split("\n")),
            "all": "".join(f"{line}{mark}\n" for line in [header, *body.split("\n")]),
            "headless": body + "\n",
            "short": f"{header}\n{body.rpartition(mark)[0]}\n",
            "crlf": text.replace("\n", "\r\n"),
        }[ending]
    return text


def write_table(draw, folder, stem, table, clean):
    ending = ".csv" if clean else draw(st.sampled_from([".csv", ".tsv", ".CSV"]))
    encoding = "utf-8" if clean else draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
    path = folder / f"{stem}{ending}"
    path.write_bytes(text_of(draw, table, clean).encode(encoding))
    return path.name


def add_ids(draw, table, ids, clean, *, may_lack=False, names=NAMES):
    """Draw the place of the column of identifiers, and columns that only look like it."""
    name = "participant_id" if clean else draw(st.sampled_from(names))
    table = table.copy()
    place = 0 if clean else draw(st.sampled_from([0, 0, 0, table.shape[1], 1]))
    table.insert(min(place, table.shape[1]), name, ids)
    extra = "no" if clean else draw(st.sampled_from(["no"] * 8 + ["rows", "rows", "id", "none"]))
    if extra == "rows":
        table.insert(0, "", np.arange(len(table)))
    elif extra == "id" and name.strip() != "id":
        table.insert(0, "id", np.arange(1, len(table) + 1))
    elif extra == "none" and may_lack:
        del table[name]
    return table


def draw_cohort(draw, folder, *, clean):
    """Write a cohort; return what each subject has by file, spellings of subjects, the order."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(4, 14))
    high = draw(st.sampled_from([n, 2 * n, 90000]))
    people = rng.permutation(np.arange(1, high + 1))[:n] if high < 90000 else rng.choice(
        np.arange(10000, 90000), n, replace=False)  # fmt: skip
    style = draw(st.sampled_from([name for name in STYLES if name != "twins" or not clean]))
    listed = draw(st.booleans())
    truth, spellings = {}, {}
    if listed:
        side = pd.DataFrame({"dx": rng.choice(["None", "MDD", "NA"], n)})
        side.loc[:2, "dx"] = ["None", "MDD", "NA"]
        ids = [STYLES[style][0](k) for k in people]
        spellings.update(zip(ids, people, strict=True))
        write_table(draw, folder, "participants", add_ids(draw, side, ids, clean), clean)
        truth["meta"] = side["dx"].tolist()
        if draw(st.booleans()):
            array = rng.normal(size=(n, 2, 2))
            np.save(folder / "fc.npy", array)
            truth["fc"] = pd.DataFrame(array.reshape(n, 4), index=people)
    stems = ["a", "b", "c"][: draw(st.integers(1, 3))]
    # Nothing says that numbers in the only table are identifiers, but the name of their column.
    names = NAMES if listed or len(stems) > 1 else NAMES[:8]
    for stem in stems:
        kept = people if draw(st.booleans()) else people[rng.random(n) < 0.8]
        kept = kept if len(kept) > 1 else people
        stray = (
            [] if clean and (listed or n < 9) else draw(st.sampled_from([[], [], [90001, 90002]]))
        )
        who = rng.permutation([*kept, *stray])
        values = features(draw, rng, who)
        how = spell(draw, style, clean)
        ids = [how(k) for k in who]
        spellings.update(zip((item.strip() for item in ids), who, strict=True))
        table = add_ids(
            draw, values.reset_index(drop=True), ids, clean, may_lack=listed, names=names
        )
        if not clean and draw(st.integers(0, 19)) == 0:
            table = pd.concat([table.assign(ses="a"), table.assign(ses="b")])
        write_table(draw, folder, stem, table, clean)
        truth[stem] = values
    return truth, spellings, people if listed else None


def check(X, truth, spellings, listed):
    """Compare a container with what was written, by subject."""
    assert X.index is not None
    people = [spellings[item] for item in X.index.tolist()]
    assert len(set(people)) == len(people)
    if listed is None:
        assert set(people) == set().union(*(table.index for table in truth.values()))
    else:
        assert people == listed.tolist()
        assert X.meta["dx"].tolist() == truth["meta"]
    wanted = {name: table for name, table in truth.items() if name != "meta"}
    assert set(X.modalities) == set(wanted)
    for name, table in wanted.items():
        columns = X.columns[name]
        if columns is None:
            columns = list(table)
        # What equals the identifiers, by chance, is one.
        assert columns == [c for c in table if c in columns or any(table[c] != table.index)]
        np.testing.assert_allclose(
            X[name].reshape(len(people), -1).astype(float),
            table[columns].reindex(people).to_numpy(float),
            rtol=1e-12,
        )


def read_one(draw, counts, *, clean):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        truth, spellings, listed = draw_cohort(draw, folder, clean=clean)
        files = [path.name for path in folder.iterdir()]
        files += [repr(path.stem) for path in folder.iterdir()]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                X = MultimodalData.from_folder(folder)
            except DataError as error:
                X, said = None, str(error)
    if X is None:
        assert not clean, said
        assert any(file in said for file in files), said
        counts["refused"] += 1
        return
    said = " ".join(str(warning.message) for warning in caught)
    # Who is listed as 1 only may be the 01 of another table, or his twin: only a warning can help.
    are_twins = len({canonical(item) for item in spellings}) < len({*spellings.values()})
    if (
        "is read as a feature" in said
        or "is taken for the identifiers" in said
        or (are_twins and "otherwise than" in said)
    ):
        assert not clean, said
        counts["warned of"] += 1
        return
    check(X, truth, spellings, listed)
    counts["read rightly" + (", with a warning" if said else "")] += 1


def run(n_examples, *, clean):
    counts = Counter()

    @settings(
        max_examples=n_examples, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate],
    )  # fmt: skip
    @given(st.data())
    def read_many(data):
        read_one(data.draw, counts, clean=clean)

    read_many()
    return counts


@pytest.mark.parametrize("clean", [True, False])
def test_folders(clean):
    counts = run(30, clean=clean)
    assert counts.total() - counts["refused"] > 5


@pytest.mark.slow
def test_two_thousand_folders():
    clean, other = run(500, clean=True), run(1500, clean=False)
    print("clean", dict(clean), "other", dict(other))  # noqa: T201
    assert other["refused"] < 0.6 * other.total()
