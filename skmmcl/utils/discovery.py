"""Discovery of the public names of the package, so that no list is kept by hand."""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

__all__ = ["all_estimators", "all_public_objects"]

_ROOT = "skmmcl"


def all_estimators() -> list[tuple[str, type]]:
    """List every public scikit-learn estimator of the package.

    Base classes (``Base...`` and abstract ones) are left out, as in
    :func:`sklearn.utils.discovery.all_estimators`.

    Returns
    -------
    estimators : list of (str, type)
        Names and classes, sorted by name.

    Examples
    --------
    >>> from skmmcl.utils import all_estimators
    >>> dict(all_estimators())["CMCCSSEmbedder"].__module__.startswith("skmmcl.")
    True
    """
    from sklearn.base import BaseEstimator

    return sorted(
        (obj.__name__, obj)
        for obj in all_public_objects().values()
        if inspect.isclass(obj)
        and issubclass(obj, BaseEstimator)
        and not inspect.isabstract(obj)
        and not obj.__name__.startswith("Base")
    )


def all_public_objects() -> dict[str, object]:
    """Find every public object of the package under the shortest of its public paths.

    Public is what stands in the ``__all__`` of a module none of whose names begins with
    an underscore.

    Returns
    -------
    objects : dict of str to object
        Classes and functions by their full path, sorted by path.

    Examples
    --------
    >>> from skmmcl.utils import all_public_objects
    >>> all_public_objects()["skmmcl.utils.all_estimators"].__name__
    'all_estimators'
    """
    paths: dict[int, tuple[str, object]] = {}
    for module in sorted(_public_modules(), key=lambda module: module.__name__.count(".")):
        for name in getattr(module, "__all__", ()):
            obj = getattr(module, name)
            paths.setdefault(id(obj), (f"{module.__name__}.{name}", obj))
    return dict(sorted(paths.values(), key=lambda item: item[0]))


def _public_modules() -> Iterator[ModuleType]:
    """Import the modules below the root; the root only repeats their names."""
    search = [import_module(_ROOT)]
    while search:
        package = search.pop()
        for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            if info.name.rpartition(".")[2].startswith("_"):
                continue
            module = import_module(info.name)
            yield module
            if info.ispkg:
                search.append(module)
