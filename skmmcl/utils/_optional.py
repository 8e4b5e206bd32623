"""Packages that only some functions need."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def import_optional(module: str, advice: str) -> Any:
    """Import a module; if it is missing, raise an error with the advice."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(advice) from error


def import_pandas(user: str = "Reading tables") -> Any:
    """Return ``pandas``; if it is missing, the error tells how to install it."""
    return import_optional("pandas", f'{user} needs pandas: pip install "skmmcl[data]".')


def import_pyplot(user: str) -> Any:
    """Return ``matplotlib.pyplot``; if it is missing, the error says how to install it."""
    advice = f'{user} needs matplotlib: pip install "skmmcl[plot]".'
    return import_optional("matplotlib.pyplot", advice)
