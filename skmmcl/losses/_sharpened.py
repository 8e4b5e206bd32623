"""A temperature that is learnt with the network."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

LARGEST_SCALE = 100.0  # inverse temperature beyond which nothing is learnt, as in CLIP


def sharpened(u: Tensor, log_scale: Tensor, temperature: float | Tensor) -> Tensor:
    """Embeddings whose similarities are multiplied by a learnt factor.

    Parameters
    ----------
    u : Tensor of shape (n_lanes, n_views, n_samples, n_components)
        Unit vectors.
    log_scale : Tensor of shape (n_lanes,) or ()
        Logarithm of the factor.
    temperature : float or Tensor of shape (n_lanes,)
        Divides the similarities as well. The factor over it is at most `LARGEST_SCALE`.

    Returns
    -------
    Tensor of the shape of ``u``
        The unit vectors times the root of the factor.
    """
    largest = torch.as_tensor(temperature, dtype=torch.float64, device=u.device) * LARGEST_SCALE
    return _Sharpened.apply(u, log_scale.reshape(-1), largest.to(u.dtype).reshape(-1))


class _Sharpened(torch.autograd.Function):
    """By hand, since the order of its sums must not depend on the number of lanes."""

    @staticmethod
    def forward(ctx: Any, u: Tensor, log_scale: Tensor, largest: Tensor) -> Tensor:
        # One for each subject, because exponentials round by where in memory they stand.
        each = log_scale.to(u.dtype).view(-1, 1, 1, 1).expand(-1, 1, u.shape[2], 1)
        factor = each.contiguous().exp_()
        root = factor.minimum(largest.view(-1, 1, 1, 1)).sqrt_()
        out = u * root
        ctx.save_for_backward(out, root, factor[:, 0, 0, 0] > largest)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        out, root, at_ceiling = ctx.saved_tensors
        to_scale = (grad * out).sum(-1).flatten(1).sum(1) / 2
        # At its ceiling a scale may fall, but grows no further.
        to_scale = to_scale.masked_fill(at_ceiling & (to_scale < 0), 0)
        return grad * root, to_scale, None
