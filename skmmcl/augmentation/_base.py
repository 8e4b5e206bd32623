"""Base class of augmentations, and chains of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from numbers import Real
from typing import Any, ClassVar

import torch
from torch import Tensor

from skmmcl.utils._docs import add_parameters

Transform = Callable[[Tensor, torch.Generator], Tensor]
Range = tuple[float, float]
INFINITY = float("inf")


def check_range(name: str, values: Range, low: float, high: float) -> None:
    """Raise unless ``values`` is a pair (lowest, highest) between two bounds."""
    is_pair = isinstance(values, Sequence) and len(values) == 2
    if not is_pair or not low <= values[0] <= values[1] <= high:
        raise ValueError(
            f"{name} must be a pair (lowest, highest) within [{low}, {high}], got {values!r}."
        )


def check_fill(fill: float | str, names: Sequence[str] = ("mean",)) -> None:
    """Raise unless ``fill`` is a number or one of the names."""
    if fill not in names and not isinstance(fill, Real):
        choices = " or ".join(f'"{name}"' for name in names)
        raise ValueError(f"fill must be a number or {choices}, got {fill!r}.")


def uniform(values: Range, shape: Sequence[int], x: Tensor, generator: torch.Generator) -> Tensor:
    """Draw uniformly from a range, with the device and dtype of ``x``."""
    unit = torch.rand(shape, generator=generator, dtype=torch.float64)
    return (values[0] + (values[1] - values[0]) * unit).to(x)


def chosen(rate: Tensor, shape: Sequence[int], generator: torch.Generator) -> Tensor:
    """Choose entries at random, each row at its own rate."""
    unit = torch.rand(shape, generator=of_device(rate.device, generator), device=rate.device)
    return unit < per_subject(rate, unit)


def per_subject(values: Tensor, x: Tensor) -> Tensor:
    """Return one value per subject in a shape that broadcasts with ``x``."""
    return values.reshape(-1, *[1] * (x.dim() - 1))


def of_device(device: torch.device, generator: torch.Generator) -> torch.Generator:
    """Return a generator for many numbers on a device, seeded by a draw of ``generator``."""
    if device.type == "cpu":
        return generator
    seed = int(torch.randint(2**62, (), generator=generator))
    return torch.Generator(device).manual_seed(seed)


def normal_like(x: Tensor, generator: torch.Generator) -> Tensor:
    """Draw standard normal numbers with the shape, device and dtype of ``x``."""
    own = of_device(x.device, generator)
    return torch.randn(x.shape, generator=own, dtype=x.dtype, device=x.device)


def check_batch(x: Tensor, generator: torch.Generator) -> None:
    """Raise unless this is a batch that can be augmented, with a generator of the CPU."""
    if not isinstance(x, Tensor) or not x.is_floating_point() or x.dim() < 2:
        found = f"{tuple(x.shape)} {x.dtype}" if isinstance(x, Tensor) else type(x).__name__
        raise ValueError(f"Expected a floating-point Tensor (n_samples, ...), got {found}.")
    if not isinstance(generator, torch.Generator) or generator.device.type != "cpu":
        raise ValueError(
            f"Expected a torch.Generator of the CPU, got {generator!r}; it also seeds the "
            "generators of other devices."
        )


@dataclass(frozen=True)
class Augmentation(ABC):
    """Base class of random changes of a batch, with a draw of its own for each subject.

    An augmentation is called as ``augmentation(x, generator)`` with a floating-point Tensor
    (n_samples, ...) and a ``torch.Generator`` of the CPU, and returns a new Tensor of the same
    shape. A few numbers per subject are drawn on the CPU and the rest on the device of ``x``, so
    that no call waits for a GPU; no global generator is used.

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

    # Bounds of the parameters that are pairs (lowest, highest).
    _bounds: ClassVar[Mapping[str, Range]] = {}
    # Documentation of the parameters that subclasses inherit.
    _inherited: ClassVar[Mapping[str, str]] = {
        "p": "float, default=0.5\n    Probability, in [0, 1], that a subject is changed."
    }

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        add_parameters(cls, cls._inherited)

    def __post_init__(self) -> None:
        if not 0 <= self.p <= 1:
            raise ValueError(f"p must be a probability in [0, 1], got {self.p!r}.")
        for name, bounds in self._bounds.items():
            check_range(name, getattr(self, name), *bounds)

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
        """Return ``x``, which is some or all subjects of a batch, changed; write to neither."""


@dataclass(frozen=True)
class Compose:
    """Chain of augmentations.

    Parameters
    ----------
    transforms : sequence of callable
        Augmentations in their order, each called as ``transform(x, generator)``.

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
        steps = self.transforms  # a sequence: an iterator would be empty after the first batch
        if not isinstance(steps, Sequence) or not all(map(callable, steps)):
            raise ValueError(f"transforms must be a list of callables, got {steps!r}.")

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        for transform in self.transforms:
            x = transform(x, generator)
        return x
