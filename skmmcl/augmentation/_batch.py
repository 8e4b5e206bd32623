"""Augmentation of several modalities of the same subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from skmmcl.augmentation._base import Transform
from skmmcl.exceptions import ModalityError

Augment = Mapping[Any, Transform]


def augmented_names(augment: Augment | None) -> list[str]:
    """The modalities that are augmented."""
    keys = augment or {}
    return list(dict.fromkeys(name for key in keys for name in _names(key)))


def check_augment(augment: Augment | None, shapes: Mapping[str, Sequence[int]]) -> None:
    """Raise if an augmentation is for no modality, none at all, or for unlike ones alike."""
    unknown = [name for name in augmented_names(augment) if name not in shapes]
    if unknown:
        raise ModalityError(f"augment names {unknown}; the modalities are {list(shapes)}.")
    for key, transform in (augment or {}).items():
        if not callable(transform):
            raise ModalityError(
                f"augment of modality {key!r} must be called as transform(x, generator), got "
                f"{transform!r}."
            )
        found = {tuple(shapes[name]) for name in _names(key)}
        if len(found) > 1:
            raise ModalityError(
                f"augment gives {key!r} the same draw, but their shapes differ: {sorted(found)}."
            )


def augment_batch(
    x: Mapping[str, Tensor], augment: Augment, generator: torch.Generator
) -> dict[str, Tensor]:
    """Augment the modalities of a batch.

    Parameters
    ----------
    x : dict of Tensor ``(n_samples, *shape)``
        The modalities.
    augment : dict of str or tuple of str to callable
        What to do with a modality, in this order. Modalities that stand together in a tuple must
        be of one shape and get the same draw, noise included. Each is called as
        ``transform(x, generator)``.
    generator : torch.Generator
        Draws; one of the CPU.

    Returns
    -------
    dict of Tensor
        All modalities, those without an augmentation as they were.

    Raises
    ------
    ModalityError
        If a transform changes the shape of a modality.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.augmentation import Cutout, augment_batch
    >>> x = {"t1": torch.ones(4, 8, 8, 8), "falff": torch.ones(4, 8, 8, 8)}
    >>> generator = torch.Generator().manual_seed(0)
    >>> out = augment_batch(x, {("t1", "falff"): Cutout()}, generator)
    >>> torch.equal(out["t1"], out["falff"])
    True
    """
    out = dict(x)
    for key, transform in augment.items():
        before = generator.get_state()
        for name in _names(key):
            generator.set_state(before)
            changed = transform(out[name], generator)
            if changed.shape != out[name].shape:
                raise ModalityError(
                    f"The augmentation of modality {name!r} gave shape {tuple(changed.shape)} for "
                    f"a batch of shape {tuple(out[name].shape)}; it must stay."
                )
            out[name] = changed
    return out


def _names(key: str | tuple[str, ...]) -> tuple[str, ...]:
    return key if isinstance(key, tuple) else (key,)
