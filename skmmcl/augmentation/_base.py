"""What all augmentations have in common: the draw of who is changed, and the chain of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass

import torch
from torch import Tensor

Transform = Callable[[Tensor, torch.Generator], Tensor]
Range = tuple[float, float]


def check_range(name: str, values: Range, low: float, high: float = float("inf")) -> None:
    """Raise if ``values`` is no (lowest, highest) between two bounds."""
    is_pair = isinstance(values, Sequence) and len(values) == 2
    if not is_pair or not low <= values[0] <= values[1] <= high:
        raise ValueError(
            f"{name} must be a pair (lowest, highest) within [{low}, {high}], got {values!r}."
        )


def check_fill(fill: float | str, choices: str = 'a number or "mean"') -> None:
    """Raise if ``fill`` is neither a number nor "mean"."""
    if fill != "mean" and not isinstance(fill, int | float):
        raise ValueError(f"fill must be {choices}, got {fill!r}.")


def uniform(values: Range, shape: Sequence[int], x: Tensor, generator: torch.Generator) -> Tensor:
    """Draw uniformly from a range, where and as ``x`` is."""
    unit = torch.rand(shape, generator=generator, dtype=torch.float64)
    return (values[0] + (values[1] - values[0]) * unit).to(x)


def chosen(rate: Tensor, shape: Sequence[int], generator: torch.Generator) -> Tensor:
    """Draw which entries are chosen, each row at its own rate."""
    unit = torch.rand(shape, generator=of_device(rate.device, generator), device=rate.device)
    return unit < per_subject(rate, unit)


def per_subject(values: Tensor, x: Tensor) -> Tensor:
    """One value per subject, to be broadcast with ``x``."""
    return values.reshape(-1, *[1] * (x.dim() - 1))


def of_device(device: torch.device, generator: torch.Generator) -> torch.Generator:
    """A generator for many numbers on a device, seeded by one number of ``generator``."""
    if device.type == "cpu":
        return generator
    seed = int(torch.randint(2**62, (), generator=generator))
    return torch.Generator(device).manual_seed(seed)


def normal_like(x: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal numbers, where and as ``x`` is."""
    own = of_device(x.device, generator)
    return torch.randn(x.shape, generator=own, dtype=x.dtype, device=x.device)


def check_batch(x: Tensor, generator: torch.Generator) -> None:
    """Raise if this is no batch that can be augmented."""
    if not isinstance(x, Tensor) or not x.is_floating_point() or x.dim() < 2:
        found = f"{tuple(x.shape)} {x.dtype}" if isinstance(x, Tensor) else type(x).__name__
        raise ValueError(f"Expected a floating-point Tensor (n_samples, ...), got {found}.")
    if not isinstance(generator, torch.Generator) or generator.device.type != "cpu":
        raise ValueError(
            f"Expected a torch.Generator of the CPU, got {generator!r}; numbers for other devices "
            "are drawn there from a seed that it gives."
        )


@dataclass(frozen=True)
class Augmentation(ABC):
    """Base of the random changes of a batch, each subject by a draw of its own.

    An augmentation is called as ``augmentation(x, generator)`` with a floating-point Tensor
    (n_samples, ...) and a ``torch.Generator`` of the CPU, and gives a new Tensor of the same
    shape. Few numbers per subject are drawn on the CPU and the rest on the device of ``x``, so
    that a GPU never has to be waited for; no global generator is touched.

    Parameters
    ----------
    p : float, default=0.5
        Probability, in [0, 1], that a subject is changed.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.augmentation import Augmentation
    >>> class Negate(Augmentation):
    ...     def _change(self, x, batch, generator):
    ...         return -x
    >>> Negate(p=0.5)(torch.ones(6, 1), torch.Generator().manual_seed(0)).flatten()
    tensor([-1.,  1., -1., -1., -1.,  1.])
    """

    _: KW_ONLY
    p: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.p <= 1:
            raise ValueError(f"p must be a probability in [0, 1], got {self.p!r}.")

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        check_batch(x, generator)
        rows = (torch.rand(len(x), generator=generator) < self.p).nonzero().flatten()
        if len(rows) == 0:
            return x.clone()
        if len(rows) == len(x):
            return self._change(x, x, generator)
        rows = rows.to(x.device)
        return x.index_copy(0, rows, self._change(x[rows], x, generator))

    @abstractmethod
    def _change(self, x: Tensor, batch: Tensor, generator: torch.Generator) -> Tensor:
        """Change all subjects of ``x``, some or all of a batch; neither is written to."""


@dataclass(frozen=True)
class Compose:
    """Augmentations one after the other.

    Parameters
    ----------
    transforms : sequence of callable
        Each called as ``transform(x, generator)``.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.augmentation import Compose, FeatureDropout, FeatureNoise
    >>> augment = Compose([FeatureNoise(), FeatureDropout()])
    >>> augment(torch.ones(4, 3), torch.Generator().manual_seed(0)).shape
    torch.Size([4, 3])
    """

    transforms: Sequence[Transform]

    def __post_init__(self) -> None:
        if not all(callable(transform) for transform in self.transforms):
            raise ValueError(f"transforms must be callables, got {self.transforms!r}.")

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        for transform in self.transforms:
            x = transform(x, generator)
        return x
