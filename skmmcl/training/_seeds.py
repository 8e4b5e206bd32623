"""Seeds and devices that stay local to a fit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from skmmcl.networks._vmap import unstacked_modules

# Torch has one default generator per process; a thread that seeds it must be alone with it.
_DEFAULT_GENERATOR = threading.RLock()


@contextmanager
def seeded(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Seed torch's default generator inside, and restore it; one thread at a time."""
    devices = [device] if device is not None and device.type == "cuda" else []
    with _DEFAULT_GENERATOR, torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)
        for cuda in devices:
            with torch.cuda.device(cuda):
                torch.cuda.manual_seed(seed)
        yield


def draws_globally(module: nn.Module) -> bool:
    """Return whether a forward in training mode may draw from torch's default generator.

    Modules of other packages are assumed to do so, except for those that a trial has shown not to.
    """
    tried = [each for each in unstacked_modules(module) if each.stackable]
    known = {id(child) for each in tried for child in each.modules()}
    for child in module.modules():
        if id(child) in known:
            continue
        root = type(child).__module__.partition(".")[0]
        if root not in ("torch", "skmmcl"):
            return True
        if root == "torch" and (getattr(child, "p", None) or getattr(child, "dropout", None)):
            return True
        if isinstance(child, nn.RReLU | nn.FractionalMaxPool2d | nn.FractionalMaxPool3d):
            return True
    return False


def resolve_device(device: str | torch.device) -> torch.device:
    """Return the device of the parameter ``device``; "auto" is CUDA where it is available.

    Raises
    ------
    ValueError
        If torch does not know the device, or CUDA is asked for and not available.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device={device!r} is none that torch knows: {error}") from error
    if resolved.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f"device={device!r} was asked for, but torch finds no CUDA device here. "
            "Use device='auto' to take CUDA only where there is one."
        )
    return resolved


def check_device(device: str | torch.device) -> None:
    """Raise unless a number can be moved to a device and back."""
    resolved = resolve_device(device)
    try:
        torch.zeros(1).to(resolved).cpu()
    except (RuntimeError, NotImplementedError, AssertionError, ImportError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"device={device!r} cannot be trained on here: {reason} Use device='auto' or 'cpu'."
        ) from error
