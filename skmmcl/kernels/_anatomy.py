"""Kernels of anatomy, by measures of regions of interest: alpha and beta of AnatCL."""

from __future__ import annotations

import torch
from torch import Tensor

from skmmcl.kernels._metadata import check_metadata, isolate, unit_rows

SHAPE = "n_samples, n_regions, n_measures"


def local_anatomy(measures: Tensor) -> Tensor:
    """Return the mean over regions of the cosine between the regions' measures.

    The local similarity alpha of :cite:t:`barbano2024anatcl`. Each measure of a subject is first
    scaled to go from 0 to 1 over the regions.

    Parameters
    ----------
    measures : Tensor of shape (..., n_samples, n_regions, n_measures)
        Such as cortical thickness, volume and surface; NaN is missing.

    Returns
    -------
    weights : Tensor of shape (..., n_samples, n_samples)
        From 0 to 1; a region where every measure is smallest has no direction, and counts as 0.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.kernels import local_anatomy
    >>> measures = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 0.0]]])
    >>> local_anatomy(measures)
    tensor([[1.0000, 0.5000],
            [0.5000, 0.5000]])
    """
    check_metadata(measures, "measures", SHAPE)
    return local_weights(measures)


@torch.no_grad()
def local_weights(measures: Tensor) -> Tensor:
    """Return `local_anatomy` without checks."""
    known, measures = _split_missing(measures)
    least = measures.amin(-2, keepdim=True)
    width = measures.amax(-2, keepdim=True) - least
    scaled = (measures - least) / torch.where(width > 0, width, 1)
    return isolate(_mean_cosine(scaled), known)


def global_anatomy(measures: Tensor) -> Tensor:
    """Return the mean over measures of the cosine between the profiles over all regions.

    The global similarity beta of :cite:t:`barbano2024anatcl`.

    Parameters
    ----------
    measures : Tensor of shape (..., n_samples, n_regions, n_measures)
        Such as cortical thickness, volume and surface; NaN is missing.

    Returns
    -------
    weights : Tensor of shape (..., n_samples, n_samples)
        From 0 to 1.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.kernels import global_anatomy
    >>> global_anatomy(torch.tensor([[[1.0], [0.0]], [[1.0], [1.0]]]))
    tensor([[1.0000, 0.7071],
            [0.7071, 1.0000]])
    """
    check_metadata(measures, "measures", SHAPE)
    return global_weights(measures)


@torch.no_grad()
def global_weights(measures: Tensor) -> Tensor:
    """Return `global_anatomy` without checks."""
    known, measures = _split_missing(measures)
    return isolate(_mean_cosine(measures.mT), known)


def _split_missing(measures: Tensor) -> tuple[Tensor, Tensor]:
    if measures.dtype not in (torch.float32, torch.float64):
        measures = measures.float()
    missing = measures.isnan()
    return ~missing.flatten(-2).any(-1), measures.masked_fill(missing, 0)


def _mean_cosine(x: Tensor) -> Tensor:
    """Return the mean over the last but one dimension of the cosines along the last."""
    u = unit_rows(x).flatten(-2)
    return (u @ u.mT / x.shape[-2]).clamp_min(0)
