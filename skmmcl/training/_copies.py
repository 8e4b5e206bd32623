"""Copies of the subjects of a batch, which a network sees at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor


def copies_of(network: Any) -> tuple[bool, ...]:
    """Return whether each copy, in which a network sees a batch, is augmented."""
    return getattr(network, "copies", (True,))


def in_copies(x: Mapping[str, Tensor], network: Any) -> dict[str, Tensor]:
    """Repeat the subjects of each lane, once for each copy that the network sees."""
    n_copies = len(copies_of(network))
    return {name: value if n_copies == 1 else torch.cat([value] * n_copies, 1)
            for name, value in x.items()}  # fmt: skip


def generators_of(
    nets: Sequence[Any], network: Any, *, training: bool
) -> list[np.random.Generator] | None:
    """Return the generators of the augmentation of each lane; None where nothing is augmented.

    Copies that are contrasted with one another differ in validation too, by the same draws in each
    epoch.
    """
    if training:
        return [net.augment_rng_ for net in nets]
    if getattr(network, "n_joined", 1) == 1:
        return None
    return [np.random.default_rng([net.seed_, 2]) for net in nets]


def change_copies(
    x: dict[Any, Tensor],
    k: int,
    net: Any,
    network: Any,
    present: Tensor | None,
    n_subjects: int,
    rng: np.random.Generator,
) -> None:
    """Augment the subjects of lane ``k`` in place, without its padding, each copy by a new draw."""
    if not (net.augment_ or net.noise_):
        return
    copies = copies_of(network)
    modalities = [key for key in x if not isinstance(key, tuple)]
    width = x[modalities[0]].shape[1] // len(copies)
    for copy, augmented in enumerate(copies):
        rows = slice(copy * width, copy * width + n_subjects)
        seen = {name: x[name][k, rows] for name in modalities}
        changed = net.augment(seen, present, augmented=augmented, rng=rng)
        for key, value in changed.items():
            if key not in x:  # a further view of a modality
                x[key] = x[key[0]].clone()
            x[key][k, rows] = value


def mean_over_contrasts(
    objective: Callable[[Any], tuple[Tensor, dict[str, Tensor]]],
    network: Any,
    named: Mapping[str, Any],
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return loss and terms of each lane, averaged over contrasts within modalities."""
    parts = network.contrasts(named) if hasattr(network, "contrasts") else [named]
    found = [objective(part) for part in parts]
    if len(found) == 1:
        return found[0]
    losses, terms = zip(*found, strict=True)
    mean = {name: torch.stack([part[name] for part in terms]).mean(0) for name in terms[0]}
    return torch.stack(losses).mean(0), mean
