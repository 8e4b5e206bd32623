"""Subtypes of patients, found by contrast with controls."""

from __future__ import annotations

from skmmcl.cluster._confounds import subtype_confounds
from skmmcl.cluster._path import StabilityPath
from skmmcl.cluster._stability import stability_path
from skmmcl.cluster._ucsl import UCSL

__all__ = ["StabilityPath", "UCSL", "stability_path", "subtype_confounds"]
