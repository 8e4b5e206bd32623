"""What sets a fit apart from every other: a hash of its data, its parameters, and the code."""

from __future__ import annotations

from typing import Any

import joblib
import torch

import skmmcl
from skmmcl.utils._fingerprint import code_hash, describe


def fingerprint(*described: Any) -> str:
    """Hash arrays, parameters and versions; what differs in any of them differs here."""
    return joblib.hash((code_version(), [describe(value) for value in described]))


def code_version() -> dict[str, str]:
    """Return the versions of what computes a fit; ``code`` changes with every line of skmmcl."""
    return {"skmmcl": skmmcl.__version__, "code": code_hash(), "torch": torch.__version__}
