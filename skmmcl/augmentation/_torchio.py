"""Transforms of TorchIO, which take one subject at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from skmmcl.augmentation._base import check_batch


@dataclass(frozen=True)
class TorchIOAdapter:
    """Apply a transform of TorchIO to volumes.

    The transform gets one subject at a time, on the CPU, as an image with channels, and has its own
    probability. TorchIO draws from torch's global generator, which is seeded for each subject by a
    draw of the given generator and restored afterward. Estimators train such fits one at a time.
    It is slower than the augmentations of this package and needs ``pip install torchio``.

    Parameters
    ----------
    transform : torchio.Transform
        Maps a Tensor (n_channels, i, j, k) to one of the same shape.

    References
    ----------
    :cite:t:`perezgarcia2021`.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.augmentation import TorchIOAdapter
    >>> mirror = lambda volume: volume.flip(1)  # or torchio.RandomMotion()
    >>> x = torch.arange(8.0).reshape(1, 2, 2, 2)
    >>> TorchIOAdapter(mirror)(x, torch.Generator()).flatten()
    tensor([4., 5., 6., 7., 0., 1., 2., 3.])
    """

    transform: Callable[[Tensor], Tensor]

    def __post_init__(self) -> None:
        if not callable(self.transform):
            raise ValueError(f"transform must be one of TorchIO, got {self.transform!r}.")

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        check_batch(x, generator)
        if x.dim() not in (4, 5):
            raise ValueError(
                f"TorchIO takes volumes (n_samples, i, j, k) or (n_samples, n_channels, i, j, k), "
                f"got {tuple(x.shape)}."
            )
        seeds = torch.randint(2**62, (len(x),), generator=generator).tolist()
        images = x.cpu() if x.dim() == 5 else x.cpu()[:, None]
        changed = []
        with torch.random.fork_rng(devices=[]):
            for image, seed in zip(images, seeds, strict=True):
                torch.default_generator.manual_seed(seed)
                changed.append(self.transform(image.clone()))
        return torch.stack(changed).to(x).reshape(x.shape)
