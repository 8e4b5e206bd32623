"""Subtypes of patients, found by contrast with controls."""

from __future__ import annotations

from skmmcl.cluster._confounds import subtype_confounds
from skmmcl.cluster._stability import StabilityPath, stability_path
from skmmcl.cluster._ucsl import UCSL

__all__ = ["UCSL", "StabilityPath", "stability_path", "subtype_confounds"]
