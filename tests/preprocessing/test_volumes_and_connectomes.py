"""z-scores and histograms of volumes, and vectors of connectomes."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl import MultimodalData
from skmmcl.exceptions import DataError
from skmmcl.preprocessing import (
    ConnectomeVectorizer,
    HistogramStandardizer,
    MaskedZScore,
    ModalityTransformer,
)


@pytest.fixture(name="volumes")
def made_volumes():
    rng = np.random.default_rng(0)
    volumes = rng.gamma(2.0, size=(4, 6, 5, 4)) * np.array([1, 10, 100, 3])[:, None, None, None]
    volumes[:, 0] = 0
    return volumes


@pytest.fixture(name="series")
def made_series():
    return np.random.default_rng(0).normal(size=(5, 40, 6))


@pytest.mark.parametrize("mask", ["nonzero", "all", "given"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_z_scores_within_the_mask(volumes, mask, dtype):
    volumes = (100 * volumes).astype(dtype)
    given = np.zeros(volumes.shape[1:], dtype=bool)
    given[2:4, 1:3] = True
    inside = {"nonzero": volumes != 0, "all": volumes == volumes}.get(mask, given[None])
    inside = np.broadcast_to(inside, volumes.shape)
    scaler = MaskedZScore(given if mask == "given" else mask)
    out = scaler.fit_transform(volumes)
    for row, z in enumerate(out):
        values = volumes[row][inside[row]].astype(float)
        np.testing.assert_allclose(
            z[inside[row]], (values - values.mean()) / values.std(), rtol=1e-4, atol=1e-5
        )
        assert (z[~inside[row]] == 0).all()
    X = MultimodalData(t1=volumes)
    assert np.array_equal(ModalityTransformer({"t1": scaler}).fit_transform(X)["t1"], out)


def test_bad_masks_and_volumes_are_named(volumes):
    with pytest.raises(DataError, match="mask has 4 voxels, the volumes have 120"):
        MaskedZScore(np.ones(4, dtype=bool)).fit(volumes)
    with pytest.raises(DataError, match="mask is empty"):
        MaskedZScore(np.zeros((6, 5, 4), dtype=bool)).fit(volumes)
    volumes[2] = 0
    with pytest.raises(DataError, match="Volume 2 has no voxel in the mask"):
        MaskedZScore().fit_transform(volumes)
    volumes[2] = 5
    assert (MaskedZScore().fit_transform(volumes)[2] == 0).all()


def test_histograms_become_alike(volumes):
    pytest.importorskip("torchio")
    standardizer = HistogramStandardizer().fit(volumes[:3])
    assert standardizer.landmarks_.shape == (13,)
    assert np.all(np.diff(standardizer.landmarks_) >= 0)
    out = standardizer.transform(volumes)
    assert out.shape == volumes.shape
    assert (out[:, 0] == 0).all()
    medians = [np.median(volume[1:]) for volume in out]
    assert np.ptp(medians) < 1
    brighter = standardizer.transform(7 * volumes)
    np.testing.assert_allclose(brighter, out, rtol=1e-3, atol=1e-3)


def test_histograms_equal_those_of_torchio(volumes, tmp_path):
    torchio = pytest.importorskip("torchio")
    import nibabel as nib

    volumes = volumes.astype(np.float32)
    paths = [tmp_path / f"{row}.nii" for row in range(len(volumes))]
    for volume, path in zip(volumes, paths, strict=True):
        nib.save(nib.Nifti1Image(volume, np.eye(4)), path)
    landmarks = torchio.HistogramStandardization.train(paths, progress=False)
    transform = torchio.HistogramStandardization({"t1": landmarks})
    subject = transform(torchio.Subject(t1=torchio.ScalarImage(paths[1])))
    ours = HistogramStandardizer(background=None).fit(volumes)
    np.testing.assert_allclose(ours.landmarks_, landmarks)
    found = ours.transform(volumes[1:2])[0]
    np.testing.assert_allclose(found, subject["t1"].numpy()[0], rtol=1e-5, atol=1e-4)


def test_histograms_of_volumes_of_usual_size():
    pytest.importorskip("torchio")
    volumes = np.random.default_rng(0).gamma(2.0, [[1.0], [9.0]], size=(2, 40**3))
    medians = np.median(HistogramStandardizer().fit_transform(volumes), axis=1)
    assert np.ptp(medians) < 1


def no_spread(kind):
    """A volume of (6, 5, 4) whose counted voxels are alike, or nearly all of them."""
    volume = np.full((6, 5, 4), 7.0)
    if kind == "binary":
        volume = np.arange(120).reshape(6, 5, 4) % 2.0
    elif kind == "one voxel differs":
        volume[3, 2, 1] = 90
    elif kind == "zero":
        volume[:] = 0
    return volume


@pytest.mark.parametrize("kind", ["constant", "binary", "one voxel differs", "zero"])
def test_volumes_without_a_histogram_spoil_no_others(volumes, kind):
    pytest.importorskip("torchio")
    clean = HistogramStandardizer().fit(volumes)
    spoilt = np.insert(volumes, 2, no_spread(kind), axis=0)
    with pytest.warns(UserWarning, match="1 volumes have no histogram.*learned from them: rows 2"):
        standardizer = HistogramStandardizer().fit(spoilt)
    np.testing.assert_array_equal(standardizer.landmarks_, clean.landmarks_)
    assert standardizer.n_samples_seen_ == 4
    with pytest.warns(UserWarning, match="each becomes constant: rows 2"):
        out = standardizer.transform(spoilt)
    np.testing.assert_array_equal(np.delete(out, 2, axis=0), clean.transform(volumes))
    median = np.float32(clean.landmarks_[6])
    np.testing.assert_array_equal(out[2], np.where(spoilt[2], median, 0))
    with pytest.warns(UserWarning, match="no histogram"):
        X = ModalityTransformer({"t1": HistogramStandardizer()}).fit_transform({"t1": spoilt})
    np.testing.assert_array_equal(X["t1"], out)


def test_no_volume_has_a_histogram():
    pytest.importorskip("torchio")
    with (
        pytest.warns(UserWarning, match="3 volumes have no histogram"),
        pytest.raises(DataError, match="No volume has a histogram"),
    ):
        HistogramStandardizer().fit(np.full((3, 50), 7.0))


def test_constant_volumes_may_come_first(volumes):
    pytest.importorskip("torchio")
    with pytest.warns(UserWarning, match="rows 0"):
        standardizer = HistogramStandardizer().partial_fit(volumes[:1] * 0)
    standardizer.partial_fit(volumes[:1]).partial_fit(volumes[1:])
    expected = HistogramStandardizer().fit(volumes)
    np.testing.assert_allclose(standardizer.landmarks_, expected.landmarks_)


def test_two_values_have_a_histogram_where_no_background_is_left_out(volumes):
    pytest.importorskip("torchio")
    volumes[1] = no_spread("binary")
    out = HistogramStandardizer(background=None).fit_transform(volumes)
    assert np.isfinite(out).all()
    assert len(np.unique(out[1])) == 2


@pytest.mark.parametrize("unit", [1e-8, 1e-3, 1.0, 1e8])
@pytest.mark.parametrize("background", [0.0, None])
def test_histograms_do_not_depend_on_the_unit(volumes, unit, background):
    pytest.importorskip("torchio")
    expected = HistogramStandardizer(background).fit_transform(volumes)
    found = HistogramStandardizer(background).fit_transform(unit * volumes)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("fit_first", [True, False])
def test_histograms_leave_random_numbers_alone(volumes, fit_first):
    pytest.importorskip("torchio")
    import torch

    standardizer = HistogramStandardizer().fit(volumes)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    if fit_first:
        standardizer.fit(volumes)
    standardizer.transform(volumes)
    assert torch.equal(torch.get_rng_state(), before)


def test_missing_torchio_names_the_extra(volumes, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchio", None)
    with pytest.raises(ImportError, match=r'pip install "skmmcl\[volumes\]"'):
        HistogramStandardizer().fit(volumes)


@pytest.mark.parametrize("fisher_z", [False, True])
def test_edges_and_back(series, fisher_z):
    fc = np.array([np.corrcoef(subject.T) for subject in series])
    vectorizer = ConnectomeVectorizer(fisher_z=fisher_z)
    edges = vectorizer.fit_transform(fc)
    assert edges.shape == (5, 15)
    expected = [fc[:, i, j] for i in range(6) for j in range(i + 1, 6)]
    expected = np.arctanh(expected).T if fisher_z else np.transpose(expected)
    np.testing.assert_allclose(edges, expected)
    np.testing.assert_allclose(vectorizer.inverse_transform(edges), fc)
    assert vectorizer.get_feature_names_out()[:2].tolist() == ["edge_0_1", "edge_0_2"]
    flat = ConnectomeVectorizer(fisher_z=fisher_z).fit_transform(fc.reshape(5, -1))
    assert np.array_equal(flat, edges)


def test_diagonal_may_stay(series):
    covariance = np.array([np.cov(subject.T) for subject in series])
    vectorizer = ConnectomeVectorizer(discard_diagonal=False)
    edges = vectorizer.fit_transform(covariance)
    assert edges.shape == (5, 21)
    np.testing.assert_allclose(vectorizer.inverse_transform(edges), covariance)


@pytest.mark.parametrize("kind", ["correlation", "partial correlation", "tangent"])
def test_measures_of_nilearn_are_learnt_on_training_subjects(series, kind):
    connectome = pytest.importorskip("nilearn.connectome")
    X = MultimodalData(bold=series, smri=np.ones((5, 2)))
    expected = connectome.ConnectivityMeasure(kind=kind).fit(list(series[:3]))
    expected = expected.transform(list(series[3:]))
    for measure in (kind, connectome.ConnectivityMeasure(kind=kind)):
        prepare = ModalityTransformer({"bold": ConnectomeVectorizer(measure)}).fit(X[:3])
        edges = prepare.transform(X[3:])["bold"]
        np.testing.assert_allclose(edges, expected[:, *np.triu_indices(6, k=1)])
    scaled = make_pipeline(ConnectomeVectorizer(kind), StandardScaler())
    assert ModalityTransformer({"bold": scaled}).fit_transform(X)["bold"].shape == (5, 15)


def test_missing_nilearn_names_the_extra(series, monkeypatch):
    monkeypatch.setitem(sys.modules, "nilearn.connectome", None)
    with pytest.raises(ImportError, match=r'needs nilearn: pip install "skmmcl\[volumes\]"'):
        ConnectomeVectorizer("tangent").fit(series)


def test_bad_connectomes_are_named(series):
    fc = np.array([np.corrcoef(subject.T) for subject in series])
    skewed = fc.copy()
    skewed[2, 0, 1] += 0.5
    perfect = fc.copy()
    perfect[1, 0, 3] = perfect[1, 3, 0] = 1.0
    fitted = ConnectomeVectorizer(fisher_z=True).fit(fc)
    with pytest.raises(DataError, match="matrix of subject 2 is not symmetric: regions 0 and 1 "):
        ConnectomeVectorizer().fit(skewed)
    for width in (15, 36):  # edges of 6 and of 9 regions; 36 is a square too
        with pytest.raises(DataError, match="ectors of edges are ready as they are"):
            ConnectomeVectorizer().fit(np.arange(2.0 * width).reshape(2, width))
    with pytest.raises(DataError, match="Expected square matrices"):
        ConnectomeVectorizer().fit(fc[:, :3])
    with pytest.raises(DataError, match=r"regions 0 and 3 of subject 1 have 1\.0"):
        fitted.transform(perfect)
    with pytest.raises(DataError, match="X has 4 regions"):
        fitted.transform(fc[:, :4, :4])
    with pytest.raises(DataError, match="X has 3 edges, expected 15"):
        fitted.inverse_transform(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="needs discard_diagonal=True"):
        ConnectomeVectorizer(fisher_z=True, discard_diagonal=False).fit(fc)
    with pytest.raises(DataError, match="Expected time series"):
        ConnectomeVectorizer("tangent").fit(fc[0])


def test_gaps_in_connectomes_stay(series):
    fc = np.array([np.corrcoef(subject.T) for subject in series])
    fc[0, 1] = fc[0, :, 1] = np.nan
    edges = ConnectomeVectorizer(fisher_z=True).fit_transform(fc)
    assert np.isnan(edges[0]).sum() == 5
    assert not np.isnan(edges[1:]).any()


@pytest.mark.parametrize("diagonal", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("flat", [True, False])
def test_diagonals_that_are_not_finite_are_left_out(series, diagonal, flat):
    fc = np.array([np.corrcoef(x.T) for x in series])
    z = np.arctanh(np.where(np.eye(6, dtype=bool), 0, fc))
    z[:, *np.diag_indices(6)] = diagonal
    given = z.reshape(5, -1) if flat else z
    vectorizer = ConnectomeVectorizer()
    edges = vectorizer.fit_transform(given)
    np.testing.assert_array_equal(edges, z[:, *np.triu_indices(6, 1)])
    np.testing.assert_allclose(vectorizer.inverse_transform(edges), z)
    X = MultimodalData(fc=z, smri=fc[:, 0])
    vectors = ModalityTransformer({"fc": ConnectomeVectorizer()}).fit_transform(X)
    np.testing.assert_array_equal(vectors["fc"], edges)


def test_infinite_edges_are_named(series):
    fc = np.array([np.corrcoef(x.T) for x in series])
    fc[2, 3, 4] = fc[2, 4, 3] = np.inf
    with pytest.raises(DataError, match="subject 2 is infinite between regions 3 and 4"):
        ConnectomeVectorizer().fit(fc)
    with pytest.raises(DataError, match=r"regions 0 and 0\. discard_diagonal=True leaves"):
        ConnectomeVectorizer(discard_diagonal=False).fit(np.full((3, 2, 2), np.inf))
