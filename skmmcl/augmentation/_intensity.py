"""Augmentations of the intensities of images and volumes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from skmmcl.augmentation._axes import SpatialAugmentation, along_axes
from skmmcl.augmentation._base import (
    INFINITY,
    Augmentation,
    Range,
    normal_like,
    per_subject,
    uniform,
)


@dataclass(frozen=True)
class GaussianNoise(Augmentation):
    """Add independent normal noise to each value.

    Parameters
    ----------
    std : tuple of two floats, default=(0.0, 0.2)
        Range of the noise's standard deviation, in units of the standard deviation of all values
        of the subject.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.augmentation import GaussianNoise
    >>> x = torch.randn(8, 5, 5, 5, generator=torch.Generator().manual_seed(0))
    >>> noisy = GaussianNoise((0.1, 0.1), p=1)(x, torch.Generator().manual_seed(1))
    >>> round(float((noisy - x).std() / x.std()), 2)
    0.1
    """

    std: Range = (0.0, 0.2)

    _bounds: ClassVar = {"std": (0.0, INFINITY)}

    def _change(self, x: Tensor, batch: Tensor, generator: torch.Generator) -> Tensor:
        std = uniform(self.std, (len(x), 1), x, generator) * _mean_std(x.flatten(1))[1]
        return normal_like(x, generator).mul_(per_subject(std, x)).add_(x)


@dataclass(frozen=True)
class GaussianBlur(SpatialAugmentation):
    """Smooth with a Gaussian kernel.

    At the border the kernel is cut off and scaled so that it sums to 1.

    Parameters
    ----------
    sigma : tuple of two floats, default=(0.1, 1.0)
        Range of the kernel's standard deviation, in voxels and above 0; the FWHM is 2.355 times it.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.augmentation import GaussianBlur
    >>> blur = GaussianBlur((0.5, 0.5), p=1, spatial_dims=1)
    >>> blur(torch.tensor([[0.0, 0.0, 1.0, 0.0, 0.0]]), torch.Generator())
    tensor([[2.9539e-04, 1.0648e-01, 7.8657e-01, 1.0648e-01, 2.9539e-04]])
    """

    sigma: Range = (0.1, 1.0)

    _bounds: ClassVar = {"sigma": (1e-3, INFINITY)}

    def _change(self, x: Tensor, batch: Tensor, generator: torch.Generator) -> Tensor:
        sigma = uniform(self.sigma, (len(x), 1, 1), x, generator)
        matrices = []
        for size in self._grid(x):
            place = torch.arange(size, device=x.device, dtype=x.dtype)
            kernel = torch.exp(-0.5 * ((place[:, None] - place) / sigma).square())
            matrices.append(kernel / kernel.sum(-1, keepdim=True))
        return along_axes(x, matrices)


@dataclass(frozen=True)
class Intensity(Augmentation):
    """Change contrast, brightness and gamma.

    Parameters
    ----------
    scale : tuple of two floats, default=(0.9, 1.1)
        Range of the factor of the deviations from the subject's mean.
    shift : tuple of two floats, default=(-0.1, 0.1)
        Range of the constant that is added, in units of the standard deviation of all values of
        the subject.
    gamma : tuple of two floats, default=(0.8, 1.25)
        Range, above 0, of the exponent of the values, scaled from the subject's lowest and highest
        value to 0 and 1; (1, 1) for none.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.augmentation import Intensity
    >>> double = Intensity((2, 2), (0, 0), (1, 1), p=1)
    >>> double(torch.tensor([[1.0, 2.0, 3.0]]), torch.Generator())
    tensor([[0., 2., 4.]])
    """

    scale: Range = (0.9, 1.1)
    shift: Range = (-0.1, 0.1)
    gamma: Range = (0.8, 1.25)

    _bounds: ClassVar = {
        "scale": (0.0, INFINITY),
        "shift": (-INFINITY, INFINITY),
        "gamma": (1e-3, INFINITY),
    }

    def _change(self, x: Tensor, batch: Tensor, generator: torch.Generator) -> Tensor:
        ranges = (self.scale, self.shift, self.gamma)
        scale, shift, gamma = (uniform(values, (len(x), 1), x, generator) for values in ranges)
        values = x.flatten(1)
        mean, std = _mean_std(values)
        if tuple(self.gamma) != (1, 1):
            low, high = values.amin(1, keepdim=True), values.amax(1, keepdim=True)
            span = (high - low).clamp(min=torch.finfo(x.dtype).tiny)
            unit = (values - low).div_(span)
            # Faster than pow; the logarithm of 0 is -inf, and the exponential of that 0.
            values = unit.log_().mul_(gamma).exp_().mul_(span).add_(low)
        return torch.addcmul(mean * (1 - scale) + shift * std, values, scale).view_as(x)


@dataclass(frozen=True)
class BiasField(SpatialAugmentation):
    """Multiply by a smooth field, like the bias field of a scanner's coil.

    The field is the exponential of a polynomial of the voxels' coordinates, from -1 to 1 along each
    axis, as in TorchIO :cite:p:`perezgarcia2021`. It is never negative, and zeros stay zeros.

    Parameters
    ----------
    coefficients : tuple of two floats, default=(-0.5, 0.5)
        Range of the polynomial's coefficients, which have no unit.
    order : int, default=3
        Degree of the polynomial, at least 1.

    References
    ----------
    :cite:t:`perezgarcia2021`.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.augmentation import BiasField
    >>> bias = BiasField((0.1, 0.1), 1, p=1, spatial_dims=1)  # exp(0.1 + 0.1 * place)
    >>> bias(torch.ones(1, 3), torch.Generator())
    tensor([[1.0000, 1.1052, 1.2214]])
    """

    coefficients: Range = (-0.5, 0.5)
    order: int = 3

    _bounds: ClassVar = {"coefficients": (-INFINITY, INFINITY)}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.order < 1:
            raise ValueError(f"order must be at least 1, got {self.order!r}.")

    def _change(self, x: Tensor, batch: Tensor, generator: torch.Generator) -> Tensor:
        grid, degrees = self._grid(x), torch.arange(self.order + 1)
        shape = (len(degrees),) * len(grid)
        drawn = uniform(self.coefficients, (len(x), *shape), x, generator)
        total = torch.stack(torch.meshgrid(*[degrees] * len(grid), indexing="ij")).sum(0)
        drawn = drawn * (total <= self.order).to(x)
        powers = [_powers(size, degrees.to(x)).expand(len(x), -1, -1) for size in grid]
        field = along_axes(drawn, powers).exp_()
        channels = x.dim() - 1 - len(grid)
        return x * field.reshape(len(x), *[1] * channels, *grid)


def _mean_std(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of each row, faster than `torch.std_mean`."""
    mean = values.mean(1, keepdim=True)
    norm = torch.linalg.vector_norm(values - mean, dim=1, keepdim=True)
    return mean, norm / values.shape[1] ** 0.5


def _powers(size: int, degrees: Tensor) -> Tensor:
    place = torch.linspace(-1, 1, size, dtype=degrees.dtype, device=degrees.device)
    return place[:, None] ** degrees
