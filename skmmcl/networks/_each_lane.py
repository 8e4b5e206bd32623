"""Modules that know no lanes, and what it takes to give them some all the same."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import cloudpickle
import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

# Of torch's modules with weights, those for which lanes side by side are faster than apart.
PAYS = (nn.Embedding, nn.LayerNorm, nn.Linear, nn.RMSNorm)
HELD = {"_buffers", "_modules", "_parameters"}  # by a module


class EachLane(nn.Module):
    """A module that knows no lanes, shown the lanes one by one.

    In a stack the lanes go through it side by side by `torch.func.vmap`, if `stackable`
    says that this is right and pays.

    Parameters
    ----------
    module : Module
        Takes ``(n_samples, *shape)``.
    shape : tuple of int
        Shape of one subject.

    Attributes
    ----------
    beside : bool
        Whether the fit is one of a protocol. A single lane then takes the same way through
        `torch.func.vmap` as many would, so that the numbers do not depend on who is beside.
    merged : bool
        Whether the weights lead with an axis of lanes.
    """

    def __init__(self, module: nn.Module, shape: Sequence[int]) -> None:
        super().__init__()
        self.module, self.shape = module, tuple(shape)
        self.beside = self.merged = False
        self.training = module.training

    def forward(self, x: Tensor) -> Tensor:
        """Map subjects of shape ``(n_lanes, n_samples, *shape)``."""
        if not self.beside:
            return self.module(x.squeeze(0)).unsqueeze(0)
        return _side_by_side(self.module, self._weights(), x)

    def forward_local(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map subjects of the one lane, and give the local features of an encoder with such."""
        module: Any = self.module
        h, local = module.forward_local(x.squeeze(0))
        return h.unsqueeze(0), local.unsqueeze(0)

    def _weights(self) -> dict[str, Tensor]:
        weights = _tensors(self.module)
        return weights if self.merged else {k: v.unsqueeze(0) for k, v in weights.items()}

    @cached_property
    def stackable(self) -> bool:
        """Whether lanes of this module can stand side by side: it is tried."""
        if not all(isinstance(m, PAYS) for m in self.module.modules() if _is_heavy(m)):
            return False
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("error")  # vmap warns where it would loop
            try:
                return _is_alike(self.module, self.shape)
            except Exception:  # noqa: BLE001  whatever it is, it does not go side by side
                return False

    @cached_property
    def described(self) -> tuple | None:
        """All but the weights; modules of one stack have it in common. None if unknown."""
        return _without_weights(self.module)


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def _side_by_side(module: nn.Module, weights: Mapping[str, Tensor], x: Tensor) -> Tensor:
    return vmap(lambda lane, subjects: functional_call(module, lane, (subjects,)))(weights, x)


def _is_heavy(module: nn.Module) -> bool:
    """Whether it is one of torch's modules, and has weights of its own."""
    own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
    return bool(own) and type(module).__module__.startswith("torch.")


def _is_alike(module: nn.Module, shape: Sequence[int]) -> bool:
    """Whether lanes side by side give what each gives alone.

    vmap refuses what draws at random; what lets subjects see each other would see the
    padding of a stack, what keeps something of a batch would mix the lanes, and weights that
    are never used, which have no gradient alone, would have one of zeros and decay.
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
    """Whether they differ by rounding at most, where outputs may be near 0 as well."""
    near = 1e-4 * float(other.detach().abs().max())
    return torch.allclose(one, other, rtol=1e-4, atol=near)


def _uses_all(module: nn.Module, x: Tensor) -> bool:
    trained = [p for p in module.parameters() if p.requires_grad]
    with torch.enable_grad():
        grads = torch.autograd.grad(module(x).sum(), trained, allow_unused=True) if trained else ()
    return all(grad is not None for grad in grads)


def _without_weights(module: nn.Module) -> tuple | None:
    """Classes and settings of all modules; None if one of them cannot be told.

    Classes stand for themselves and functions for their code: in a worker process neither can be
    found by name if they come from the user's script, and fits there must go the same ways.
    """
    try:
        return tuple(
            (name, type(part), cloudpickle.dumps(_settings(part)))
            for name, part in module.named_modules()
        )
    except Exception:  # noqa: BLE001  a lock, an open file: whatever does not bear a pickle
        return None


def _settings(module: nn.Module) -> dict[str, Any]:
    return {name: value for name, value in vars(module).items() if name not in HELD}
