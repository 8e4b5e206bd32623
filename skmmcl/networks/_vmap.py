"""Stacks of plain modules by `torch.func.vmap`."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import cloudpickle
import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

# Modules of torch with weights for which vmap is faster than a loop over lanes.
VMAP_FASTER = (nn.Embedding, nn.LayerNorm, nn.Linear, nn.RMSNorm)
STATE = {"_buffers", "_modules", "_parameters"}
ONE_TRIAL = threading.Lock()


class VmapModule(nn.Module):
    """Wrapper that makes a module without lanes part of a network with lanes.

    `stackable` is True if `torch.func.vmap` can stack ``module`` and is faster than a loop.
    ``use_vmap`` is set if the fit is one of several; a single lane then uses vmap too, so that the
    numbers do not depend on the number of lanes. ``is_stacked`` is set if the first axis of the
    weights is that of the lanes.
    """

    def __init__(self, module: nn.Module, shape: Sequence[int]) -> None:
        super().__init__()
        self.module, self.shape = module, tuple(shape)
        self.use_vmap = self.is_stacked = False
        self.training = module.training

    @property
    def has_local(self) -> bool:
        """Whether the module has local features."""
        return hasattr(self.module, "forward_local")

    def forward(self, x: Tensor) -> Tensor:
        """Map subjects of shape ``(n_lanes, n_samples, *shape)``."""
        if not self.use_vmap:
            return self.module(x.squeeze(0)).unsqueeze(0)
        weights = _tensors(self.module)
        if not self.is_stacked:
            weights = {name: tensor.unsqueeze(0) for name, tensor in weights.items()}
        return _side_by_side(self.module, weights, x)

    def forward_local(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map subjects of the only lane, and return their local features."""
        module: Any = self.module
        h, local = module.forward_local(x.squeeze(0))
        return h.unsqueeze(0), local.unsqueeze(0)

    @cached_property
    def stackable(self) -> bool:
        """Whether lanes of this module can be stacked, found by a trial."""
        if not all(isinstance(m, VMAP_FASTER) for m in self.module.modules() if _is_heavy(m)):
            return False
        try:
            with _loops_are_errors(), torch.no_grad():
                return _is_equal_to_alone(self.module, self.shape)
        except Exception:  # noqa: BLE001  any error means that vmap cannot stack it
            return False

    @cached_property
    def structure_key(self) -> tuple | None:
        """Everything but the weights, equal for modules of one stack; None if unknown."""
        return _without_weights(self.module)


def unstacked_modules(network: nn.Module) -> list[VmapModule]:
    """List the wrapped modules of a network, which have no lanes."""
    return [module for module in network.modules() if isinstance(module, VmapModule)]


@contextmanager
def _loops_are_errors() -> Iterator[None]:
    """Make vmap fail where it would loop.

    It also warns, but filters of warnings are those of all threads, and a warning that is an error
    leaks tensors of torch.
    """
    functorch: Any = torch._C._functorch  # noqa: SLF001  there is no public switch
    with ONE_TRIAL:
        before = functorch._is_vmap_fallback_enabled()  # noqa: SLF001
        functorch._set_vmap_fallback_enabled(False)  # noqa: SLF001
        try:
            yield
        finally:
            functorch._set_vmap_fallback_enabled(before)  # noqa: SLF001


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def _side_by_side(module: nn.Module, weights: Mapping[str, Tensor], x: Tensor) -> Tensor:
    return vmap(lambda lane, subjects: functional_call(module, lane, (subjects,)))(weights, x)


def _is_heavy(module: nn.Module) -> bool:
    """Check whether this is a module of torch with weights or buffers."""
    own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
    return bool(own) and type(module).__module__.startswith("torch.")


def _is_equal_to_alone(module: nn.Module, shape: Sequence[int]) -> bool:
    """Check whether stacked lanes have the same outputs as each lane alone.

    vmap refuses random draws. A module whose subjects affect each other would see the padding of a
    stack, a module that keeps values of a batch would mix the lanes, and unused weights, which have
    no gradient alone, would have a gradient of zeros and decay.
    """
    twin = copy.deepcopy(module).train()
    before, weights = _without_weights(twin), _tensors(twin)
    like = next(iter(weights.values()))
    x = torch.rand(2, 3, *shape, generator=torch.Generator().manual_seed(0)).to(like)
    lanes = {name: torch.stack([t, t.flip(0)]) for name, t in weights.items()}
    found = _side_by_side(twin, lanes, x)
    fewer = _side_by_side(twin, lanes, x[:, :2])
    alone = [
        functional_call(twin, {name: t[k] for name, t in lanes.items()}, (x[k],)) for k in (0, 1)
    ]
    same = _agree(found, torch.stack(alone)) and _agree(found[:, :2], fewer)
    kept = before is not None and before == _without_weights(twin)
    return same and kept and _uses_all(twin, x[0])


def _agree(one: Tensor, other: Tensor) -> bool:
    """Check whether outputs, which may be near 0, differ by rounding only."""
    near = 1e-4 * float(other.detach().abs().max())
    return torch.allclose(one, other, rtol=1e-4, atol=near)


def _uses_all(module: nn.Module, x: Tensor) -> bool:
    trained = [p for p in module.parameters() if p.requires_grad]
    with torch.enable_grad():
        grads = torch.autograd.grad(module(x).sum(), trained, allow_unused=True) if trained else ()
    return all(grad is not None for grad in grads)


def _without_weights(module: nn.Module) -> tuple | None:
    """Return classes and settings of all modules; None if one of them cannot be pickled.

    They are pickled by value, so that keys are equal in worker processes, which cannot import
    classes and functions of the user's script by name.
    """
    parts = []
    for name, part in module.named_modules():
        settings = {key: value for key, value in vars(part).items() if key not in STATE}
        try:
            parts.append((name, type(part), cloudpickle.dumps(settings)))
        except Exception:  # noqa: BLE001  such as a lock or an open file
            return None
    return tuple(parts)
