"""The open cohorts: shapes, counts, labels, ids, gaps."""

import inspect
import pickle
import sys
import typing
from functools import cache

import numpy as np
import pytest

from skmmcl.data import MultimodalData
from skmmcl.datasets import (
    fetch_abide,
    fetch_aomic_piop2,
    fetch_enigma_example,
    fetch_fcon1000,
    fetch_ixi,
    fetch_ms_multilayer,
    fetch_nspn,
    fetch_soop,
    fetch_tcga_breast,
    fetch_uci_digits,
)

ALL = [
    fetch_abide,
    fetch_aomic_piop2,
    fetch_enigma_example,
    fetch_fcon1000,
    fetch_ixi,
    fetch_ms_multilayer,
    fetch_nspn,
    fetch_soop,
    fetch_tcga_breast,
    fetch_uci_digits,
]


@pytest.fixture(scope="module")
def load(data_dir):
    """Load a cohort from the local folder only; each once, as nobody writes to it."""

    @cache
    def load(fetch, **options):
        if fetch is fetch_tcga_breast:
            pytest.importorskip("rdata")
        return fetch(data_home=data_dir, download_if_missing=False, **options)

    return load


def counts(y):
    return np.unique(y, return_counts=True)[1].tolist()


# ----------------------------------------------------------------------------------- all of them
@pytest.mark.realdata
@pytest.mark.parametrize("fetch", ALL)
def test_bunch_and_pair_agree(fetch, load):
    bunch, (X, y) = load(fetch), load(fetch, return_X_y=True)
    assert isinstance(X, MultimodalData)
    assert len(X) == len(bunch.data) == len(y)
    np.testing.assert_array_equal(y, bunch.target)
    for name in X.modalities:
        np.testing.assert_array_equal(X[name], bunch.data[name])
    if y.dtype.kind == "i":
        assert np.unique(y).tolist() == list(range(len(bunch.target_names)))
    for head in ("Source:\nhttps://github.com/", "Terms:", "Please cite:"):
        assert head in bunch.DESCR


@pytest.mark.realdata
@pytest.mark.parametrize("fetch", ALL)
def test_unknown_target_is_refused(fetch, load):
    with pytest.raises(ValueError, match="target='hair' is unknown: it is one of "):
        load(fetch, target="hair")


@pytest.mark.realdata
@pytest.mark.parametrize("fetch", ALL)
def test_side_data_have_their_codes(fetch, load):
    X, _ = load(fetch, return_X_y=True)
    if "sex" in X.meta:
        assert set(X.meta["sex"]) == ({1} if fetch is fetch_abide else {0, 1})
    if "age" in X.meta:
        age = X.meta["age"]
        assert np.nanmin(age) > 5
        assert np.nanmax(age) < 100
        assert np.isnan(age).sum() == (fetch is fetch_aomic_piop2)
    if X.index is not None:
        assert len(set(X.index)) == len(X)


@pytest.mark.parametrize("fetch", ALL)
def test_loaders_share_their_last_parameters(fetch):
    *own, last, _, _ = inspect.signature(fetch).parameters
    assert set(own) <= {"subjects", "target"}
    assert last == "data_home"
    assert set(typing.get_type_hints(fetch)) == set(inspect.signature(fetch).parameters)
    assert pickle.loads(pickle.dumps(fetch)) is fetch
    assert "\nTerms of the data: " in fetch.__doc__
    with pytest.raises(TypeError, match=rf"{fetch.__name__}\(\) got an unexpected keyword"):
        fetch(hair="long")


@pytest.mark.parametrize("fetch", ALL)
def test_missing_files_are_an_error(fetch, tmp_path, monkeypatch):
    monkeypatch.delenv("SKMMCL_DATA", raising=False)
    monkeypatch.setenv("SKMMCL_CACHE", str(tmp_path / "cache"))
    if fetch is fetch_tcga_breast:
        pytest.importorskip("rdata")
    with pytest.raises(OSError, match=r"is in none of .*SKMMCL_DATA"):
        fetch(data_home=tmp_path, download_if_missing=False)


# ----------------------------------------------------------------------------------- one by one
@pytest.mark.realdata
def test_nspn(load):
    X, y = load(fetch_nspn, return_X_y=True)
    assert X.shapes == {"thickness": (308,), "area": (310,), "volume": (308,), "mt": (308,)}
    assert len(X) == 297
    assert counts(y) == [149, 148]
    assert len(set(X.meta["site"])) == 3
    assert not any("unknown" in c or "corpuscallosum" in c for c in X.columns["area"])
    _, age = load(fetch_nspn, target="age", return_X_y=True)
    np.testing.assert_array_equal(age, X.meta["age"])


@pytest.mark.realdata
def test_nspn_files_are_aligned(load, data_dir):
    import pandas as pd

    X, _ = load(fetch_nspn, return_X_y=True)
    path = data_dir / "nspn" / "PARC_500aparc_volume_behavmerge.csv"
    table = pd.read_csv(path).set_index("nspn_id").loc[X.index]
    np.testing.assert_array_equal(table[X.columns["volume"]], X["volume"])
    np.testing.assert_array_equal(table["male"], X.meta["sex"])
    # What is measured of one region goes together only within a subject.
    area = X["area"].sum(axis=1)
    assert np.corrcoef(area, X["volume"].sum(axis=1))[0, 1] > 0.8


@pytest.mark.realdata
def test_ms(load, data_dir):
    X, y = load(fetch_ms_multilayer, return_X_y=True)
    assert X.shapes == dict.fromkeys(["fa", "gm", "rs"], (76, 76))
    assert counts(y) == [18, 125]
    for matrices in X.values():
        assert matrices.dtype == np.float32
        np.testing.assert_array_equal(matrices, matrices.transpose(0, 2, 1))
        assert not np.einsum("nrr->nr", matrices).any()
    with np.load(data_dir / "ms_multilayer/ms_multilayer_f32.npz", allow_pickle=True) as packed:
        assert X.index.tolist() == packed["id"].tolist()


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("subjects", "n_controls", "n_patients", "shapes"),
    [
        (
            "males",
            373,
            345,
            {"fc": (111, 111), "freesurfer": (419,), "iqm": (68,), "clinical": (4,)},
        ),
        ("all", 468, 403, {"fc": (111, 111), "clinical": (5,)}),
    ],
)
def test_abide(subjects, n_controls, n_patients, shapes, load):
    X, y = load(fetch_abide, subjects=subjects, return_X_y=True)
    assert X.shapes == shapes
    assert counts(y) == [n_controls, n_patients]
    assert len(set(X.meta["site"])) == 20
    assert X.mask.all()
    clinical = X["clinical"]
    assert np.isnan(clinical).any()
    assert np.nanmin(clinical) > -1
    fc = X["fc"]
    np.testing.assert_array_equal(fc, fc.transpose(0, 2, 1))
    assert (np.einsum("nrr->nr", fc) == 1).all()
    assert np.abs(fc).max() == 1


@pytest.mark.realdata
def test_abide_tables_agree_on_the_subjects(load, data_dir):
    import pandas as pd

    X, y = load(fetch_abide, return_X_y=True)
    path = data_dir / "abide_multimodal" / "FS_features_ABIDE_males.csv"
    surfaces = pd.read_csv(path, sep=";", encoding="utf-8-sig")
    ids = [int(name[-7:]) for name in surfaces["FILE_ID"]]
    surfaces = surfaces.set_index(pd.Index(ids)).loc[X.index]
    np.testing.assert_array_equal(surfaces["DX_GROUP"] == 1, y == 1)
    assert (X.meta["sex"] == 1).all()
    np.testing.assert_allclose(surfaces["AGE_AT_SCAN"], X.meta["age"], atol=0.01)
    np.testing.assert_array_equal(surfaces[X.columns["freesurfer"]], X["freesurfer"])
    iqm = pd.read_csv(data_dir / "abide_multimodal" / "mriqc_iqm_abide.tsv", sep="\t")
    np.testing.assert_array_equal(iqm.set_index("subject_id").loc[X.index, "cjv"], X["iqm"][:, 0])


@pytest.mark.realdata
def test_abide_age_is_not_predicted_from_age(load):
    X, y = load(fetch_abide, target="age", return_X_y=True)
    assert X.columns["clinical"] == ["FIQ", "VIQ", "PIQ"]
    np.testing.assert_array_equal(y, X.meta["age"])


@pytest.mark.realdata
def test_abide_knows_two_sets_of_subjects(load):
    with pytest.raises(ValueError, match="subjects='females' is unknown"):
        load(fetch_abide, subjects="females")


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("target", "n_subjects", "n_answers"), [("sex", 225, 6), ("age", 224, 6), ("raven", 225, 5)]
)
def test_aomic(target, n_subjects, n_answers, load):
    X, y = load(fetch_aomic_piop2, target=target, return_X_y=True)
    assert X.shapes == {"thickness": (70,), "questionnaires": (n_answers,)}
    assert len(X) == n_subjects
    assert np.isfinite(y).all()
    assert np.isfinite(X["questionnaires"]).all()
    if target == "sex":
        assert counts(y) == [129, 96]
        np.testing.assert_array_equal(y, X.meta["sex"])


@pytest.mark.realdata
def test_fcon1000(load):
    X, y = load(fetch_fcon1000, return_X_y=True)
    assert X.shapes == {"thickness": (150,), "volume": (64,)}
    assert counts(y) == [589, 489]
    assert len(set(X.meta["site"])) == 23
    assert "EstimatedTotalIntraCranialVol" in X.columns["volume"]
    assert not {"SurfaceHoles", "avg_en", "age", "sex"} & set(X.columns["volume"])


@pytest.mark.realdata
def test_ixi_drops_repeated_ids(load, data_dir):
    import pandas as pd

    X, age = load(fetch_ixi, return_X_y=True)
    assert X.shapes == {"lh": (35,), "rh": (35,)}
    assert len(X) == 533
    table = pd.read_csv(data_dir / "pcntoolkit_rois" / "IXI_age_gender.csv")
    ids = table["participant_id"]
    assert not set(ids[ids.duplicated()]) & set(X.index)
    np.testing.assert_array_equal(table.set_index("participant_id").loc[X.index, "age"], age)
    _, male = load(fetch_ixi, target="sex", return_X_y=True)
    np.testing.assert_array_equal(table.set_index("participant_id").loc[X.index, "sex"] == 1, male)


@pytest.mark.realdata
def test_soop(load):
    X, y = load(fetch_soop, return_X_y=True)
    assert X.shapes == {"volume": (1,), "territories": (31,), "clinical": (4,)}
    assert len(X) == 906
    assert X.columns["clinical"] == ["priorstroke", "bmi", "age", "sex"]
    assert np.isnan(X["clinical"]).sum(axis=0).tolist() == [0, 48, 0, 0]
    _, score = load(fetch_soop, target="nihss", return_X_y=True)
    np.testing.assert_array_equal(score >= 6, y == 1)


@pytest.mark.realdata
def test_enigma_example(load):
    X, y = load(fetch_enigma_example, return_X_y=True)
    assert X.shapes == {"subcortical": (16,), "thickness": (70,), "area": (70,)}
    assert counts(y) == [10, 10]
    assert [name.startswith("sub-PX") for name in X.index] == (y == 1).tolist()
    assert not any("ICV" in columns for columns in X.columns.values())


@pytest.mark.realdata
def test_uci_digits(load, data_dir):
    X, y = load(fetch_uci_digits, return_X_y=True)
    widths = {"fou": 76, "fac": 216, "kar": 64, "pix": 240, "zer": 47, "mor": 6}
    assert {name: shape[0] for name, shape in X.shapes.items()} == widths
    assert counts(y) == [200] * 10
    for name in X.modalities:
        path = data_dir / "uci_mfeat" / f"mfeat-{name}.csv"
        digits = np.loadtxt(path, delimiter=",", skiprows=1, usecols=widths[name])
        np.testing.assert_array_equal(digits, y)


@pytest.mark.realdata
def test_tcga_test_subjects_lack_protein(load):
    X, y = load(fetch_tcga_breast, return_X_y=True)
    assert X.shapes == {"mrna": (200,), "mirna": (184,), "protein": (142,)}
    train = X.meta["split"] == "train"
    assert counts(y[train]) == [45, 30, 75]
    assert counts(X.meta["split"]) == [70, 150]
    np.testing.assert_array_equal(X.mask, np.column_stack([[True] * 220, [True] * 220, train]))


def test_tcga_without_rdata_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rdata", None)
    with pytest.raises(ImportError, match=r"read with rdata: pip install rdata"):
        fetch_tcga_breast(data_home=tmp_path, download_if_missing=False)
