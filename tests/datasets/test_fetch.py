"""Where files are found, and downloads: checked, whole or not at all, safe side by side."""

import hashlib
import importlib
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from skmmcl.datasets import _abide, _fetch, _ms_multilayer, fetch_abide, fetch_ms_multilayer
from skmmcl.datasets._fetch import Source

NAME = "made_up/table one+2.csv"
CONTENT = b"id,x\na,1\n"
SOURCE = Source("me/repo", "abc", "data/table one+2.csv", hashlib.sha256(CONTENT).hexdigest())
FILES = sorted(Path(_fetch.__file__).parent.glob("_*.py"))
MODULES = [importlib.import_module(f"skmmcl.datasets.{file.stem}") for file in FILES]
COHORTS = [module.COHORT for module in MODULES if hasattr(module, "COHORT")]
TITLES = [cohort.title for cohort in COHORTS]


def find_file(name, **where):
    return _fetch.find_file(name, lambda: _fetch.download(SOURCE), sha256=SOURCE.sha256, **where)


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A source that is a file of this machine, with empty local folders and cache."""
    path = tmp_path / "source" / "me" / "repo" / "abc" / "data" / "table one+2.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    monkeypatch.setattr(_fetch, "BASE_URL", (tmp_path / "source").as_uri())
    monkeypatch.setattr(_fetch, "WAIT", 0.0)
    monkeypatch.delenv("SKMMCL_DATA", raising=False)
    monkeypatch.setenv("SKMMCL_CACHE", str(tmp_path / "cache"))
    return path


def put(folder, content):
    path = folder / NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def files_under(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


# --------------------------------------------------------------------------------------- lookup
def test_folders_are_looked_in_in_order(source, tmp_path, monkeypatch):
    monkeypatch.setenv("SKMMCL_DATA", str(tmp_path / "local"))
    cached = find_file(NAME)
    assert cached == tmp_path / "cache" / NAME
    local = put(tmp_path / "local", b"not checked: folders are taken as they are")
    assert find_file(NAME) == local
    own = put(tmp_path / "own", b"this one first")
    assert find_file(NAME, data_home=tmp_path / "own") == own
    assert find_file(NAME, data_home=tmp_path / "nothing there") == local


@pytest.mark.parametrize("altered", [CONTENT.replace(b"1", b"2"), b"", CONTENT[:-2]])
def test_altered_files_in_the_cache_are_downloaded_anew(source, altered):
    path = find_file(NAME)
    path.write_bytes(altered)
    with pytest.raises(OSError, match=r"or altered\. Allow its download"):
        find_file(NAME, download_if_missing=False)
    assert find_file(NAME).read_bytes() == CONTENT


def test_download_goes_to_data_home(source, tmp_path):
    path = find_file(NAME, data_home=str(tmp_path / "own"))
    assert path == tmp_path / "own" / NAME
    assert not (tmp_path / "cache").exists()


def test_cache_is_in_the_home_folder_by_default(tmp_path, monkeypatch):
    monkeypatch.delenv("SKMMCL_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert _fetch.cache_folder() == tmp_path / "skmmcl_data"


def test_cached_file_is_not_downloaded_again(source):
    path = find_file(NAME)
    source.unlink()
    assert find_file(NAME) == path
    assert path.read_bytes() == CONTENT


def test_without_download_the_error_names_the_folders(source, tmp_path, monkeypatch):
    monkeypatch.setenv("SKMMCL_DATA", str(tmp_path / "local"))
    with pytest.raises(
        OSError, match=r"table one\+2.csv is in none of .*local.*cache.*SKMMCL_DATA"
    ):
        find_file(NAME, download_if_missing=False)
    assert not (tmp_path / "cache").exists()


# ------------------------------------------------------------------------------------- download
def test_changed_source_is_refused_with_both_sums(source, tmp_path):
    source.write_bytes(b"something else")
    found = hashlib.sha256(b"something else").hexdigest()
    expected = hashlib.sha256(CONTENT).hexdigest()
    with pytest.raises(OSError, match=f"table%20one%2B2.csv .*{found}.*{expected}"):
        find_file(NAME)
    assert files_under(tmp_path / "cache") == []


def test_offline_error_says_what_to_do(source, tmp_path):
    source.unlink()
    with pytest.raises(OSError, match=r"could not be downloaded.*SKMMCL_DATA"):
        find_file(NAME)
    assert files_under(tmp_path / "cache") == []


def test_short_failures_are_tried_again(source, monkeypatch):
    calls = []

    def urlopen(url, timeout):
        calls.append(url)
        if len(calls) < _fetch.N_TRIES:
            raise TimeoutError
        return io.BytesIO(CONTENT)

    monkeypatch.setattr(_fetch, "urlopen", urlopen)
    assert find_file(NAME).read_bytes() == CONTENT
    assert len(calls) == _fetch.N_TRIES


def test_interrupted_download_leaves_no_file(source, tmp_path, monkeypatch):
    class Cut(io.BytesIO):
        def read(self, *args):
            raise KeyboardInterrupt

    monkeypatch.setattr(_fetch, "urlopen", lambda url, timeout: Cut())
    with pytest.raises(KeyboardInterrupt):
        find_file(NAME)
    assert files_under(tmp_path) == [source]


def test_interrupted_write_leaves_no_file(source, tmp_path, monkeypatch):
    def replace(self, target):
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.replace", replace)
    with pytest.raises(KeyboardInterrupt):
        find_file(NAME)
    assert files_under(tmp_path) == [source]


def test_downloads_side_by_side_give_one_whole_file(source, tmp_path):
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda _: find_file(NAME), range(32)))
    assert {path.read_bytes() for path in paths} == {CONTENT}
    assert files_under(tmp_path / "cache") == [tmp_path / "cache" / NAME]


# ------------------------------------------------------------------------------------- registry
@pytest.mark.parametrize("cohort", COHORTS, ids=TITLES)
def test_every_source_is_pinned(cohort):
    for file, source in cohort.files.items():
        assert len(source.commit) == 40, file
        # The one file without a checksum has one of its content, PEOPLE_SHA256.
        assert file == "demographics.csv" or len(source.sha256) == 64, file


@pytest.mark.realdata
def test_the_people_of_the_ms_cohort_are_those_of_the_local_file(data_dir):
    with np.load(data_dir / "ms_multilayer/ms_multilayer_f32.npz", allow_pickle=True) as packed:
        _ms_multilayer.check_people("here", packed["id"], packed["mstype"])


@pytest.mark.realdata
@pytest.mark.parametrize("cohort", COHORTS, ids=TITLES)
def test_checksums_are_those_of_the_local_files(cohort, data_dir):
    for name, source in cohort.files.items():
        if source.sha256:
            content = (data_dir / cohort.folder / name).read_bytes()
            assert hashlib.sha256(content).hexdigest() == source.sha256


# -------------------------------------------------------------------- cohorts made of many files
def symmetric(rng, n_rois):
    matrix = rng.uniform(-0.5, 0.9, (n_rois, n_rois)).astype(np.float32)
    return (matrix + matrix.T) / 2


def publish(source, root, path):
    """Return where a made-up file of a source belongs on this machine."""
    file = source / root.repo / root.commit / path
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def digest_of_people(table):
    """Return the checksum of the columns that `pack` reads."""
    lines = "".join(line.partition(",")[2] + "\n" for line in table.splitlines()[1:])
    return hashlib.sha256(lines.encode()).hexdigest()


def test_ms_is_packed_from_its_parts(source, tmp_path, monkeypatch):
    site, root = tmp_path / "source", _ms_multilayer.PARTS
    rng = np.random.default_rng(0)
    matrices = {name: [symmetric(rng, 4) for _ in range(3)] for name in ("FA", "GM", "RS")}
    for name, stack in matrices.items():
        for number, matrix in enumerate(stack):
            path = publish(site, root, f"data/{name}/{number:04d}.csv")
            np.savetxt(path, matrix, delimiter=",", fmt="%.18e")
    table = ",id,mstype\n0,0000,0\n1,0001,-1\n2,0002,0\n"
    publish(site, root, "data/demographics.csv").write_text(table)

    with pytest.raises(OSError, match=r"demographics.csv does not list the subjects that were"):
        fetch_ms_multilayer(return_X_y=True)
    monkeypatch.setattr(_ms_multilayer, "PEOPLE_SHA256", digest_of_people(table))
    X, y = fetch_ms_multilayer(return_X_y=True)
    assert X.modalities == ("fa", "gm", "rs")
    assert X.index.tolist() == ["0000", "0001", "0002"]
    assert y.tolist() == [1, 0, 1]
    for name, stack in matrices.items():
        np.testing.assert_array_equal(X[name.lower()], stack)
    for file in files_under(site):
        file.unlink()
    again, _ = fetch_ms_multilayer(return_X_y=True)  # from the cache
    np.testing.assert_array_equal(again["rs"], X["rs"])


def test_abide_is_packed_from_its_parts(source, tmp_path, monkeypatch):
    site, root = tmp_path / "source", _abide.PARTS
    rng = np.random.default_rng(0)
    matrices = {50003: symmetric(rng, 5), 50001: symmetric(rng, 5)}
    for subject, matrix in matrices.items():
        path = publish(site, root, f"{root.path}{subject}/{subject}_ho_correlation.mat")
        savemat(path, {"connectivity": matrix.astype(float)})
    tables = {
        "subject_IDs.txt": "50003\n50001\n",
        "Phenotypic_V1_0b_preprocessed1.csv": (
            "SUB_ID,SITE_ID,DX_GROUP,AGE_AT_SCAN,SEX,FIQ,VIQ,PIQ\n"
            "50001,PITT,1,16.5,1,103,-9999,89\n50002,NYU,1,20.0,1,90,90,90\n"
            "50003,NYU,2,24.5,2,-9999,,113\n"
        ),
    }
    for name, text in tables.items():
        local = tmp_path / "own" / "abide_multimodal" / name
        local.parent.mkdir(parents=True, exist_ok=True)
        local.write_text(text)

    X, y = fetch_abide(subjects="all", data_home=tmp_path / "own", return_X_y=True)
    assert X.index.tolist() == [50001, 50003]
    assert y.tolist() == [1, 0]
    assert X.columns["clinical"] == ["age", "sex", "FIQ", "VIQ", "PIQ"]
    clinical = [[16.5, 1, 103, np.nan, 89], [24.5, 0, np.nan, np.nan, 113]]
    np.testing.assert_array_equal(X["clinical"], clinical)
    for subject, matrix in zip(X.index, X["fc"], strict=True):
        np.testing.assert_array_equal(matrix, np.where(np.eye(5), 1, matrices[subject]))
