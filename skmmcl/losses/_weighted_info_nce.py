"""Weighted InfoNCE on a matrix of similarities, with the gradient in closed form."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from skmmcl.losses._gram import REMOVED
from skmmcl.losses._similarity import over


def weighted_info_nce(similarities: Tensor, weights: Tensor, *, self_pairs: bool = True) -> Tensor:
    """Cross-entropy between each anchor's weights and the softmax of its similarities.

    Every weighted contrastive loss is this one with weights of its own. The losses of this
    package compute it from the embeddings, without the matrix; this form is for similarities
    of another kind or between anchors and keys that are not the same.

    Parameters
    ----------
    similarities : Tensor of shape ``(*lanes, n_anchors, n_keys)``
        Over the temperature.
    weights : Tensor, broadcast to ``similarities``
        Of the keys for each anchor, not negative; divided by their sum here. An anchor
        without any weight is left out of the mean.
    self_pairs : bool, default=True
        Whether the key of an anchor's own number counts, else the diagonal is left out.

    Returns
    -------
    loss : Tensor of shape ``(*lanes,)``
        Mean over the anchors; 0 when none has a weight.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import weighted_info_nce
    >>> weighted_info_nce(torch.zeros(2, 2), torch.eye(2))
    tensor(0.6931)
    """
    n_anchors, n_keys = similarities.shape[-2:]
    s = similarities.reshape(-1, n_anchors, n_keys)
    s = s.float() if s.dtype in (torch.float16, torch.bfloat16) else s
    weights = weights.to(s.dtype).expand(similarities.shape).reshape(s.shape)
    log_counts = None
    if not self_pairs:
        weights, log_counts = weights.clone(), s.new_zeros(1, n_anchors, n_keys)
        weights.diagonal(dim1=1, dim2=2).zero_()
        log_counts.diagonal(dim1=1, dim2=2).fill_(REMOVED)
    loss = _mean_over_anchors(s, weights, log_counts, s.new_ones(()))
    return loss.view(similarities.shape[:-2])


def info_nce(s: Tensor, weights: Tensor, counts: Tensor, anchors: Tensor) -> Tensor:
    """The same with how often each key counts for each anchor, and how often each anchor.

    Parameters
    ----------
    s, weights, counts : Tensor of shape (n_lanes, n_anchors, n_keys)
    anchors : Tensor of shape (n_lanes, n_anchors)

    Returns
    -------
    Tensor of shape (n_lanes,)
    """
    none = counts == 0
    log_counts = counts.masked_fill(none, 1).log().masked_fill(none, REMOVED)
    return _mean_over_anchors(s, weights * counts, log_counts, anchors)


def _mean_over_anchors(
    s: Tensor, target: Tensor, log_counts: Tensor | None, anchors: Tensor
) -> Tensor:
    total = target.sum(-1, keepdim=True)
    share = anchors * (total[..., 0] > 0)
    share = over(share, share.sum(-1, keepdim=True))
    return _InfoNCE.apply(s, over(target, total), log_counts, share)


class _InfoNCE(torch.autograd.Function):
    """One matrix is kept: the gradient, which the forward pass has at hand."""

    @staticmethod
    def forward(
        ctx: Any, s: Tensor, target: Tensor, log_counts: Tensor | None, share: Tensor
    ) -> Tensor:
        counted = s if log_counts is None else s + log_counts
        log_softmax = torch.log_softmax(counted, -1)
        # A key that counts twice has twice the softmax, but a similarity of one.
        logs = log_softmax if log_counts is None else log_softmax - log_counts
        value = -((target * logs).sum(-1) * share).sum(-1)
        if ctx.needs_input_grad[0]:
            gradient = log_softmax.exp_().sub_(target).mul_(share[..., None])
            ctx.save_for_backward(gradient)
        return value

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors
        return gradient * grad[:, None, None], None, None, None
