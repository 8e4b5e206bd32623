"""Terms of an objective: means over the subjects whose class is known."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from torch import Tensor

from skmmcl.losses._parts._batch import at_least_single

M = TypeVar("M", bound=Callable[..., Any])

# What all terms take and give, which they need not say again.
_OF_TERMS = """
target : Tensor of shape (n_samples, 1) or (n_samples, 1 + n_clusters)
    1 for patients, 0 for controls, NaN for subjects who take no part; where there are
    subtypes, then the probability of each, which is the same for all in controls.
sample_weight : Tensor of shape (n_samples,), optional
    A subject of weight w counts as w identical subjects.

Returns
-------
Tensor
    A scalar.
"""


def term(method: M) -> M:
    """Complete the docstring of a term, which ends with the parameters that are its own."""
    if method.__doc__:  # there is none under python -OO
        method.__doc__ = inspect.cleandoc(method.__doc__) + _OF_TERMS
    return method


def over_subjects(
    values: Tensor, who: Tensor, sample_weight: Tensor | None = None, *, reduction: str = "mean"
) -> Tensor:
    """Return the mean, or the sum, over some of the subjects; 0 if there are none.

    Parameters
    ----------
    values : Tensor of shape (n_samples,)
        One for each subject; those of subjects that do not count may be anything.
    who : Tensor of bool (n_samples,)
        True for subjects that count.
    sample_weight : Tensor of shape (n_samples,), optional
        A subject of weight w counts as w identical subjects.
    reduction : {"mean", "sum"}, default="mean"
        Mean or sum over the subjects.

    Returns
    -------
    Tensor
        A scalar.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses._subjects import over_subjects
    >>> over_subjects(torch.tensor([1.0, 5.0, torch.nan]), torch.tensor([True, True, False]))
    tensor(3.)
    """
    values = at_least_single(values)
    weight = who.to(values.dtype)
    weight = weight if sample_weight is None else weight * sample_weight.to(values.dtype)
    total = (values.where(who, 0.0) * weight).sum()
    return total if reduction == "sum" else total / weight.sum().clamp_min(1e-30)
