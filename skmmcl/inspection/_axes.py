"""Axes to draw on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skmmcl.utils._optional import import_optional, import_pyplot

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def axes_of(ax: Axes | None, user: str, **options: Any) -> Axes:
    """Return the axes given, or those of a new figure for the function `user`."""
    plt = import_pyplot(user)
    return plt.subplots(**{"layout": "constrained", **options})[1] if ax is None else ax


def whole_ticks(*axes: Any) -> None:
    """Put the ticks of an x or y axis at whole numbers."""
    for axis in axes:
        axis.get_major_locator().set_params(integer=True)


def import_plotting() -> Any:
    """Return ``nilearn.plotting``; without it, the error names the extra."""
    advice = 'Drawing needs nilearn: pip install "skmmcl[inspection]".'
    return import_optional("nilearn.plotting", advice)
