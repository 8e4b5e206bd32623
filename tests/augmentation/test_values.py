"""Augmentations compared with plain loops."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from skmmcl.augmentation import (
    BiasField,
    ColorJitter,
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
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(name="x")
def volumes():
    return torch.rand((3, 5, 4, 6), generator=generator(5), dtype=torch.float64) + 1


def places(x):
    return itertools.product(*map(range, x.shape[1:]))


def test_flip(x):
    for axis in range(3):
        assert torch.equal(Flip(axis, p=1)(x, generator()), x.flip(axis + 1))


def test_flip_of_a_drawn_axis(x):
    x = x[:1].expand(60, -1, -1, -1)
    out = Flip(None, p=1)(x, generator())
    axes = [[torch.equal(y, x[0].flip(axis)) for axis in range(3)] for y in out]
    assert all(sum(flipped) == 1 for flipped in axes)
    assert torch.tensor(axes).sum(0).min() > 10


def test_crop_by_area_and_ratio():
    """The box of RandomResizedCrop: slopes reveal its sides."""
    i, j = torch.meshgrid(torch.arange(50.0), torch.arange(40.0), indexing="ij")
    x = torch.stack([i, j]).double().expand(300, -1, -1, -1)
    crop = ResizedCrop((0.25, 0.25), ratio=(0.5, 2.0), of_area=True, p=1, spatial_dims=2)
    out = crop(x, generator(1))
    height, width = out[:, 0].diff(dim=1)[:, 0, 0], out[:, 1].diff(dim=2)[:, 0, 0]
    torch.testing.assert_close(height * width, torch.full_like(width, 0.25))
    ratio = (width / height).log2()
    assert -1 <= ratio.min() < -0.95 < 0.95 < ratio.max() <= 1
    assert abs(ratio.mean()) < 0.1


def colors():
    return torch.rand((4, 3, 5, 6), generator=generator(2), dtype=torch.float64)


def luminance(x):
    return 0.299 * x[:, :1] + 0.587 * x[:, 1:2] + 0.114 * x[:, 2:]


NO_JITTER = {"brightness": (1, 1), "contrast": (1, 1), "saturation": (1, 1), "hue": (0, 0)}
JITTERS = {  # as torchvision's functions, without their clipping
    "brightness": lambda x, f: f * x,
    "contrast": lambda x, f: f * x + (1 - f) * luminance(x).mean((2, 3), keepdim=True),
    "saturation": lambda x, f: f * x + (1 - f) * luminance(x),
}


@pytest.mark.parametrize("name", JITTERS)
def test_color_jitter_of_one_kind(name):
    jitter = ColorJitter(**{**NO_JITTER, name: (1.7, 1.7)}, p=1)
    torch.testing.assert_close(jitter(colors(), generator()), JITTERS[name](colors(), 1.7))


def test_color_jitter_of_all_kinds():
    x, factors = colors(), dict(zip(JITTERS, (0.8, 1.3, 0.5), strict=True))
    ranges = {name: (factor, factor) for name, factor in factors.items()}
    found = ColorJitter(**ranges, hue=(0, 0), p=1)(x, generator())
    for name, factor in factors.items():
        x = JITTERS[name](x, factor)
    torch.testing.assert_close(found, x)


def test_hue_turns_colors_and_keeps_their_luminance():
    x = colors()
    third = ColorJitter(**{**NO_JITTER, "hue": (1 / 3, 1 / 3)}, p=1)
    out = third(x, generator())
    torch.testing.assert_close(luminance(out), luminance(x), rtol=2e-3, atol=2e-3)
    assert not torch.allclose(out, x, atol=0.05)
    torch.testing.assert_close(third(third(out, generator()), generator()), x)
    gray = x[:, :1].expand(-1, 3, -1, -1)
    torch.testing.assert_close(third(gray, generator()), gray, rtol=2e-3, atol=2e-3)


def test_jitter_of_one_channel():
    x = colors()[:, :1]
    out = ColorJitter((2, 2), (0.5, 0.5), p=1)(x, generator())
    torch.testing.assert_close(out, x + x.mean((2, 3), keepdim=True))


def test_grayscale():
    out = Grayscale(p=1)(colors(), generator())
    torch.testing.assert_close(out, luminance(colors()).expand(-1, 3, -1, -1))


def test_shift_moves_and_fills(x):
    out = Shift(0.34, fill=-1, p=1)(x, generator(3))
    moves = list(itertools.product((-1, 0, 1), (-1, 0, 1), (-2, -1, 0, 1, 2)))
    for before, after in zip(x, out, strict=True):
        fitting = [move for move in moves if torch.equal(after, shifted(before, move))]
        assert len(fitting) == 1


def shifted(volume, move):
    out = torch.full_like(volume, -1)
    for place in places(volume[None]):
        source = [a - d for a, d in zip(place, move, strict=True)]
        if all(0 <= a < size for a, size in zip(source, volume.shape, strict=True)):
            out[place] = volume[tuple(source)]
    return out


def test_resized_crop_interpolates_linearly():
    # A volume that is linear in its places stays so, with slopes of the scale.
    i, j, k = torch.meshgrid(torch.arange(5.0), torch.arange(4.0), torch.arange(6.0), indexing="ij")
    x = (100 * i + 10 * j + k).double()[None]
    out = ResizedCrop((0.7, 0.7), p=1)(x, generator(1))
    for axis, slope in enumerate((100, 10, 1)):
        steps = out.diff(dim=axis + 1)
        torch.testing.assert_close(steps, torch.full_like(steps, 0.7 * slope))
    assert out.min() >= x.min()
    assert out.max() <= x.max()
    whole = ResizedCrop((1.0, 1.0), p=1)(x, generator(1))
    torch.testing.assert_close(whole, x)


@pytest.mark.parametrize("fill", [0.0, "mean"])
def test_cutout_is_a_box_of_its_size(x, fill):
    out = Cutout((0.5, 0.5), fill, p=1)(x, generator(2))
    for before, after in zip(x, out, strict=True):
        cut = (before != after).nonzero()
        low, high = cut.amin(0), cut.amax(0)
        assert (high - low + 1).tolist() == [2, 2, 3]
        assert len(cut) == 12
        value = before.mean() if fill == "mean" else torch.zeros_like(before.mean())
        assert (after[before != after] == value).all()


def test_patch_swap_only_moves_values(x):
    out = PatchSwap(0.34, 4, p=1)(x, generator(2))
    for before, after in zip(x, out, strict=True):
        assert torch.equal(before.flatten().sort().values, after.flatten().sort().values)
        assert not torch.equal(before, after)
    one = torch.zeros(1, 1)
    assert torch.equal(PatchSwap(0.5, p=1, spatial_dims=1)(one, generator()), one)


def test_blur_is_the_weighted_mean_of_neighbors(x):
    out = GaussianBlur((0.8, 0.8), p=1)(x, generator())[0]
    for place in [(0, 0, 0), (2, 1, 3), (4, 3, 5)]:
        total = weights = 0.0
        for other in places(x):
            squared = sum((a - b) ** 2 for a, b in zip(place, other, strict=True))
            weight = math.exp(-squared / (2 * 0.8**2))
            total, weights = total + weight * float(x[0][other]), weights + weight
        assert float(out[place]) == pytest.approx(total / weights)


def test_intensity_scale_shift_gamma(x):
    out = Intensity((1.5, 1.5), (0.5, 0.5), (2.0, 2.0), p=1)(x, generator())
    for before, after in zip(x, out, strict=True):
        low, high = before.min(), before.max()
        mean, std = before.mean(), before.std(correction=0)
        curved = (before - low) ** 2 / (high - low) + low
        torch.testing.assert_close(after, mean + 1.5 * (curved - mean) + 0.5 * std)
    constant = torch.full((1, 4), 3.0)
    assert torch.equal(Intensity((2, 2), p=1)(constant, generator()), constant)


def test_bias_field_is_an_exponential_of_a_polynomial(x):
    out = BiasField((0.2, 0.2), 2, p=1)(x, generator())[0]
    for place in [(0, 0, 0), (2, 1, 3), (4, 3, 5)]:
        u = [2 * a / (size - 1) - 1 for a, size in zip(place, x.shape[1:], strict=True)]
        terms = [
            u[0] ** a * u[1] ** b * u[2] ** c
            for a, b, c in itertools.product(range(3), repeat=3)
            if a + b + c <= 2
        ]
        assert float(out[place]) == pytest.approx(float(x[0][place]) * math.exp(0.2 * sum(terms)))


def test_noise_has_its_units():
    x = 5 * torch.randn(2, 20_000, generator=generator(1)) * torch.tensor([[1.0], [10.0]])
    noise = GaussianNoise((0.1, 0.1), p=1)(x, generator()) - x
    torch.testing.assert_close(noise.std(1) / x.std(1), torch.full((2,), 0.1), rtol=0.03, atol=0)
    x = torch.randn(20_000, 2, generator=generator(1)) * torch.tensor([1.0, 10.0])
    noise = FeatureNoise((0.1, 0.1), p=1)(x, generator()) - x
    torch.testing.assert_close(noise.std(0) / x.std(0), torch.full((2,), 0.1), rtol=0.03, atol=0)
    x = torch.randn(5_000, 3, 3, generator=generator(1)) * torch.tensor([1.0, 10.0, 1.0])
    noise = ConnectomeNoise((0.1, 0.1), p=1)(x, generator()) - x
    found = noise.std(0)[0, 1:] / x.std(0)[0, 1:]
    torch.testing.assert_close(found, torch.full((2,), 0.1), rtol=0.05, atol=0)


@pytest.mark.parametrize("fill", [0.0, "mean", "other"])
def test_dropped_features_are_replaced(fill):
    x = torch.randn(50, 40, generator=generator(1))
    out = FeatureDropout((0.25, 0.25), fill, p=1)(x, generator())
    dropped = out != x
    assert 0.2 < dropped.float().mean() < 0.3
    if fill == "other":
        assert all(
            set(new.tolist()) <= set(old.tolist()) for new, old in zip(out.T, x.T, strict=True)
        )
    else:
        value = torch.zeros(40) if fill == 0 else x.mean(0)
        assert torch.equal(out, torch.where(dropped, value, x))


def test_dropped_connections_and_regions_are_replaced():
    x = torch.randn(50, 20, 20, generator=generator(1)) + 5
    x = x + x.mT
    off_diagonal = ~torch.eye(20, dtype=torch.bool)
    out = EdgeDropout((0.25, 0.25), p=1)(x, generator())
    dropped = out != x
    assert 0.2 < dropped[:, off_diagonal].float().mean() < 0.3
    torch.testing.assert_close(out, torch.where(dropped, x.mean(0), x))
    out = RegionDropout((0.25, 0.25), fill=0, p=1)(x, generator())
    gone = ((out == 0) | ~off_diagonal).all(2)
    assert 0.2 < gone.float().mean() < 0.3
    expected = (gone[:, :, None] | gone[:, None]) & off_diagonal
    assert torch.equal(out == 0, expected)
    rows = RegionDropout((0.25, 0.25), fill=0, symmetric=False, p=1)(x[:, :, :3], generator())
    assert torch.equal((rows == 0).all(2), (rows == 0).any(2))


def test_directed_connections_are_replaced_by_their_own_mean():
    x = torch.randn(50, 6, 6, generator=generator(1)) + torch.arange(36.0).view(6, 6)
    for augment in (EdgeDropout((0.5, 0.5), p=1), RegionDropout((0.5, 0.5), p=1)):
        out = augment(x, generator())
        torch.testing.assert_close(out, torch.where(out != x, x.mean(0), x))
    x[:, 0, 1:], x[:, 1:, 0] = 1.0, 100 * x[:, 1:, 0]  # of one direction alone there is no noise
    noise = ConnectomeNoise((0.1, 0.1), p=1)(x, generator()) - x
    assert not noise[:, 0].any()
    assert noise[:, 1:, 0].std() > 5


def test_adapter_hands_over_each_subject_and_sets_the_global_generator_back(x):
    seen = []

    def add_noise(image):
        seen.append(tuple(image.shape))
        return image + torch.rand(1)

    before = torch.random.get_rng_state()
    first = TorchIOAdapter(add_noise)(x, generator(1)) - x
    assert seen == [(1, *x.shape[1:])] * 3
    assert torch.equal(torch.random.get_rng_state(), before)
    assert len(torch.unique(first.mean((1, 2, 3)))) == 3
    assert torch.equal(TorchIOAdapter(add_noise)(x, generator(1)) - x, first)
    assert TorchIOAdapter(add_noise)(x[:, None], generator()).shape == (3, 1, *x.shape[1:])


def test_adapter_takes_transforms_of_torchio(x):
    torchio = pytest.importorskip("torchio")
    adapter = TorchIOAdapter(torchio.RandomFlip(axes=0, flip_probability=1))
    assert torch.equal(adapter(x, generator()), x.flip(1))
