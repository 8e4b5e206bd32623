"""saliency: gradients of latent dimensions, averaged over noise, masked, rescaled, smoothed."""

import copy
import sys

import nibabel as nib
import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from torch import nn

from skmmcl import CMCCSSEmbedder, MultimodalData, load_volumes
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.inspection import saliency

N, GRID = 10, (6, 7, 8)
# Case smoothgrad_linear of the reference values.
W = [[1.55, 0.08, 0.17, -0.07, -2.0], [0.14, -1.5, 0.21, -0.56, 1.08]]
PLAIN = {"n_samples": 1, "stdevs": 0, "rescale": False, "smoothing": 0}


class Linear(nn.Module):
    """Known weights, applied to the flattened subject."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(torch.as_tensor(weight, dtype=torch.float32))

    def forward(self, x):
        return x.flatten(1) @ self.weight.T


class HalfSquare(nn.Module):
    """The gradient of its only output is its input."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return (x**2).flatten(1).sum(1, keepdim=True) / 2 + self.unused


@pytest.fixture(scope="module")
def cohort():
    rng = np.random.default_rng(0)
    return MultimodalData(
        smri=3 + 2 * rng.normal(size=(N, 5)),
        fc=rng.normal(size=(N, 4, 4)),
        t1=(5 + 3 * rng.normal(size=(N, *GRID))).astype(np.float32),
        index=[f"sub-{k}" for k in range(N)],
    )


def fitted(X, **params):
    params = {"n_components": 2, "max_epochs": 1, "lr": 1e-12, "weight_decay": 0, **params}
    return CMCCSSEmbedder(solver="gradient", **params, random_state=0).fit(X, np.arange(len(X)) % 2)


def test_linear_network_gives_its_weights_whatever_the_noise(cohort):
    encoders = {"smri": Linear(W)}
    embedder = fitted(cohort, encoders=encoders, standardize=False, input_components=None)
    maps = saliency(
        embedder, cohort, modality="smri", stdevs=0.05, n_samples=5, rescale=False, random_state=0
    )
    assert maps.shape == (2, N, 5)
    assert maps.dtype == np.float32
    np.testing.assert_allclose(maps, np.repeat(np.asarray(W)[:, None], N, axis=1), atol=1e-6)


@pytest.mark.parametrize("standardize", [True, False])
def test_noise_is_averaged_in_standard_deviations(cohort, standardize):
    embedder = fitted(cohort, encoders=HalfSquare(), n_components=1, standardize=standardize)
    seen = np.asarray(cohort["t1"])
    if standardize:
        seen = (seen - seen.mean()) / seen.std()
    options = {"modality": "t1", "rescale": False, "smoothing": 0}
    plain = saliency(embedder, cohort, **options, stdevs=0)[0]
    np.testing.assert_allclose(plain, seen, atol=1e-4)
    noise = saliency(embedder, cohort, **options, stdevs=0.2, n_samples=4, random_state=0)[0] - seen
    assert noise.std() == pytest.approx(0.1, rel=0.05)
    assert abs(noise.mean()) < 0.01


def test_seed_and_global_state(cohort):
    embedder = fitted(cohort, encoders=HalfSquare(), n_components=1)
    before = torch.get_rng_state()
    first = saliency(embedder, cohort, modality="t1", random_state=0)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(3)
    np.testing.assert_array_equal(saliency(embedder, cohort, modality="t1", random_state=0), first)
    assert (saliency(embedder, cohort, modality="t1", random_state=1) != first).any()


@pytest.mark.parametrize("modality", ["smri", "fc"])
@pytest.mark.parametrize("input_components", [None, 4])
def test_gradient_is_the_change_of_what_transform_gives(cohort, modality, input_components):
    X = cohort[["smri", "fc"]]
    embedder = fitted(X, dtype="float64", input_components=input_components)
    maps = saliency(embedder, X, modality=modality, **PLAIN)
    names = embedder.get_feature_names_out()
    own = [k for k, name in enumerate(names) if name.startswith(modality)]
    step = 1e-5
    for entry in np.ndindex(X.shapes[modality]):
        values = np.array(X[modality])
        unit = values[:, *entry].std()
        values[:, *entry] += step * unit
        changed = embedder.transform({**X.to_dict(), modality: values})
        change = (changed - embedder.transform(X))[:, own] / step
        np.testing.assert_allclose(maps[:, :, *entry], change.T, atol=1e-4)


def test_lone_modality_has_the_components_of_its_encoder(cohort):
    embedder = fitted(cohort[["smri"]])
    assert saliency(embedder, cohort[["smri"]], modality="smri").shape == (2, N, 5)


def test_mask_then_rescaling_then_smoothing(cohort):
    embedder = fitted(cohort, encoders=HalfSquare(), n_components=1)
    mask = np.random.default_rng(1).random(GRID) > 0.3
    options = {"modality": "t1", "n_samples": 1, "stdevs": 0, "components": 0}
    raw = saliency(embedder, cohort, **options, rescale=False, smoothing=0)
    np.testing.assert_array_equal(
        saliency(embedder, cohort, **options, mask=mask, rescale=False, smoothing=0), raw * mask
    )
    expected = np.zeros_like(raw)
    for k, gradient in enumerate(raw):
        inside = gradient[mask]
        expected[k][mask] = (inside - inside.min()) / np.ptp(inside)
    np.testing.assert_allclose(
        saliency(embedder, cohort, **options, mask=mask, smoothing=0), expected, atol=1e-6
    )
    weight = gaussian_filter(mask.astype(float), 1.5, mode="constant")
    for k, values in enumerate(expected):
        smooth = gaussian_filter(values, 1.5, mode="constant") / weight * mask
        found = saliency(embedder, cohort[[k]], **options, mask=mask)
        np.testing.assert_allclose(found, smooth[None], atol=1e-5)


def test_constant_gradient_is_rescaled_to_0(cohort):
    embedder = fitted(cohort, encoders={"smri": Linear(np.ones((2, 5)))}, input_components=None)
    maps = saliency(embedder, cohort, modality="smri", mask=[0, 1, 0, 0, 0])
    assert (maps == 0).all()


def test_components_batches_and_out(cohort, tmp_path):
    embedder = fitted(cohort)
    whole = saliency(embedder, cohort, modality="t1", **PLAIN)
    assert whole.shape == (2, N, *GRID)
    part = saliency(embedder, cohort, modality="t1", components=[1], batch_size=3, **PLAIN)
    np.testing.assert_allclose(part[0], whole[1], atol=1e-6)
    out = np.lib.format.open_memmap(tmp_path / "maps.npy", "w+", np.float32, (N, *GRID))
    given = saliency(embedder, cohort, modality="t1", components=1, out=out, **PLAIN)
    np.testing.assert_array_equal(given, whole[1])
    np.testing.assert_array_equal(np.load(tmp_path / "maps.npy"), whole[1])


def test_the_estimator_is_left_as_it_was(cohort):
    def cnn(shape, n_components):
        return nn.Sequential(
            nn.Unflatten(1, (1, shape[0])),
            nn.Conv3d(1, 2, 3),
            nn.BatchNorm3d(2),
            nn.ReLU(),
            nn.Flatten(),
            nn.LazyLinear(n_components),
        )

    embedder = fitted(cohort, encoders={"t1": cnn})
    module = embedder.net_.module_.train()
    module.encoders[0].eval()
    weights = copy.deepcopy(module.state_dict())
    modes = [child.training for child in module.modules()]
    assert len(set(modes)) == 2
    saliency(embedder, cohort, modality="t1", components=0)
    assert [child.training for child in module.modules()] == modes
    assert all(weight.requires_grad and weight.grad is None for weight in module.parameters())
    for name, weight in module.state_dict().items():
        assert torch.equal(weight, weights[name])


def test_volumes_in_files_bring_mask_and_affine(cohort, tmp_path):
    t1, affine = np.asarray(cohort["t1"]), np.diag([2.0, 2, 2, 1])
    paths = [tmp_path / f"{k}.nii" for k in range(N)]
    for path, volume in zip(paths, t1, strict=True):
        nib.save(nib.Nifti1Image(volume, affine), path)
    brain = (np.indices(GRID).sum(axis=0) < 12).astype(np.uint8)
    masked = load_volumes(paths, mask=nib.Nifti1Image(brain, affine), cache=False)
    X = MultimodalData(t1=masked, smri=cohort["smri"])
    embedder = fitted(X)
    options = {"modality": "t1", "components": 0, "random_state": 0}
    maps = saliency(embedder, X, **options)
    assert (maps[:, brain == 0] == 0).all()
    assert maps[:, brain == 1].std() > 0
    one_more = nib.Nifti1Image(brain[..., None], affine)
    np.testing.assert_array_equal(saliency(embedder, X, mask=one_more, **options), maps)
    narrow = nib.Nifti1Image(brain, np.diag([1.0, 1, 1, 1]))
    with pytest.raises(DataError, match=r"voxels of 1 x 1 x 1 mm .* voxels of 2 x 2 x 2 mm"):
        saliency(embedder, X, modality="t1", mask=narrow)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"modality": "pet"}, ModalityError, "'pet' is none of them"),
        ({"components": 2}, ModalityError, "components 0 to 1; got components=2"),
        ({"components": []}, ModalityError, "got components=\\[\\]"),
        ({"mask": np.ones(4)}, DataError, r"mask has shape \(4,\), but modality 'smri' \(5,\)"),
        ({"mask": np.zeros(5)}, DataError, "mask of modality 'smri' is empty"),
        ({"n_samples": 0}, ValueError, "n_samples must be a positive integer"),
        ({"stdevs": -1}, ValueError, "stdevs must be a number of at least 0"),
        ({"out": np.empty((2, 3))}, ValueError, r"out has shape \(2, 3\)"),
    ],
)
def test_bad_input(cohort, options, error, message):
    embedder = fitted(cohort)
    with pytest.raises(error, match=message):
        saliency(embedder, cohort, **{"modality": "smri", **options})


def test_missing_subjects_and_other_estimators(cohort):
    embedder = fitted(cohort)
    smri = np.array(cohort["smri"])
    smri[[1, 3]] = np.nan
    X = cohort.assign(smri=smri)
    with pytest.raises(ModalityError, match="2 of 10 subjects lack modality 'smri': sub-1, sub-3"):
        saliency(embedder, X, modality="smri")
    assert np.isfinite(saliency(embedder, X, modality="fc")).all()
    model = make_pipeline(embedder, LogisticRegression())
    with pytest.raises(TypeError, match=r"got Pipeline.*model\[k\]"):
        saliency(model, X, modality="fc")


def test_without_captum_the_extra_is_named(cohort, monkeypatch):
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(ImportError, match="inspection"):
        saliency(fitted(cohort), cohort, modality="fc")
