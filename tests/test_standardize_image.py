"""``standardize="image"``: volumes are z-scored one by one."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from skmmcl import CMCCSSEmbedder, MultimodalData, SupConEmbedder
from skmmcl.exceptions import ModalityError
from skmmcl.inspection import saliency
from skmmcl.preprocessing import MaskedZScore, ModalityTransformer
from skmmcl.volumes import load_volumes

N, SHAPE = 12, (8, 8, 8)


@pytest.fixture
def y():
    return np.arange(N) % 2


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    t1 = rng.normal(size=(N, *SHAPE)).astype(np.float32)
    t1[3] = np.nan
    return MultimodalData(t1=t1, clinical=rng.normal(size=(N, 4)))


@pytest.fixture
def X_of_scanners(X):
    """The same volumes in other units for each subject."""
    gain = np.linspace(1, 50, N)[:, None, None, None]
    return X.assign(t1=(X["t1"] * gain + 100 * gain).astype(np.float32))


def embedder(**params):
    settings = {"max_epochs": 2, "n_components": 3, "standardize": "image", "random_state": 0}
    return SupConEmbedder(**{**settings, **params})


def test_the_units_of_each_volume_do_not_matter(X, X_of_scanners, y):
    model = embedder().fit(X, y)
    np.testing.assert_allclose(model.transform(X), model.transform(X_of_scanners), atol=1e-4)
    other = embedder().fit(X_of_scanners, y)
    np.testing.assert_allclose(model.transform(X), other.transform(X), atol=1e-3)
    by_cohort = embedder(standardize=True).fit(X, y)
    assert np.abs(by_cohort.transform(X) - by_cohort.transform(X_of_scanners)).max() > 0.1


def test_it_is_a_step_before_the_embedder(X, y):
    scale = ModalityTransformer({"t1": MaskedZScore("all")})
    expected = make_pipeline(scale, embedder(standardize=True)).fit(X, y)
    np.testing.assert_array_equal(embedder().fit(X, y).transform(X), expected.transform(X))


def test_the_network_sees_volumes_of_mean_0_and_deviation_1(X_of_scanners, y):
    seen = []

    def spy(x, generator):
        seen.append(x.clone())
        return x.clone()

    before = X_of_scanners["t1"].copy()
    embedder(augment={"t1": spy}, max_epochs=1).fit(X_of_scanners, y)
    flat = np.concatenate([x.flatten(1).numpy() for x in seen])
    there = np.ptp(flat, axis=1) > 0  # the mean, a constant, stands in for the missing one
    np.testing.assert_allclose(flat[there].mean(1), 0, atol=1e-4)
    np.testing.assert_allclose(flat[there].std(1), 1, atol=1e-3)
    np.testing.assert_array_equal(X_of_scanners["t1"], before)


def test_images_with_channels_are_images_and_vectors_are_not(y):
    rng = np.random.default_rng(0)
    image, vector = rng.normal(size=(N, 3, 10, 10)), rng.normal(size=(N, 5))
    model = embedder().fit(MultimodalData(image=image, clinical=vector), y)
    louder = MultimodalData(image=10 * image, clinical=vector)
    h = model.transform(MultimodalData(image=image, clinical=vector))
    np.testing.assert_allclose(model.transform(louder), h, atol=1e-5)
    other = model.transform(MultimodalData(image=image, clinical=10 * vector))
    assert not np.allclose(other, h, atol=1e-2)


def test_volumes_in_files_stay_there(tmp_path, X, y):
    rows = np.delete(np.arange(N), 3)
    paths = [tmp_path / f"{k}.nii.gz" for k in rows]
    for k, path in zip(rows, paths, strict=True):
        nib.save(nib.Nifti1Image(X["t1"][k] * (k + 1), np.eye(4)), path)
    lazy = MultimodalData(t1=load_volumes(paths), clinical=X["clinical"][rows])
    in_memory = X[rows]
    found = embedder().fit(lazy, y[rows]).transform(lazy)
    expected = embedder().fit(in_memory, y[rows]).transform(in_memory)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_nobody_has_the_volume_any_more(X, y):
    model = embedder().fit(X, y)
    assert model.transform(X[[3]]).shape == (1, 6)


def test_saliency_sees_the_scaled_volumes(X, X_of_scanners, y):
    rows = np.delete(np.arange(N), 3)
    model = embedder().fit(X, y)
    ask = {"modality": "t1", "components": 0, "rescale": False, "smoothing": 0, "random_state": 0}
    maps = [saliency(model, data[rows], **ask) for data in (X, X_of_scanners)]
    np.testing.assert_allclose(*maps, atol=1e-4)


def test_vectors_alone_have_no_images(y):
    X = MultimodalData(a=np.ones((N, 3)), b=np.ones((N, 2)))
    with pytest.raises(ModalityError, match=r"standardize='image' z-scores volumes.*'a': \(3,\)"):
        embedder().fit(X, y)


def test_a_closed_form_reads_the_same_and_warns_of_nothing(X, X_of_scanners, y):
    model = CMCCSSEmbedder(solver="closed_form", standardize="image", random_state=0).fit(X, y)
    np.testing.assert_allclose(model.transform(X), model.transform(X_of_scanners), atol=1e-3)
