"""Means over the subjects of whom something is known."""

from __future__ import annotations

from torch import Tensor


def over_subjects(
    values: Tensor, who: Tensor, sample_weight: Tensor | None = None, *, reduction: str = "mean"
) -> Tensor:
    """Return the mean, or the sum, over some of the subjects; 0 if there are none.

    Parameters
    ----------
    values : Tensor of shape (n_samples,)
        One for each subject; those of others may be anything.
    who : Tensor of bool (n_samples,)
        Who counts.
    sample_weight : Tensor of shape (n_samples,), optional
        A subject of weight w counts as w identical subjects.
    reduction : {"mean", "sum"}, default="mean"
        What to return.

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
    weight = who.to(values.dtype)
    weight = weight if sample_weight is None else weight * sample_weight.to(values.dtype)
    total = (values.where(who, 0.0) * weight).sum()
    return total if reduction == "sum" else total / weight.sum().clamp_min(1e-30)
