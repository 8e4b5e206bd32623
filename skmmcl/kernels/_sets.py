"""Kernels of classes and of sets of labels."""

from __future__ import annotations

import torch
from torch import Tensor

from skmmcl.kernels._metadata import as_columns, check_labels, check_metadata, isolate


def delta(y: Tensor) -> Tensor:
    """Return the delta kernel: 1 for subjects who agree in every column, else 0.

    Parameters
    ----------
    y : Tensor of shape (..., n_samples, n_columns) or (n_samples,)
        Class codes; a negative one or NaN is missing.

    Returns
    -------
    weights : Tensor of shape (..., n_samples, n_samples)
        Zeros and ones.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.kernels import delta
    >>> delta(torch.tensor([0, 1, 0]))
    tensor([[1., 0., 1.],
            [0., 1., 0.],
            [1., 0., 1.]])
    """
    check_metadata(y)
    return delta_weights(as_columns(y))


@torch.no_grad()
def delta_weights(y: Tensor) -> Tensor:
    """Return `delta` without checks."""
    same = y[..., :, None, 0] == y[..., None, :, 0]
    for k in range(1, y.shape[-1]):
        same = same & (y[..., :, None, k] == y[..., None, :, k])
    return isolate(same.to(y.dtype), (y >= 0).all(-1))


def jaccard(y: Tensor) -> Tensor:
    """Return the Jaccard index of sets of labels: shared labels over all labels of the pair.

    Parameters
    ----------
    y : Tensor of shape (..., n_samples, n_labels)
        Zeros and ones; a row with a negative entry or NaN is missing.

    Returns
    -------
    weights : Tensor of shape (..., n_samples, n_samples)
        From 0 to 1, and 0 for two empty sets.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.kernels import jaccard
    >>> jaccard(torch.tensor([[1, 0, 1], [1, 1, 0]]))
    tensor([[1.0000, 0.3333],
            [0.3333, 1.0000]])
    """
    check_metadata(y)
    check_labels(y)
    return jaccard_weights(as_columns(y))


@torch.no_grad()
def jaccard_weights(y: Tensor) -> Tensor:
    """Return `jaccard` without checks."""
    known = (y >= 0).all(-1)
    y = y.nan_to_num()
    shared = y @ y.mT
    size = y.sum(-1)
    either = size[..., :, None] + size[..., None, :] - shared
    return isolate(shared / either.clamp_min(1), known)
