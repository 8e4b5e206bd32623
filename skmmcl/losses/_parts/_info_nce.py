"""Weighted InfoNCE on a matrix of similarities, with the gradient in closed form."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from skmmcl.losses._parts._batch import at_least_single, safe_divide
from skmmcl.losses._parts._gram import REMOVED

# Rows of this many bytes are computed at once: few enough to stay in the processor's cache.
PIECE_BYTES = 2**19


def weighted_info_nce(similarities: Tensor, weights: Tensor, *, self_pairs: bool = True) -> Tensor:
    """Return the cross-entropy between each anchor's weights and the softmax of its similarities.

    Every weighted contrastive loss is this one with weights of its own. The losses of this
    package compute it from the embeddings, without the matrix; this form is for similarities
    of another kind or between anchors and keys that are not the same.

    Parameters
    ----------
    similarities : Tensor of shape (..., n_anchors, n_keys)
        Similarities over the temperature.
    weights : Tensor, broadcast to ``similarities``
        Weights of the keys for each anchor, not negative; divided by their sum here. An
        anchor without any weight is left out of the mean.
    self_pairs : bool, default=True
        Whether the key of an anchor's own number counts, else the diagonal is left out.

    Returns
    -------
    loss : Tensor of shape (...)
        Mean over the anchors; 0 when none has a weight.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import weighted_info_nce
    >>> weighted_info_nce(torch.zeros(2, 2), torch.eye(2))
    tensor(0.6931)
    """
    s = at_least_single(similarities)
    return _InfoNCE.apply(s, weights.detach().to(s.dtype), None, None, self_pairs)


def counted_info_nce(s: Tensor, weights: Tensor, counts: Tensor, anchors: Tensor) -> Tensor:
    """Return the same with how often each key counts for each anchor, and how often each anchor.

    Of s, weights and counts (n_models, n_anchors, n_keys) and anchors (n_models, n_anchors).
    """
    none = counts == 0
    log_counts = counts.masked_fill(none, 1).log().masked_fill(none, REMOVED)
    return _InfoNCE.apply(s, weights * counts, log_counts, anchors, True)


class _InfoNCE(torch.autograd.Function):
    """One matrix is made and kept: the weights, from which the softmax is taken by rows."""

    @staticmethod
    def forward(
        ctx: Any,
        s: Tensor,
        target: Tensor,
        log_counts: Tensor | None,
        anchors: Tensor | None,
        self_pairs: bool,
    ) -> Tensor:
        target = target.expand(s.shape)
        if not self_pairs:
            target = target.clone(memory_format=torch.contiguous_format)
            target.diagonal(dim1=-2, dim2=-1).zero_()
        total = target.sum(-1, keepdim=True)
        share = total.sign() if anchors is None else total.sign() * anchors[..., None]
        share = safe_divide(share, share.sum(-2, keepdim=True))
        slope = target * safe_divide(share, total)
        step = max(1, PIECE_BYTES // (s.element_size() * s.shape[-1]))
        values = [
            _value_of_rows(slope, share, s, log_counts, slice(start, start + step), self_pairs)
            for start in range(0, s.shape[-2], step)
        ]
        ctx.save_for_backward(slope)
        return values[0] if len(values) == 1 else torch.stack(values).sum(0)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (slope,) = ctx.saved_tensors
        return slope * grad[..., None, None], None, None, None, None


def _value_of_rows(
    target: Tensor,
    share: Tensor,
    s: Tensor,
    log_counts: Tensor | None,
    rows: slice,
    self_pairs: bool,
) -> Tensor:
    """Return the value of some anchors, and replace their targets by the slope."""
    if rows.start or rows.stop < s.shape[-2]:
        target, share, s = (x[..., rows, :] for x in (target, share, s))
    if not self_pairs:
        s = s.clone()
        s.diagonal(rows.start, -2, -1).fill_(REMOVED)
    counts = 0 if log_counts is None else log_counts[..., rows, :]
    log_softmax = torch.log_softmax(s if log_counts is None else s + counts, -1)
    # A key that counts twice has twice the softmax, but a similarity of one.
    logs = log_softmax if log_counts is None else log_softmax - counts
    value = (target * logs).sum((-2, -1)).neg_()
    torch.sub(log_softmax.exp_().mul_(share), target, out=target)
    return value
