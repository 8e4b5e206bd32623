"""Kernels by name, and products of one for each column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

from skmmcl.kernels._distance import PROFILES, of_distance
from skmmcl.kernels._metadata import (
    as_columns,
    check_bandwidth,
    check_labels,
    check_metadata,
    check_weights,
    isolate,
)
from skmmcl.kernels._sets import delta_weights, jaccard_weights

KERNELS = (*PROFILES, "delta", "jaccard")
Kernel = str | Sequence[str] | Callable[..., Tensor]


def check_kernel(kernel: Kernel) -> str | tuple[str, ...] | Callable[..., Tensor]:
    """Return ``kernel``, hashable; raise an error that lists the kernels if it is none."""
    if callable(kernel):
        return kernel
    if not isinstance(kernel, (str, list, tuple)):
        raise TypeError(f"kernel must be a name of {KERNELS}, names or a function; got {kernel!r}.")
    one_each = not isinstance(kernel, str)
    names = (kernel,) if isinstance(kernel, str) else tuple(kernel)
    # A set of labels is more than one column.
    known = [name for name in KERNELS if not (one_each and name == "jaccard")]
    if not names or any(name not in known for name in names):
        raise ValueError(f"Unknown kernel {kernel!r}; there are {known}.")
    return names if one_each else names[0]


def affinity(
    y: Tensor,
    kernel: Kernel = "gaussian",
    bandwidth: float | Tensor = 1.0,
    *,
    missing: Literal["isolate", "ignore"] = "isolate",
) -> Tensor:
    """Return the similarity of subjects' metadata under a kernel.

    Parameters
    ----------
    y : Tensor of shape (..., n_samples, n_columns) or (n_samples,)
        Metadata; NaN is missing, and so is a negative code or label.
    kernel : str, sequence of str or callable, default="gaussian"
        One of "cauchy", "delta", "epanechnikov", "exponential", "gaussian" and "jaccard"
        over all columns; or the name of one for each column, whose product is taken; or a
        function of ``y`` that returns the weights, of which the negative become 0.
    bandwidth : float or Tensor, broadcast to ``y``, default=1.0
        Unit of distance, for all columns or for each; classes and labels need none.
    missing : {"isolate", "ignore"}, default="isolate"
        In a product, whether a subject with a missing entry is similar to itself alone, or
        is compared in the columns that both subjects have.

    Returns
    -------
    weights : Tensor of shape (..., n_samples, n_samples)
        Not negative.

    Raises
    ------
    ValueError
        If a kernel is not known, or there is not one for each column.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.kernels import affinity
    >>> age_and_sex = torch.tensor([[20.0, 0.0], [25.0, 0.0], [25.0, 1.0]])
    >>> affinity(age_and_sex, ("gaussian", "delta"), torch.tensor([5.0, 1.0]))
    tensor([[1.0000, 0.6065, 0.0000],
            [0.6065, 1.0000, 0.0000],
            [0.0000, 0.0000, 1.0000]])
    """
    check_metadata(y)
    check_bandwidth(bandwidth, y)
    if missing not in {"isolate", "ignore"}:
        raise ValueError(f"missing must be 'isolate' or 'ignore', got {missing!r}.")
    kernel = check_kernel(kernel)
    if kernel == "jaccard":
        check_labels(y)
    if callable(kernel):
        check_weights(kernel, as_columns(y))
    return affinity_weights(y, kernel, bandwidth, missing)


@torch.no_grad()
def affinity_weights(
    y: Tensor, kernel: Kernel, bandwidth: float | Tensor, missing: str = "isolate"
) -> Tensor:
    """Return `affinity` without checks."""
    y = as_columns(y)
    if isinstance(kernel, str):
        return _named(kernel, y, bandwidth)
    if callable(kernel):
        return isolate(kernel(y).clamp_min(0), ~y.isnan().any(-1))
    return _product(y, tuple(kernel), bandwidth, missing)


def _named(name: str, y: Tensor, bandwidth: float | Tensor) -> Tensor:
    if name in PROFILES:
        return of_distance(name, y, bandwidth)
    return delta_weights(y) if name == "delta" else jaccard_weights(y)


def _product(
    y: Tensor, kernels: tuple[str, ...], bandwidth: float | Tensor, missing: str
) -> Tensor:
    if len(kernels) != y.shape[-1]:
        raise ValueError(f"{len(kernels)} kernels for {y.shape[-1]} columns of metadata.")
    weights = y.new_ones(*y.shape[:-1], y.shape[-2])
    known = torch.ones_like(y[..., 0], dtype=torch.bool)
    for k, name in enumerate(kernels):
        column = y[..., k : k + 1]
        factor = _named(name, column, _of_column(bandwidth, k))
        has_it = ((column >= 0) if name == "delta" else ~column.isnan())[..., 0]
        both = has_it[..., :, None] & has_it[..., None, :]
        weights = weights * torch.where(both, factor, 1)
        known = known & has_it
    return weights if missing == "ignore" else isolate(weights, known)


def _of_column(bandwidth: float | Tensor, k: int) -> float | Tensor:
    if isinstance(bandwidth, Tensor) and bandwidth.ndim and bandwidth.shape[-1] > 1:
        return bandwidth[..., k : k + 1]
    return bandwidth
