"""The way to matplotlib, which only pictures need."""

from __future__ import annotations

from typing import Any


def import_pyplot(user: str) -> Any:
    """Return ``matplotlib.pyplot``; without it, the error says how `user` gets it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(f'{user} needs matplotlib: pip install "skmmcl[plot]".') from error
    return plt
