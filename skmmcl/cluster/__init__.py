"""Subtypes of patients, found by contrast with controls."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from skmmcl.cluster._confounds import subtype_confounds
from skmmcl.cluster._path import StabilityPath
from skmmcl.cluster._stability import stability_path
from skmmcl.cluster._ucsl import UCSL

if TYPE_CHECKING:
    from skmmcl.cluster._deep_ucsl import DeepUCSL

__all__ = ["DeepUCSL", "StabilityPath", "UCSL", "stability_path", "subtype_confounds"]


def __getattr__(name: str) -> object:
    """Import DeepUCSL at its first use: the rest of the room does without torch."""
    if name != "DeepUCSL":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("skmmcl.cluster._deep_ucsl").DeepUCSL
