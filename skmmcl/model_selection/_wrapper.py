"""Base of estimators that wrap another one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from sklearn import get_config
from sklearn.base import MetaEstimatorMixin

from skmmcl.utils._site import SiteLinkMixin


class Wrapper(SiteLinkMixin, MetaEstimatorMixin):
    """Base of estimators with a parameter that is an estimator, and a fitted clone of it."""

    _wraps: ClassVar[str]  # name of the parameter; with an underscore, of the clone

    @property
    def n_features_in_(self) -> int:
        """Number of features seen in ``fit``."""
        return getattr(self, f"{self._wraps}_").n_features_in_

    @property
    def feature_names_in_(self) -> Any:
        """Names of the features seen in ``fit``."""
        return getattr(self, f"{self._wraps}_").feature_names_in_


def inner_has(name: str) -> Callable[[Wrapper], bool]:
    """Return a check for `available_if`: whether the wrapped estimator has a method."""

    def check(outer: Any) -> bool:
        wrapped = getattr(outer, outer._wraps)  # noqa: SLF001
        return hasattr(getattr(outer, f"{outer._wraps}_", wrapped), name)  # noqa: SLF001

    return check


def routing_enabled() -> bool:
    """Return whether scikit-learn's metadata routing is switched on."""
    return get_config()["enable_metadata_routing"]
