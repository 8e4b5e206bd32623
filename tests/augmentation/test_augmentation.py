"""What holds for every augmentation: shape, reproducibility, and a draw for each subject."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch

from skmmcl.augmentation import (
    Augmentation,
    BiasField,
    ColorJitter,
    Compose,
    ConnectomeNoise,
    Cutout,
    EdgeDropout,
    FeatureDropout,
    FeatureNoise,
    Flip,
    GaussianBlur,
    GaussianNoise,
    Grayscale,
    Intensity,
    PatchSwap,
    RegionDropout,
    ResizedCrop,
    Shift,
    TorchIOAdapter,
    default_augmentation,
    published_augmentation,
)
from skmmcl.augmentation._published import PUBLISHED
from skmmcl.utils import all_public_objects

VOLUMES, MATRICES, VECTORS, IMAGES = (8, 9, 8, 7), (8, 6, 6), (8, 12), (8, 3, 9, 8)
CASES = {
    BiasField: VOLUMES,
    ColorJitter: IMAGES,
    ConnectomeNoise: MATRICES,
    Cutout: VOLUMES,
    EdgeDropout: MATRICES,
    FeatureDropout: VECTORS,
    FeatureNoise: VECTORS,
    Flip: VOLUMES,
    GaussianBlur: VOLUMES,
    GaussianNoise: VOLUMES,
    Grayscale: IMAGES,
    Intensity: VOLUMES,
    PatchSwap: VOLUMES,
    RegionDropout: MATRICES,
    ResizedCrop: VOLUMES,
    Shift: VOLUMES,
}
WIDE = {  # where the default range may change nothing in so small a subject
    EdgeDropout: {"rate": (0.5, 0.9)},
    FeatureDropout: {"rate": (0.5, 0.9)},
    RegionDropout: {"rate": (0.5, 0.9)},
    Shift: {"max_shift": 0.9},
}
KINDS = {"volume": VOLUMES, "image": IMAGES, "vector": VECTORS, "connectome": MATRICES}
SPATIAL = [cls for cls, shape in CASES.items() if shape is VOLUMES]


def make(cls, **params):
    return cls(**{**WIDE.get(cls, {}), **params})


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def batch(shape, dtype=torch.float32):
    x = torch.randn(shape, generator=generator(5), dtype=dtype)
    return x + x.mT if shape is MATRICES else x


DRAW_ON_THE_DEVICE = {
    ConnectomeNoise,
    EdgeDropout,
    FeatureDropout,
    FeatureNoise,
    GaussianNoise,
    RegionDropout,
}


@pytest.mark.gpu
@pytest.mark.parametrize("cls", CASES)
def test_on_a_gpu_the_same_subjects_change_by_the_same_parameters(cls):
    x, transform = batch(CASES[cls]), make(cls)
    expected = transform(x, generator(1))
    found = transform(x.cuda(), generator(1))
    assert found.is_cuda
    assert torch.equal(found, transform(x.cuda(), generator(1)))
    if cls not in DRAW_ON_THE_DEVICE:
        torch.testing.assert_close(found.cpu(), expected)
        return
    changed = [(out != x).flatten(1).any(1) for out in (found.cpu(), expected)]
    assert torch.equal(*changed)


def test_every_augmentation_is_tested():
    public = all_public_objects().values()
    found = {cls for cls in public if isinstance(cls, type) and issubclass(cls, Augmentation)}
    assert found - {Augmentation} == set(CASES)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("cls", CASES)
def test_a_batch_keeps_shape_and_type_and_is_not_written_to(cls, dtype):
    x = batch(CASES[cls], dtype)
    kept = x.clone()
    out = make(cls, p=1)(x, generator())
    assert (out.shape, out.dtype) == (x.shape, dtype)
    assert out.isfinite().all()
    assert torch.equal(x, kept)
    assert not torch.equal(out, x)


@pytest.mark.parametrize("cls", CASES)
def test_p_is_the_probability_of_a_change(cls):
    x = batch((400, *CASES[cls][1:]))
    x = x + x.mT if CASES[cls] is MATRICES else x
    assert torch.equal(make(cls, p=0)(x, generator()), x)
    changed = (make(cls, p=0.3)(x, generator()) != x).flatten(1).any(1)
    assert 0.2 < changed.float().mean() < 0.4


@pytest.mark.parametrize("cls", CASES)
def test_the_seed_decides_and_no_global_generator_is_touched(cls):
    x, transform = batch(CASES[cls]), make(cls)
    before = torch.random.get_rng_state()
    first = transform(x, generator(1))
    assert torch.equal(transform(x, generator(1)), first)
    again = pickle.loads(pickle.dumps(copy.deepcopy(transform)))
    assert torch.equal(again(x, generator(1)), first)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("cls", [cls for cls in CASES if cls not in (Flip, Grayscale)])
def test_each_subject_has_a_draw_of_its_own(cls):
    x = batch(CASES[cls])
    x = torch.cat([x[:1].expand_as(x), x[1:]])  # eight times the same subject, and others
    out = make(cls, p=1)(x, generator())[:8]
    assert len(torch.unique(out, dim=0)) >= 4


@pytest.mark.parametrize("cls", SPATIAL)
def test_a_subject_does_not_depend_on_the_values_of_others(cls):
    x = batch(VOLUMES)
    other = x.clone()
    other[1:] *= -3
    first, second = (make(cls, p=1)(b, generator())[0] for b in (x, other))
    assert torch.equal(first, second)


@pytest.mark.parametrize("cls", SPATIAL)
def test_channels_of_a_subject_change_equally(cls):
    if cls in (GaussianNoise, Intensity):
        pytest.skip("their statistics and noise are those of all channels")
    x = batch(VOLUMES)[:, None].expand(-1, 2, -1, -1, -1)
    out = make(cls, p=1)(x, generator())
    torch.testing.assert_close(out[:, 0], out[:, 1])


@pytest.mark.parametrize("cls", [cls for cls in CASES if CASES[cls] is MATRICES])
def test_connectomes_stay_symmetric_with_their_diagonal(cls):
    x = batch(MATRICES)
    out = make(cls, p=1)(x, generator())
    assert torch.equal(out, out.mT)
    assert torch.equal(out.diagonal(dim1=1, dim2=2), x.diagonal(dim1=1, dim2=2))


@pytest.mark.parametrize("kind", KINDS)
def test_default_chains_augment_their_kind(kind):
    x = batch(KINDS[kind])
    out = default_augmentation(kind)(x, generator())
    assert out.shape == x.shape
    assert out.isfinite().all()
    assert not torch.equal(out, x)


def test_default_chains_do_not_flip_unless_asked():
    kinds = [type(step) for step in default_augmentation().transforms]
    assert Flip not in kinds
    assert type(default_augmentation(flips=True).transforms[0]) is Flip
    assert default_augmentation("image", flips=True).transforms[0].axis == 1
    with pytest.raises(ValueError, match="not for kind='vector'"):
        default_augmentation("vector", flips=True)
    with pytest.raises(ValueError, match="kind must be one of"):
        default_augmentation("sound")


@pytest.mark.parametrize(
    ("cls", "params", "message"),
    [
        (BiasField, {"order": 0}, "order must be at least 1"),
        (Compose, {"transforms": [3]}, "must be a list of callables"),
        (Compose, {"transforms": iter([Flip()])}, "must be a list of callables"),
        (Cutout, {"size": (0.5, 0.2)}, r"size must be a pair .* within \[0.0, 1.0\]"),
        (Cutout, {"fill": "median"}, 'a number or "mean"'),
        (FeatureDropout, {"rate": 0.2}, "rate must be a pair"),
        (FeatureDropout, {"fill": "none"}, '"mean" or "other"'),
        (Flip, {"axis": 3}, "one of the 3 spatial axes"),
        (GaussianBlur, {"sigma": (0.0, 1.0)}, "sigma must be a pair"),
        (GaussianNoise, {"p": 1.2}, "p must be a probability"),
        (PatchSwap, {"n_swaps": 0}, "n_swaps must be at least 1"),
        (PatchSwap, {"size": 0.6}, "size must be a fraction"),
        (Shift, {"max_shift": 1}, "max_shift must be a fraction"),
        (Shift, {"spatial_dims": 4}, "spatial_dims must be 1, 2 or 3"),
        (TorchIOAdapter, {"transform": "RandomFlip"}, "must be one of TorchIO"),
    ],
)
def test_bad_parameters_are_named(cls, params, message):
    with pytest.raises(ValueError, match=message):
        cls(**params)


@pytest.mark.parametrize(
    ("transform", "x", "message"),
    [
        (Flip(p=1), torch.zeros(2, 3, 4), "batches of at least 4 dimensions"),
        (EdgeDropout(p=1), torch.zeros(2, 3, 4), "square matrices"),
        (RegionDropout(p=1), torch.zeros(2, 3), "takes batches of matrices"),
        (GaussianNoise(), torch.zeros(2, 3, dtype=torch.int64), "floating-point Tensor"),
        (GaussianNoise(), [[1.0]], "got list"),
        (TorchIOAdapter(torch.abs), torch.zeros(2, 3), "TorchIO takes volumes"),
    ],
)
def test_bad_batches_are_named(transform, x, message):
    with pytest.raises(ValueError, match=message):
        transform(x, generator())


def test_a_missing_generator_is_named():
    with pytest.raises(ValueError, match=r"Expected a torch.Generator of the CPU, got None"):
        GaussianNoise()(torch.zeros(2, 3), None)


@pytest.mark.parametrize("name", sorted(set(PUBLISHED) - {"none"}))
def test_published_augmentations(name):
    shape = VOLUMES if name in ("all_tf", "cutout", "crop", "fedorov", "taco") else IMAGES
    x, transform = batch((64, *shape[1:])), published_augmentation(name)
    out = transform(x, generator())
    assert out.shape == x.shape
    changed = (out != x).flatten(1).any(1).float().mean()
    assert changed == 1 if name in ("cutout", "crop", "supcon", "simclr", "comm") else changed > 0.4
    assert torch.equal(published_augmentation(name)(x, generator()), out)
    assert pickle.loads(pickle.dumps(transform)) == transform


def test_unknown_published_augmentation():
    with pytest.raises(ValueError, match=r"name must be one of \['all_tf', .*got 'simsiam'"):
        published_augmentation("simsiam")


def test_colors_are_of_images():
    for transform in (ColorJitter(), Grayscale()):
        with pytest.raises(ValueError, match=r"one or three channels, .* got \(\d, 4, 9, 8\)"):
            transform(torch.zeros(8, 4, 9, 8), generator(1))
