"""Parameters that several methods of this room have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from skmmcl.base._parameters import Augmentation, Bandwidth, Kernel
from skmmcl.base._views import Views


@dataclass(kw_only=True, eq=False, repr=False)
class ContrastMixin:
    """Parameters of every method: the space and the views that it contrasts."""

    projection_dim: int | Sequence[int] | None = None
    normalize: bool = False
    views: Views = "auto"
    n_views: int = 2
    augment: Augmentation = "auto"


@dataclass(kw_only=True, eq=False, repr=False)
class ClassMixin(ContrastMixin):
    """Parameters and attributes of methods that contrast the subjects of classes.

    Parameters
    ----------
    metadata : str or None, default=None
        Column of ``X.meta`` that holds the class; ``y`` is then not needed. None takes ``y``.

    Attributes
    ----------
    classes_ : ndarray
        The classes.
    """

    metadata: str | None = None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {"metadata": [str, None]}


@dataclass(kw_only=True, eq=False, repr=False)
class KernelMixin(ContrastMixin):
    """Parameters and attributes of methods that compare metadata by a kernel.

    Attributes
    ----------
    bandwidth_ : ndarray of shape (n_columns,)
        Bandwidth of each column of the metadata; 1 where the kernel has none.
    metadata_names_ : list of str
        Names of the columns of the metadata.
    """

    metadata: str | Sequence[str] | None = None
    kernel: Kernel = "gaussian"
    bandwidth: Bandwidth = "deviation"
