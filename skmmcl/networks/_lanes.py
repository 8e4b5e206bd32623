"""Modules whose weights have an axis of lanes."""

from __future__ import annotations

import copy
import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from skmmcl.networks._vmap import VmapModule, unstacked_modules

# Modules of torch that treat each lane equally.
WITHOUT_LANES = (nn.ModuleDict, nn.ModuleList, nn.Sequential, nn.ReLU)
LARGE = 2**16  # weights of a layer; below, calls take longer than memory access


class Laned(nn.Module):
    """Base class of modules that can train the weights of several fits at once, each in a lane.

    A lane is one fit. The first axis of parameters, buffers and inputs is that of the lanes; a new
    module has one lane. `skmmcl.parallel.stacked_fits` joins fits of one architecture into one
    module with many lanes. An input of shape ``(n_samples, *shape)`` is one lane.

    An encoder need not derive from this class: other modules are stacked by `torch.func.vmap`,
    which is 20 to 25 % slower. A subclass defines ``forward_lanes``, or ``local_lanes`` if it has
    local features.

    Parameters
    ----------
    shape : tuple of int
        Shape of one subject.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import MLP
    >>> mlp = MLP((3,), 2)
    >>> mlp(torch.zeros(4, 3)).shape, mlp(torch.zeros(1, 4, 3)).shape
    (torch.Size([4, 2]), torch.Size([1, 4, 2]))
    """

    before_training: tuple[str, ...] = ()  # own buffers that are not needed in training

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.shape = tuple(shape)

    @property
    def has_local(self) -> bool:
        """Whether there are local features."""
        return type(self).local_lanes is not Laned.local_lanes

    def forward(self, x: Tensor) -> Tensor:
        """Map subjects of shape ``(n_lanes, n_samples, *shape)``, or of one lane."""
        if x.dim() == len(self.shape) + 1:
            return self.forward_lanes(x.unsqueeze(0)).squeeze(0)
        return self.forward_lanes(x)

    def forward_local(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Encode subjects, and return their local features.

        Parameters
        ----------
        x : Tensor of shape ``(n_lanes, n_samples, *shape)`` or ``(n_samples, *shape)``
            The subjects.

        Returns
        -------
        h : Tensor of shape (n_lanes, n_samples, n_components)
            The representation, as a call returns it.
        local : Tensor of shape (n_lanes, n_samples, n_features, n_places)
            The features of each place.
        """
        if x.dim() == len(self.shape) + 1:
            h, local = self.local_lanes(x.unsqueeze(0))
            return h.squeeze(0), local.squeeze(0)
        return self.local_lanes(x)

    def forward_lanes(self, x: Tensor) -> Tensor:
        """Map the subjects of each lane.

        Parameters
        ----------
        x : Tensor of shape ``(n_lanes, n_samples, *shape)``
            The subjects.

        Returns
        -------
        Tensor of shape (n_lanes, n_samples, ...)
            The outputs.
        """
        return self.local_lanes(x)[0]

    def local_lanes(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Encode the subjects of each lane, and return their local features.

        Parameters
        ----------
        x : Tensor of shape ``(n_lanes, n_samples, *shape)``
            The subjects.

        Returns
        -------
        h, local : Tensor
            As from `forward_local`.
        """
        raise NotImplementedError


class LaneLinear(Laned):
    """Affine map of the last axis with a weight matrix per lane, initialized as in torch.

    Parameters
    ----------
    n_in, n_out : int
        Widths of the input and of the output.

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
    """Check whether a hook of the user reads the gradient."""
    kinds = ("_backward_hooks", "_post_accumulate_grad_hooks")
    return any(getattr(weight, kind, None) for kind in kinds)


_local = threading.local()


@contextmanager
def gradients_in_place() -> Iterator[None]:
    """Let wide layers of this thread add gradients of their weights to ``grad`` in place.

    Outputs computed in this context must be passed backward once, by ``backward()``. This avoids a
    temporary matrix as large as the weights, since wide layers are limited by memory access.
    """
    _local.in_place = True
    try:
        yield
    finally:
        _local.in_place = False


class _SummedInPlace(torch.autograd.Function):
    """Affine map that adds the gradient of its weights to an existing tensor."""

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


def of_lane(value: Any, k: int) -> Any:
    """Return lane ``k`` of a tensor or None, or of each item of a dict."""
    if isinstance(value, Mapping):
        return {name: of_lane(item, k) for name, item in value.items()}
    return None if value is None else value[k]


def has_lanes(network: nn.Module) -> bool:
    """Check whether several networks of this kind can be trained as one."""
    return hasattr(network, "forward_lanes") and _all_know_lanes(network)


def _all_know_lanes(module: nn.Module) -> bool:
    if isinstance(module, VmapModule):
        return module.stackable and module.structure_key is not None
    known = hasattr(module, "forward_lanes") or isinstance(module, WITHOUT_LANES)
    return known and all(map(_all_know_lanes, module.children()))


def lane_tensors(network: nn.Module) -> dict[str, Tensor]:
    """Return the parameters and buffers that are needed in training, by name."""
    apart = {
        id(getattr(module, name))
        for module in network.modules()
        if isinstance(module, Laned)
        for name in module.before_training
    }
    tensors = (*network.named_parameters(), *network.named_buffers())
    return {name: tensor for name, tensor in tensors if id(tensor) not in apart}


def merge_lanes(networks: Sequence[nn.Module]) -> nn.Module:
    """Return one network with the lanes of several networks of one structure.

    Buffers that are not needed in training are empty.
    """
    first = networks[0]
    twins: dict[int, Any] = {id(buffer): torch.empty(0) for buffer in first.buffers()}
    unstacked = unstacked_modules(first)
    plain = {id(t) for each in unstacked for t in (*each.parameters(), *each.buffers())}
    every = [lane_tensors(network) for network in networks]
    for name, tensor in every[0].items():
        join = torch.stack if id(tensor) in plain else torch.cat
        joined = join([tensors[name].detach() for tensors in every])
        twins[id(tensor)] = nn.Parameter(joined) if isinstance(tensor, nn.Parameter) else joined
    merged = copy.deepcopy(first, twins)
    for each in unstacked_modules(merged):
        each.is_stacked = True
    return merged
