"""The encoder of each modality, and the modalities that share one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from skmmcl.exceptions import ModalityError


def encoders_by_modality(encoders: Any, shapes: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    """Return the encoder of each modality, and the groups of modalities that share one.

    Parameters
    ----------
    encoders : Any
        The user's parameter: an encoder for all, or a dict whose keys are a modality or a tuple of
        modalities that share one encoder.
    shapes : mapping of str to tuple
        Shape of one subject in each modality.

    Returns
    -------
    dict
        ``encoders`` and, if any are shared, ``shared``, both by modality, as networks take them.

    Raises
    ------
    ModalityError
        If a name is unknown or named twice, or if modalities that share an encoder differ in shape.
    """
    if not isinstance(encoders, Mapping):
        return {"encoders": dict.fromkeys(shapes, encoders)}
    named = [name for key in encoders for name in _names(key)]
    if unknown := [name for name in named if name not in shapes]:
        raise ModalityError(f"encoders names {unknown}; the modalities are {list(shapes)}.")
    if twice := sorted({name for name in named if named.count(name) > 1}):
        raise ModalityError(
            f"encoders names {twice} more than once; a modality has one encoder: {list(encoders)}."
        )
    for key in encoders:
        _check_shapes(_names(key), shapes)
    found: dict[str, Any] = {
        "encoders": {name: spec for key, spec in encoders.items() for name in _names(key)}
    }
    shared = shared_by(encoders)
    return {**found, "shared": shared} if shared else found


def shared_by(encoders: Any) -> dict[str, str]:
    """Return the modalities that share an encoder, each with the first one of its group."""
    keys = encoders if isinstance(encoders, Mapping) else ()
    groups = [_names(key) for key in keys if len(_names(key)) > 1]
    return {name: group[0] for group in groups for name in group}


def _check_shapes(names: tuple[Any, ...], shapes: Mapping[str, Sequence[int]]) -> None:
    found = {name: tuple(shapes[name]) for name in names}
    if len(set(found.values())) > 1:
        raise ModalityError(
            f"encoders gives {names} one encoder, but the shapes of a subject differ: {found}. "
            "Modalities that share an encoder must have the same shape."
        )


def _names(key: Any) -> tuple[Any, ...]:
    return key if isinstance(key, tuple) else (key,)
