"""The affine layer of a stack, and how it writes its gradients."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from skmmcl.networks._lanes import Laned

LARGE = 2**16  # weights; with fewer, calls cost more than memory


class LaneLinear(Laned):
    """Affine map of the last axis, initialized as in torch, with a weight matrix per lane.

    Parameters
    ----------
    n_in, n_out : int
        Widths.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import LaneLinear
    >>> LaneLinear(5, 2)(torch.zeros(3, 5)).shape
    torch.Size([3, 2])
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__((n_in,))
        self.is_large = n_in * n_out >= LARGE
        bound = 1 / math.sqrt(n_in)
        self.weight = nn.Parameter(torch.empty(1, n_in, n_out).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(1, 1, n_out).uniform_(-bound, bound))

    def forward_lanes(self, x: Tensor) -> Tensor:
        in_place = self.is_large and getattr(_local, "in_place", False)
        kept = self.weight.grad if in_place and not _has_hooks(self.weight) else None
        if kept is None:
            return torch.baddbmm(self.bias, x, self.weight)
        return _SummedInPlace.apply(x, self.weight, self.bias, kept)


def _has_hooks(weight: Tensor) -> bool:
    """Check whether a callback of the user is to see the gradient."""
    kinds = ("_backward_hooks", "_post_accumulate_grad_hooks")
    return any(getattr(weight, kind, None) for kind in kinds)


_local = threading.local()


@contextmanager
def gradients_in_place() -> Iterator[None]:
    """Let wide layers add to the ``grad`` of their weights themselves, in this thread.

    Outputs computed meanwhile must be passed backward once, by ``backward()``. No matrix as
    large as the weights is then made and added: a wide layer waits for memory above all.
    """
    _local.in_place = True
    try:
        yield
    finally:
        _local.in_place = False


class _SummedInPlace(torch.autograd.Function):
    """Affine map that adds the gradient of its weights to where it is kept."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, kept: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.kept = kept
        return torch.baddbmm(bias, x, weight)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, weight = ctx.saved_tensors
        ctx.kept.baddbmm_(x.mT, grad)
        to_x = grad @ weight.mT if ctx.needs_input_grad[0] else None
        return to_x, None, grad.sum(1, keepdim=True), None
