"""Augmentations of the colors of images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from skmmcl.augmentation._base import INFINITY, Augmentation, Range, per_subject, uniform

GRAY = (0.299, 0.587, 0.114)  # weights of red, green and blue in the luminance

# Luminance and two axes of color (NTSC), along which hue is an angle.
YIQ = (GRAY, (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))


@dataclass(frozen=True)
class ColorAugmentation(Augmentation):
    """Base class of augmentations of images with three channels or one, which has no color."""

    def _n_channels(self, x: Tensor) -> int:
        n_channels = x.shape[1] if x.dim() == 4 else 0
        if n_channels not in (1, 3):
            raise ValueError(
                f"{type(self).__name__} takes images of one or three channels, "
                f"(n_samples, channels, height, width), got {tuple(x.shape)}."
            )
        return n_channels


@dataclass(frozen=True)
class ColorJitter(ColorAugmentation):
    """Change brightness, contrast, saturation and hue, in this order.

    All four are linear in the values, and nothing is clipped. A change of hue rotates colors about
    the axis of grays, which keeps their luminance. Images of one channel change in brightness and
    contrast.

    Parameters
    ----------
    brightness, contrast, saturation : tuple of two floats, default=(0.6, 1.4)
        Ranges of the factors of all values, of the deviations from the image's mean luminance, and
        of the deviations from each pixel's luminance.
    hue : tuple of two floats, default=(-0.1, 0.1)
        Range of the rotation of the colors, where 1 is a full turn.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.augmentation import ColorJitter
    >>> brighter = ColorJitter((2, 2), (1, 1), (1, 1), (0, 0), p=1)
    >>> brighter(torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1), torch.Generator()).flatten()
    tensor([2.0000, 4.0000, 6.0000])
    """

    brightness: Range = (0.6, 1.4)
    contrast: Range = (0.6, 1.4)
    saturation: Range = (0.6, 1.4)
    hue: Range = (-0.1, 0.1)

    _bounds: ClassVar = {
        **dict.fromkeys(("brightness", "contrast", "saturation"), (0.0, INFINITY)),
        "hue": (-0.5, 0.5),
    }

    def _change(self, x: Tensor, batch: Tensor, generator: torch.Generator) -> Tensor:
        n_channels = self._n_channels(x)
        ranges = (self.brightness, self.contrast, self.saturation, self.hue)
        bright, contrast, saturation, hue = (
            uniform(values, (len(x),), x, generator) for values in ranges
        )
        gray = x.new_tensor(GRAY if n_channels == 3 else (1.0,))
        mean = torch.einsum("c,nc->n", gray, x.flatten(2).mean(2))
        shift = per_subject(bright * (1 - contrast) * mean, x)
        factor = (bright * contrast)[:, None, None]
        if n_channels == 1:
            return x * per_subject(factor, x) + shift
        matrix = factor * _turn(hue) @ _saturate(saturation, gray)
        return (matrix @ x.flatten(2)).view_as(x) + shift


@dataclass(frozen=True)
class Grayscale(ColorAugmentation):
    """Replace colors by their luminance, in all three channels.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.augmentation import Grayscale
    >>> red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    >>> Grayscale(p=1)(red, torch.Generator()).flatten()
    tensor([0.2990, 0.2990, 0.2990])
    """

    def _change(self, x: Tensor, batch: Tensor, generator: torch.Generator) -> Tensor:
        if self._n_channels(x) == 1:
            return x
        luminance = torch.einsum("c,ncp->np", x.new_tensor(GRAY), x.flatten(2))
        return luminance[:, None].expand(-1, 3, -1).reshape(x.shape)


def _saturate(factor: Tensor, gray: Tensor) -> Tensor:
    """Return matrices that move colors away from their luminance, (n_samples, 3, 3)."""
    factor = factor[:, None, None]
    eye = torch.eye(3, dtype=gray.dtype, device=gray.device)
    return factor * eye + (1 - factor) * gray.expand(3, 3)


def _turn(hue: Tensor) -> Tensor:
    """Return matrices that rotate colors about the axis of grays, (n_samples, 3, 3)."""
    to_yiq = hue.new_tensor(YIQ)
    angle = 2 * math.pi * hue
    turn = torch.eye(3, dtype=hue.dtype, device=hue.device).repeat(len(hue), 1, 1)
    turn[:, 1, 1] = turn[:, 2, 2] = angle.cos()
    turn[:, 1, 2], turn[:, 2, 1] = -angle.sin(), angle.sin()
    return torch.linalg.inv(to_yiq) @ turn @ to_yiq
