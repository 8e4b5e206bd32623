"""One fit in several processes: each encodes a part of a batch, and all see the loss of the whole.

Outputs are gathered, so that a contrastive loss meets the negatives of all processes; gradients are
summed. Up to rounding they are those that one process would have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist

from skmmcl.exceptions import DataError
from skmmcl.networks._transformer import NormalizedHead
from skmmcl.training._jobs import current
from skmmcl.training._lanes import forward_lanes
from skmmcl.training._seeds import seeded

_is_on: ContextVar[bool] = ContextVar("shared_by_ranks", default=False)
OVER_BATCH = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, NormalizedHead)


@contextmanager
def sharing_fits() -> Iterator[None]:
    """Let the processes of torch's default group train each fit of this context together."""
    token = _is_on.set(True)
    try:
        yield
    finally:
        _is_on.reset(token)


def is_shared() -> bool:
    """Return whether several processes train a fit together; those of a protocol do not."""
    return _is_on.get() and current() is None and dist.get_world_size() > 1


def agreed(value: int) -> int:
    """Return the value that the first process has."""
    if not is_shared():
        return value
    values = [value]
    dist.broadcast_object_list(values)
    return values[0]


def check_not_shared() -> None:
    """Raise if several processes train a fit that has a checkpoint."""
    if is_shared():
        raise ValueError(
            "checkpoint= is for fits in one process: several would not go on from the same epoch."
        )


class Ranks:
    """Processes that train a fit together, as seen by one of them.

    Parameters
    ----------
    net : EmbeddingNet
        The net to train.
    data : TrainingData
        All subjects; every process has all of them.
    """

    def __init__(self, net: Any, data: Any) -> None:
        self.rank, self.n_ranks = dist.get_rank(), dist.get_world_size()
        self.axes: dict[str, Any] | None = None
        _check_network(net)
        self._check_alike(net, data)

    def forward(self, network: nn.Module, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Return the named outputs of a batch, of which this process computes a part."""
        n_samples = batch["y"].shape[1]
        if n_samples < self.n_ranks:
            raise DataError(
                f"A batch of {n_samples} subjects cannot be divided among {self.n_ranks} processes."
            )
        if self.axes is None:
            self.axes = _axes_of_subjects(network, batch)
        rows = torch.arange(n_samples, device=batch["y"].device)
        rows = rows.tensor_split(self.n_ranks)[self.rank]
        part = forward_lanes(network, _rows_of(batch, rows))
        return {
            name: _whole(value, rows, n_samples, self.axes[name]) for name, value in part.items()
        }

    def sum_gradients(self, network: nn.Module) -> None:
        """Add up the gradients of the parts of all processes."""
        grads = [p.grad for p in network.parameters() if p.grad is not None]
        if grads:
            flat = torch.cat([grad.flatten() for grad in grads])
            dist.all_reduce(flat)
            parts = flat.split([grad.numel() for grad in grads])
            for grad, part in zip(grads, parts, strict=True):
                grad.copy_(part.view_as(grad))

    def _check_alike(self, net: Any, data: Any) -> None:
        seen = [net.seed_, len(data), data.y.sum().item()]
        seen += [
            value.double().sum().item() if isinstance(value, Tensor) else tuple(value.shape)
            for value in data.x.values()
        ]
        every: list[Any] = [None] * self.n_ranks
        dist.all_gather_object(every, seen)
        if any(other != every[0] for other in every):
            raise DataError(
                f"The {self.n_ranks} processes do not train the same fit: each must call fit with "
                "all subjects, in the same order, and with the same random_state."
            )


def _check_network(net: Any) -> None:
    odd = [name for name, part in net.module_.named_modules() if isinstance(part, OVER_BATCH)]
    if odd:
        raise ValueError(
            f"{odd[0]} of the network normalizes over the batch, of which each process has a part. "
            "Use a network that normalizes each subject by itself, such as 'small_cnn', or on "
            "GPUs torch.nn.SyncBatchNorm.convert_sync_batchnorm(encoder)."
        )
    if net.criterion_.adversaries:
        raise ValueError(
            f"The terms {net.criterion_.adversaries} are trained against the others, which several "
            "processes cannot do together; fit in one."
        )


class _Gather(torch.autograd.Function):
    """Gather the parts of all processes; each has the whole loss, and takes its part's gradient."""

    @staticmethod
    def forward(ctx: Any, part: Tensor, rows: Tensor, n_samples: int, axis: int) -> Tensor:
        ctx.rows, ctx.axis = rows, axis
        shape = [*part.shape[:axis], n_samples, *part.shape[axis + 1 :]]
        whole = part.new_zeros(shape).index_copy_(axis, rows, part)
        dist.all_reduce(whole)
        return whole

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad.index_select(ctx.axis, ctx.rows), None, None, None


def _whole(value: Any, rows: Tensor, n_samples: int, axis: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _whole(item, rows, n_samples, axis[key]) for key, item in value.items()}
    if axis is None:
        return value
    if value.dtype == torch.bool:
        return _Gather.apply(value.to(torch.uint8), rows, n_samples, axis).bool()
    return _Gather.apply(value, rows, n_samples, axis)


def _rows_of(batch: Mapping[str, Any], rows: Tensor) -> dict[str, Any]:
    """Return some subjects of a batch, in each of the copies that the network sees."""
    n_samples = batch["y"].shape[1]
    x = {}
    for name, value in batch["x"].items():
        n_copies = value.shape[1] // n_samples
        in_copies = torch.cat([rows + k * n_samples for k in range(n_copies)])
        x[name] = value.index_select(1, in_copies)
    known = {name: value for name, value in batch.items() if name != "x"}
    return {"x": x} | {
        name: None if value is None else value.index_select(1, rows)
        for name, value in known.items()
    }


def _axes_of_subjects(network: nn.Module, batch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the axis of the subjects in each output, found by trying one and two subjects."""
    device, was_training = batch["y"].device, network.training
    with torch.no_grad(), seeded(0, device):
        few, more = (
            forward_lanes(network.eval(), _rows_of(batch, torch.arange(n, device=device)))
            for n in (1, 2)
        )
    network.train(was_training)
    return {name: _axis(value, more[name]) for name, value in few.items()}


def _axis(one: Any, other: Any) -> Any:
    if isinstance(one, Mapping):
        return {key: _axis(item, other[key]) for key, item in one.items()}
    if not isinstance(one, Tensor):
        return None
    both: Sequence[tuple[int, int]] = list(zip(one.shape, other.shape, strict=True))
    differ = [axis for axis, (few, more) in enumerate(both) if few != more]
    return differ[0] if differ else None
