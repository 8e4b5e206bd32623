"""Weights of networks from files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from skmmcl.utils._files import user_path
from skmmcl.utils._optional import import_optional

# Prefixes of the names in published files, and those of our networks.
PUBLISHED = {
    "yaware": {"features.": "", "hidden_representation.": "fc.", "classifier.": "fc."},
    "anatcl": {"encoder.": ""},
}
NESTED = ("state_dict", "model_state_dict", "model")  # where training scripts put the weights


@dataclass(frozen=True)
class WeightsReport:
    """Result of loading the weights of a file.

    Parameters
    ----------
    loaded : tuple of str
        Parameters and buffers of the network that now have the values of the file.
    missing : tuple of str
        Parameters and buffers that the file does not have; they are unchanged.
    unexpected : tuple of str
        Entries of the file that the network does not have.
    mismatched : dict of str to (tuple, tuple)
        Entries whose shapes differ, with the shape in the file and in the network; they are
        unchanged.

    Examples
    --------
    >>> from skmmcl.networks import WeightsReport
    >>> print(WeightsReport(("conv.weight",), ("fc.weight", "fc.bias"), (), {}))
    1 loaded, 2 missing (fc.weight, fc.bias), 0 unexpected, 0 mismatched
    """

    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]

    def __str__(self) -> str:
        odd = [f"{name}: {found} for {own}" for name, (found, own) in self.mismatched.items()]
        listed = {"missing": self.missing, "unexpected": self.unexpected, "mismatched": odd}
        parts = [
            f"{len(names)} {what}" + (f" ({', '.join(names)})" if names else "")
            for what, names in listed.items()
        ]
        return ", ".join([f"{len(self.loaded)} loaded", *parts])


def load_weights(
    network: nn.Module,
    path: str | PathLike[str],
    *,
    mapping: str | Mapping[str, str] | Callable[[str], str] | None = None,
) -> WeightsReport:
    """Load the weights of a file into a network.

    Weights are matched by name and must have the same shape; the report lists the others. Only
    tensors are read, so that a file cannot run code. The network can then be used as an
    encoder, for example ``encoders={"t1": network}``: embedders copy it with its weights.

    Parameters
    ----------
    network : Module
        The network, which is changed in place.
    path : path
        A file of `torch.save`, such as ``.pt`` and ``.pth``, with a state dict or with one
        under "state_dict", "model_state_dict" or "model"; or a ``.safetensors`` file.
    mapping : str, dict, callable or None, default=None
        Map from the names in the file to those in the network: a dict of prefixes to replace, or
        a function of the name. "yaware" is for the DenseNet121 of :cite:t:`dufumier2021yaware` and
        a `DenseNet3d`, "anatcl" for the ResNet18 of :cite:t:`barbano2024anatcl` and a `ResNet3d`.
        None if the names are equal. The prefix "module." of DataParallel is always removed.

    Returns
    -------
    WeightsReport
        The names that were loaded, and those that were not.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ImportError
        If a ``.safetensors`` file is given and the package for it is not installed.
    ValueError
        If the file cannot be read or has no weights, if it has no parameter of the network, or if
        two of its weights get the same name.

    Examples
    --------
    >>> import tempfile, torch
    >>> from pathlib import Path
    >>> from skmmcl.networks import SmallCNN3d, load_weights
    >>> trained, network = SmallCNN3d((8, 8, 8), 4), SmallCNN3d((8, 8, 8), 2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     torch.save(trained.state_dict(), Path(folder) / "weights.pt")
    ...     print(load_weights(network, Path(folder) / "weights.pt"))
    3 loaded, 0 missing, 0 unexpected, 2 mismatched (fc.weight: (4, 1024) for (2, 1024),
    fc.bias: (4,) for (2,))
    """
    path, rename = user_path(path), _renaming(mapping)
    found = {name.removeprefix("module."): tensor for name, tensor in _read(path).items()}
    source, own = _by_new_name(found, rename), network.state_dict()
    shapes = {
        name: (tuple(found[source[name]].shape), tuple(tensor.shape))
        for name, tensor in own.items()
        if name in source
    }
    mismatched = {name: pair for name, pair in shapes.items() if pair[0] != pair[1]}
    loaded = tuple(name for name in shapes if name not in mismatched)
    if not {name for name, _ in network.named_parameters()}.intersection(loaded):
        raise ValueError(
            f"No parameter of {type(network).__name__} is in {path}, which has {_some(found)}; "
            f"expected {_some(own)}. Set mapping= to change the names."
        )
    network.load_state_dict({name: found[source[name]] for name in loaded}, strict=False)
    missing = tuple(name for name in own if name not in source)
    unexpected = tuple(name for renamed, name in source.items() if renamed not in own)
    return WeightsReport(loaded, missing, unexpected, mismatched)


def _by_new_name(names: Iterable[str], rename: Callable[[str], str]) -> dict[str, str]:
    """Return the names in the file by those in the network."""
    source: dict[str, str] = {}
    for name in names:
        first = source.setdefault(rename(name), name)
        if first != name:
            raise ValueError(
                f"mapping= gives {first!r} and {name!r} of the file the same name, "
                f"{rename(name)!r}; map the one that is not needed to another name."
            )
    return source


def _renaming(mapping: Any) -> Callable[[str], str]:
    if isinstance(mapping, str) and mapping not in PUBLISHED:
        raise ValueError(
            f"mapping={mapping!r} must be one of {sorted(PUBLISHED)}, a dict or a function."
        )
    if callable(mapping):
        return mapping
    prefixes = PUBLISHED[mapping] if isinstance(mapping, str) else mapping or {}
    longest_first = sorted(prefixes, key=len, reverse=True)

    def rename(name: str) -> str:
        prefix = next((p for p in longest_first if name.startswith(p)), "")
        return prefixes.get(prefix, prefix) + name.removeprefix(prefix)

    return rename


def _read(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name."""
    if not path.is_file():
        raise FileNotFoundError(f"There is no file of weights {path}.")
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    inner = content
    while isinstance(inner, Mapping) and inner:
        content = inner
        inner = next((content[k] for k in NESTED if isinstance(content.get(k), Mapping)), None)
    named = content if isinstance(content, Mapping) else {}
    weights = {name: value for name, value in named.items() if isinstance(value, Tensor)}
    if not weights:
        raise ValueError(f"{path} has no weights: expected a state dict, names with tensors.")
    return weights


def _read_torch(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise ValueError(
            f"{path} was not read: it is not a file of torch.save, or it holds more than tensors, "
            "which could run code. If you trust it, save its weights alone: torch.save(torch.load("
            "path, weights_only=False)['model'], 'weights.pt'), with the key of its state dict. "
            f"({error})"
        ) from error
    except (EOFError, RuntimeError, ValueError, KeyError) as error:
        raise ValueError(f"{path} cannot be read; it may be cut off: {error}") from error


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    advice = f'{path} needs the package safetensors: pip install "skmmcl[weights]"'
    invalid = import_optional("safetensors", advice).SafetensorError
    try:
        return import_optional("safetensors.torch", advice).load_file(path)
    except invalid as error:
        raise ValueError(f"{path} cannot be read; it may be cut off: {error}") from error


def _some(names: Iterable[str]) -> str:
    first, more = list(names)[:3], list(names)[3:]
    return ", ".join(first) + (", ..." if more else "")
