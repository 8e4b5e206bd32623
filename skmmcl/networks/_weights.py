"""Weights from files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

# How files that have been published begin their names, and how ours begin.
PUBLISHED = {
    "yaware": {"features.": "", "hidden_representation.": "fc.", "classifier.": "fc."},
    "anatcl": {"encoder.": ""},
}
AMONG = ("state_dict", "model_state_dict", "model")  # where training scripts put the weights
EVERYWHERE = "module."  # put before all names by torch's DataParallel


@dataclass(frozen=True)
class WeightsReport:
    """What became of the weights of a file.

    Parameters
    ----------
    loaded : tuple of str
        Parameters and buffers of the network that now have the values of the file.
    missing : tuple of str
        Those of the network that the file does not have; they are as they were.
    unexpected : tuple of str
        Those of the file that the network does not have.
    mismatched : dict of str to (tuple, tuple)
        Those of another shape, with the shape in the file and in the network; they are as
        they were.

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
        return ", ".join(
            [
                f"{len(self.loaded)} loaded",
                _listed(self.missing, "missing"),
                _listed(self.unexpected, "unexpected"),
                _listed(odd, "mismatched"),
            ]
        )


def load_weights(
    network: nn.Module,
    path: Any,
    *,
    mapping: str | Mapping[str, str] | Callable[[str], str] | None = None,
) -> WeightsReport:
    """Give a network the weights of a file.

    Weights are found by name and must have the same shape; the report says what was not
    found. Nothing but tensors is read, so that a file cannot run code. The network can
    then be used as an encoder, for example ``encoders={"t1": network}``: embedders copy a
    module with its weights.

    Parameters
    ----------
    network : Module
        Changed in place.
    path : path
        A file of `torch.save`, such as ``.pt`` and ``.pth``, with a state dict or with one
        under "state_dict", "model_state_dict" or "model"; or a ``.safetensors`` file.
    mapping : str, dict, callable or None, default=None
        From the names in the file to those of the network: a dict of beginnings that are
        replaced, or a function. "yaware" is for the DenseNet121 of y-Aware on a
        `DenseNet3d`; "anatcl" is for the ResNet18 of AnatCL on a `ResNet3d`. None for
        equal names. The "module." that DataParallel puts before all names is always left
        out.

    Returns
    -------
    WeightsReport
        What was loaded, and what does not fit.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ImportError
        If a ``.safetensors`` file is given and the package for it is not installed.
    ValueError
        If the file cannot be read or has no weights, or if no parameter of the network is
        in it.

    References
    ----------
    .. [1] Dufumier B. et al. (2021). Contrastive learning with continuous proxy meta-data
       for 3D MRI classification. MICCAI.
    .. [2] Barbano C. A. et al. (2024). Anatomical foundation models for brain MRIs. arXiv
       2408.07079.

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
    path = Path(path)
    rename = _renaming(mapping)
    found = {name.removeprefix(EVERYWHERE): tensor for name, tensor in _read(path).items()}
    own = network.state_dict()
    by_own = {rename(name): name for name in found}
    both = [name for name in own if name in by_own]
    odd = {name for name in both if found[by_own[name]].shape != own[name].shape}
    loaded = tuple(name for name in both if name not in odd)
    if not {name for name, _ in network.named_parameters()}.intersection(loaded):
        raise ValueError(
            f"No parameter of {type(network).__name__} is in {path}, which has {_some(found)}; "
            f"expected {_some(own)}. Set mapping= to say how names are to be changed."
        )
    network.load_state_dict({name: found[by_own[name]] for name in loaded}, strict=False)
    return WeightsReport(
        loaded=loaded,
        missing=tuple(name for name in own if name not in by_own),
        unexpected=tuple(name for renamed, name in by_own.items() if renamed not in own),
        mismatched={
            name: (tuple(found[by_own[name]].shape), tuple(own[name].shape))
            for name in both
            if name in odd
        },
    )


def _renaming(mapping: Any) -> Callable[[str], str]:
    if isinstance(mapping, str) and mapping not in PUBLISHED:
        raise ValueError(f"mapping={mapping!r} is none of {sorted(PUBLISHED)}, dict or function.")
    if callable(mapping):
        return mapping
    prefixes = PUBLISHED[mapping] if isinstance(mapping, str) else mapping or {}
    longest_first = sorted(prefixes, key=len, reverse=True)

    def rename(name: str) -> str:
        prefix = next((p for p in longest_first if name.startswith(p)), "")
        return prefixes.get(prefix, prefix) + name.removeprefix(prefix)

    return rename


def _read(path: Path) -> dict[str, Tensor]:
    """The tensors of a file, by name."""
    if not path.is_file():
        raise FileNotFoundError(f"There is no file of weights {path}.")
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    while inner := _inner(content):
        content = inner
    if not isinstance(content, Mapping):
        content = {}
    weights = {name: value for name, value in content.items() if isinstance(value, Tensor)}
    if not weights:
        raise ValueError(f"{path} has no weights: expected a state dict, names with tensors.")
    return weights


def _inner(content: Any) -> Any:
    if not isinstance(content, Mapping):
        return None
    return next((content[k] for k in AMONG if isinstance(content.get(k), Mapping)), None)


def _read_torch(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise ValueError(
            f"{path} was not read, since it is no file of torch.save or holds more than tensors, "
            "which could run code. If you trust it: torch.save(torch.load(path, "
            f"weights_only=False)['model'], 'weights.pt'), or as its dict is laid out. ({error})"
        ) from error
    except (EOFError, RuntimeError, ValueError, KeyError) as error:
        raise ValueError(f"{path} cannot be read; it may be cut off: {error}") from error


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise ImportError(
            f'{path} needs the package safetensors: pip install "skmmcl[weights]"'
        ) from error
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} cannot be read; it may be cut off: {error}") from error


def _listed(names: Any, what: str) -> str:
    return f"{len(names)} {what}" + (f" ({', '.join(names)})" if names else "")


def _some(names: Any, n_shown: int = 3) -> str:
    shown = list(names)[:n_shown]
    return ", ".join(shown) + (", ..." if len(names) > n_shown else "")
