"""Kernels of the distance between subjects, or of the angle."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from skmmcl.kernels._metadata import as_columns, check_bandwidth, check_metadata, isolate, unit_rows

# Kernel profiles of x = distance / bandwidth, computed in place.
PROFILES: dict[str, Callable[[Tensor], Tensor]] = {
    "cauchy": lambda x: x.square_().add_(1).reciprocal_(),
    "epanechnikov": lambda x: x.square_().neg_().add_(1).clamp_min_(0),
    "exponential": lambda x: x.neg_().exp_(),
    "gaussian": lambda x: x.square_().mul_(-0.5).exp_(),
}


@torch.no_grad()
def of_distance(name: str, y: Tensor, bandwidth: float | Tensor) -> Tensor:
    """Return weights (..., n, n) by a profile of the Euclidean distance over the bandwidth."""
    y = as_columns(y) / bandwidth
    missing = y.isnan()
    y = y.masked_fill(missing, 0)
    # Differences, not products: these lose the digits in which near ages differ.
    distance = torch.cdist(y, y, compute_mode="donot_use_mm_for_euclid_dist")
    return isolate(PROFILES[name](distance), ~missing.any(-1))


def _checked(name: str, y: Tensor, bandwidth: float | Tensor) -> Tensor:
    check_metadata(y)
    check_bandwidth(bandwidth, y)
    return of_distance(name, y, bandwidth)


def cauchy(y: Tensor, bandwidth: float | Tensor = 1.0) -> Tensor:
    """Return the Cauchy kernel, ``1 / (1 + d^2 / bandwidth^2)``: heavy tails.

    Parameters
    ----------
    y : Tensor of shape (..., n_samples, n_columns) or (n_samples,)
        Metadata; NaN is missing.
    bandwidth : float or Tensor, broadcast to ``y``, default=1.0
        Distance at which the weight is one half; ``gamma**-0.5`` of the form
        ``1 / (gamma d^2 + 1)``.

    Returns
    -------
    weights : Tensor of shape (..., n_samples, n_samples)
        From 0 to 1, and 1 on the diagonal.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.kernels import cauchy
    >>> cauchy(torch.tensor([20.0, 22.0]), bandwidth=2.0)
    tensor([[1.0000, 0.5000],
            [0.5000, 1.0000]])
    """
    return _checked("cauchy", y, bandwidth)


def epanechnikov(y: Tensor, bandwidth: float | Tensor = 1.0) -> Tensor:
    """Return the Epanechnikov kernel, ``max(0, 1 - d^2 / bandwidth^2)``: zero beyond the bandwidth.

    Parameters
    ----------
    y : Tensor of shape (..., n_samples, n_columns) or (n_samples,)
        Metadata; NaN is missing.
    bandwidth : float or Tensor, broadcast to ``y``, default=1.0
        Distance from which on the weight is zero.

    Returns
    -------
    weights : Tensor of shape (..., n_samples, n_samples)
        From 0 to 1, and 1 on the diagonal.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.kernels import epanechnikov
    >>> epanechnikov(torch.tensor([20.0, 21.0, 30.0]), bandwidth=2.0)
    tensor([[1.0000, 0.7500, 0.0000],
            [0.7500, 1.0000, 0.0000],
            [0.0000, 0.0000, 1.0000]])
    """
    return _checked("epanechnikov", y, bandwidth)


def exponential(y: Tensor, bandwidth: float | Tensor = 1.0) -> Tensor:
    """Return the exponential kernel, ``exp(-d / bandwidth)``: sharp at small distances.

    Parameters
    ----------
    y : Tensor of shape (..., n_samples, n_columns) or (n_samples,)
        Metadata; NaN is missing.
    bandwidth : float or Tensor, broadcast to ``y``, default=1.0
        Distance at which the weight is ``1 / e``.

    Returns
    -------
    weights : Tensor of shape (..., n_samples, n_samples)
        From 0 to 1, and 1 on the diagonal.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.kernels import exponential
    >>> exponential(torch.tensor([20.0, 22.0]), bandwidth=2.0)
    tensor([[1.0000, 0.3679],
            [0.3679, 1.0000]])
    """
    return _checked("exponential", y, bandwidth)


def gaussian(y: Tensor, bandwidth: float | Tensor = 1.0) -> Tensor:
    """Return the Gaussian kernel, ``exp(-d^2 / (2 bandwidth^2))``.

    Parameters
    ----------
    y : Tensor of shape (..., n_samples, n_columns) or (n_samples,)
        Metadata; NaN is missing.
    bandwidth : float or Tensor, broadcast to ``y``, default=1.0
        Standard deviation of the Gaussian (not the variance).

    Returns
    -------
    weights : Tensor of shape (..., n_samples, n_samples)
        From 0 to 1, and 1 on the diagonal.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.kernels import gaussian
    >>> gaussian(torch.tensor([20.0, 25.0, float("nan")]), bandwidth=5.0)
    tensor([[1.0000, 0.6065, 0.0000],
            [0.6065, 1.0000, 0.0000],
            [0.0000, 0.0000, 1.0000]])
    """
    return _checked("gaussian", y, bandwidth)


def cosine(y: Tensor) -> Tensor:
    """Return the cosine of the angle between subjects: positive semi-definite, but not positive.

    Parameters
    ----------
    y : Tensor of shape (..., n_samples, n_columns)
        Metadata or a prior representation; NaN is missing.

    Returns
    -------
    similarities : Tensor of shape (..., n_samples, n_samples)
        From -1 to 1. Not for the weights of a loss, which may not be negative.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.kernels import cosine
    >>> cosine(torch.tensor([[1.0, 0.0], [1.0, 1.0]]))
    tensor([[1.0000, 0.7071],
            [0.7071, 1.0000]])
    """
    check_metadata(y)
    return cosine_weights(as_columns(y))


@torch.no_grad()
def cosine_weights(y: Tensor) -> Tensor:
    """Return `cosine` without checks."""
    missing = y.isnan()
    u = unit_rows(y.masked_fill(missing, 0))
    return isolate(u @ u.mT, ~missing.any(-1))
