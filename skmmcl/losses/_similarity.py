"""What every contrastive loss needs: similarities, log-weights of pairs, and a safe mean."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

# Added to a logit, this removes the pair: its exponential is exactly zero beside any kept
# pair, and, unlike -inf, gives no NaN gradient where no pair is kept.
REMOVED = -1e30


def cosine_logits(z: Tensor, temperature: float) -> Tensor:
    """Cosines of all rows of ``z`` (..., n_components), flattened, over the temperature.

    Half precision is cast up: logits reach +-14 at temperature 0.07.
    """
    z = z.float() if z.dtype in (torch.float16, torch.bfloat16) else z
    u = F.normalize(z.reshape(-1, z.shape[-1]), dim=-1, eps=1e-12)
    return (u / temperature) @ u.T


def log_weights(
    n_samples: int, sample_weight: Tensor | None, like: Tensor
) -> tuple[Tensor, Tensor]:
    """Logarithms of how often a pair of subjects counts.

    A subject of weight w stands for w identical subjects. It meets every other subject j
    w_j times, and w - 1 further copies of itself.

    Returns
    -------
    pairs : Tensor of shape (n_samples, n_samples)
        ``log w_j``, with ``log(w_i - 1)`` on the diagonal.
    others : Tensor of shape (n_samples,)
        ``log w_j``.
    """
    if sample_weight is None:
        others = like.new_zeros(n_samples)
        own = torch.full_like(others, REMOVED)
    else:
        weight = sample_weight.to(like.dtype)
        others = weight.log().clamp_min(REMOVED)
        own = (weight - 1).clamp_min(0).log().clamp_min(REMOVED)
    return torch.where(torch.eye(n_samples, device=like.device) > 0, own, others), others


def removed_where(absent: Tensor, like: Tensor) -> Tensor:
    """`REMOVED` where ``absent`` is True, else 0, to be added to logits."""
    return absent.to(like.dtype) * REMOVED


def mean_over_anchors(loss: Tensor, valid: Tensor, weight: Tensor | None = None) -> Tensor:
    """Weighted mean over the valid anchors; a zero that keeps the graph if there is none."""
    weight = valid.to(loss.dtype) if weight is None else valid * weight.to(loss.dtype)
    total = (torch.where(valid, loss, torch.zeros_like(loss)) * weight).sum()
    return total / weight.sum().clamp_min(torch.finfo(loss.dtype).tiny)
