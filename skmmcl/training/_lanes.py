"""The fits that can share a stack, the memory of a lane, and its pass through a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from skmmcl.networks._lanes import has_lanes, lane_tensors
from skmmcl.networks._vmap import unstacked_modules
from skmmcl.training._batches import SubjectSet
from skmmcl.training._copies import in_copies
from skmmcl.training._stored import StoredRows


def signature(net: Any, sets: tuple[SubjectSet, SubjectSet | None]) -> Any:
    """Return a key that fits of one stack share; None for a fit that trains alone."""
    lanes = lanes_of(net)
    if lanes is None:
        return None
    data = sets[0].data
    if any(isinstance(x, StoredRows) for x in data.x.values()):
        return None
    return (
        lanes,
        tuple((name, *x.shape[1:], str(x.dtype)) for name, x in data.x.items()),
        data.mask is None,
        None if data.targets is None else data.targets.shape[1:],
        tuple(None if subjects is None else subjects.layout for subjects in sets),
        str(net.device),
    )


def lanes_of(net: Any) -> Any:
    """Return architecture and objective of a net if it can share a stack, else None."""
    objective = net.criterion_.signature()
    if objective is None or not has_lanes(net.module_):
        return None
    shapes = tuple(
        (name, tuple(t.shape), str(t.dtype), t.requires_grad)
        for name, t in lane_tensors(net.module_).items()
    )
    unstacked = tuple(each.structure_key for each in unstacked_modules(net.module_))
    return repr(net.module_), unstacked, shapes, objective


def lane_bytes(net: Any, subjects: SubjectSet) -> int:
    """Estimate the bytes of a lane: subjects, weights, optimizer state, activations."""
    size = next(net.module_.parameters()).element_size()
    data = sum(x.numel() for x in subjects.data.x.values() if isinstance(x, Tensor))
    weights = sum(t.numel() for t in (*net.module_.parameters(), *net.module_.buffers()))
    kept = 0

    def count(tensor: Tensor) -> None:  # returning the tensor would make a reference cycle
        nonlocal kept
        kept += tensor.numel()

    net.module_.eval()  # not yet in training: running statistics and dropout are left alone
    rows = torch.as_tensor(subjects.rows[: subjects.batch_size], device=subjects.data.y.device)
    batch = {name: x[rows][None] for name, x in subjects.data.x.items()}
    with torch.autograd.graph.saved_tensors_hooks(count, lambda _: torch.empty(0)):
        z = forward_lanes(net.module_, {"x": in_copies(batch, net.module_)})["z"]
    similarities = (z.shape[-3] * z.shape[-2]) ** 2
    return size * (data + 5 * weights + 2 * kept + 4 * similarities)


def forward_lanes(network: Any, batch: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the named outputs of a batch; a network without lanes gets the only one.

    A network also gets the arrays of the batch that it names in ``reads``.
    """
    x, mask = batch["x"], batch.get("mask")
    if hasattr(network, "forward_lanes"):
        known = {name: batch.get(name) for name in getattr(network, "reads", ())}
        return network.forward_lanes(x, mask, **known)
    outputs = network({name: value[0] for name, value in x.items()}, _first(mask))
    return {name: value.unsqueeze(0) for name, value in outputs.items()}


def _first(value: Tensor | None) -> Tensor | None:
    return None if value is None else value[0]
