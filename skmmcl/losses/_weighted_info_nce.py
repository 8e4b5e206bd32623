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
    similarities : Tensor of shape (*lanes, n_anchors, n_keys)
        Over the temperature.
    weights : Tensor, broadcast to ``similarities``
        Of the keys for each anchor, not negative; divided by their sum here. An anchor
        without any weight is left out of the mean.
    self_pairs : bool, default=True
        Whether the key of an anchor's own number counts, else the diagonal is left out.

    Returns
    -------
    loss : Tensor of shape (*lanes,)
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
    counts = s.new_ones(1, n_anchors, n_keys)
    if not self_pairs:
        counts = counts - torch.eye(n_anchors, n_keys, dtype=s.dtype, device=s.device)
    weights = weights.to(s.dtype).expand(similarities.shape).reshape(s.shape)
    return info_nce(s, weights, counts, s.new_ones(1, n_anchors)).view(similarities.shape[:-2])


def info_nce(s: Tensor, weights: Tensor, counts: Tensor, anchors: Tensor) -> Tensor:
    """The same with how often each key counts for each anchor, and how often each anchor.

    Parameters
    ----------
    s, weights : Tensor of shape (n_lanes, n_anchors, n_keys)
    counts : Tensor, broadcast to ``s``
    anchors : Tensor, broadcast to (n_lanes, n_anchors)

    Returns
    -------
    Tensor of shape (n_lanes,)
    """
    target = weights * counts
    total = target.sum(-1, keepdim=True)
    share = anchors * (total[..., 0] > 0)
    share = over(share, share.sum(-1, keepdim=True))
    return _InfoNCE.apply(s, over(target, total), counts, share)


class _InfoNCE(torch.autograd.Function):
    """One matrix is kept: the gradient, which the forward pass has at hand."""

    @staticmethod
    def forward(ctx: Any, s: Tensor, target: Tensor, counts: Tensor, share: Tensor) -> Tensor:
        attraction = (target * s).sum(-1)
        softmax = s.masked_fill(counts == 0, REMOVED)
        largest = softmax.amax(-1, keepdim=True)
        softmax.sub_(largest).exp_().mul_(counts)
        total = softmax.sum(-1, keepdim=True)
        value = (total.clamp_min(torch.finfo(s.dtype).tiny).log() + largest)[..., 0] - attraction
        if ctx.needs_input_grad[0]:
            gradient = softmax.mul_(over(share[..., None], total))
            ctx.save_for_backward(gradient.sub_(target.mul_(share[..., None])))
        return (value * share).sum(-1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors
        return gradient * grad[:, None, None], None, None, None
