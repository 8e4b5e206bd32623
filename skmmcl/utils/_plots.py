"""The way to matplotlib, which only pictures need."""

from __future__ import annotations

from typing import Any


def import_pyplot(user: str) -> Any:
    """Return ``matplotlib.pyplot``.

    Parameters
    ----------
    user : str
        Name of the function that draws.

    Returns
    -------
    module

    Raises
    ------
    ImportError
        If it is not installed; says how to get it.

    Examples
    --------
    >>> from skmmcl.utils._plots import import_pyplot
    >>> import_pyplot("plot_mid_slices").__name__
    'matplotlib.pyplot'
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(f'{user} needs matplotlib: pip install "skmmcl[plot]".') from error
    return plt
