"""Augmentations of published methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from skmmcl.augmentation._base import Compose, Transform
from skmmcl.augmentation._color import ColorJitter, Grayscale
from skmmcl.augmentation._geometry import Flip, ResizedCrop, Shift
from skmmcl.augmentation._intensity import GaussianBlur, GaussianNoise, Intensity
from skmmcl.augmentation._patches import Cutout


def published_augmentation(name: str) -> Compose:
    """Build the augmentation of a published method.

    Parameters
    ----------
    name : str
        One of

        - "all_tf", "cutout", "crop": volumes, of y-Aware :cite:p:`dufumier2021yaware`;
        - "fedorov": volumes, of :cite:t:`fedorov2021multimodal`;
        - "taco": volumes, of :cite:t:`pan2026`, without its rotations by 90 degrees;
        - "supcon": images, of :cite:t:`khosla2020supervised` and of ModAn-MulSupCon;
        - "decoupled": images, of :cite:t:`dufumier2023integrating`, as SimCLR's without its blur;
        - "simclr": images, of :cite:t:`chen2020simple`;
        - "comm" and "cross": images, of :cite:t:`dufumier2025`, for CoMM and for CLIP;
        - "none": none, of contrastive regression :cite:p:`barbano2023regression`, whose copies are
          equal.

    Returns
    -------
    Compose
        The chain.

    Raises
    ------
    ValueError
        If the name is unknown.

    Notes
    -----
    "all_tf" and "cutout" fill volumes with their mean, which is 0 if each volume is z-scored by
    itself, as in the paper. The flips of the paper draw among all axes, including channels; here
    they draw among spatial axes. Flips exchange the hemispheres: omit them if the side matters.

    Examples
    --------
    >>> from skmmcl.augmentation import published_augmentation
    >>> [type(step).__name__ for step in published_augmentation("all_tf").transforms]
    ['Flip', 'GaussianBlur', 'GaussianNoise', 'Cutout', 'ResizedCrop']
    """
    if name not in PUBLISHED:
        raise ValueError(f"name must be one of {sorted(PUBLISHED)}, got {name!r}.")
    return _Published(PUBLISHED[name](), name)


@dataclass(frozen=True, repr=False)
class _Published(Compose):
    """Chain whose repr is its name."""

    name: str

    def __repr__(self) -> str:
        return f"published_augmentation({self.name!r})"


def _all_tf() -> list[Transform]:
    return [
        Flip(None),
        GaussianBlur((0.1, 1.0)),
        GaussianNoise((0.1, 1.0)),
        Cutout((0.25, 0.25), fill="mean"),
        ResizedCrop((0.75, 0.75)),
    ]


def _fedorov() -> list[Transform]:
    return [Shift(0.125, p=1), *(Flip(axis) for axis in range(3))]


def _taco() -> list[Transform]:
    return [
        *(Flip(axis, p=0.2) for axis in range(3)),
        Intensity((0.9, 1.1), (0.0, 0.0), (1.0, 1.0), p=0.1),
        Intensity((1.0, 1.0), (-0.1, 0.1), (1.0, 1.0), p=0.1),
    ]


def _images(smallest: float, strength: float, blur: float = 0.0) -> list[Transform]:
    """Return the steps of SimCLR: crop, flip, color jitter, grayscale and, if asked for, blur."""
    around = (1 - 0.8 * strength, 1 + 0.8 * strength)
    hue = (-0.2 * strength, 0.2 * strength)
    steps: list[Transform] = [
        ResizedCrop((smallest, 1.0), ratio=(3 / 4, 4 / 3), of_area=True, p=1, spatial_dims=2),
        Flip(1, spatial_dims=2),
        ColorJitter(around, around, around, hue, p=0.8),
        Grayscale(p=0.2),
    ]
    return [*steps, GaussianBlur((0.1, 2.0), p=blur, spatial_dims=2)] if blur else steps


PUBLISHED: dict[str, Callable[[], list[Transform]]] = {
    "none": list,
    "all_tf": _all_tf,
    "cutout": lambda: [Cutout((0.25, 0.25), fill="mean", p=1)],
    "crop": lambda: [ResizedCrop((0.75, 0.75), p=1)],
    "fedorov": _fedorov,
    "taco": _taco,
    "supcon": partial(_images, 0.2, 0.5),
    "decoupled": partial(_images, 0.08, 1.0),
    "simclr": partial(_images, 0.08, 1.0, 0.5),
    "comm": partial(_images, 0.08, 0.5, 0.5),
    "cross": lambda: _images(0.5, 0.5)[:1],
}
