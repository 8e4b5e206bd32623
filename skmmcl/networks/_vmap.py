"""Plain modules in a stack, by `torch.func.vmap`."""

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

# Torch's modules with weights for which vmap is faster than one lane after the other.
VMAP_FASTER = (nn.Embedding, nn.LayerNorm, nn.Linear, nn.RMSNorm)
STATE = {"_buffers", "_modules", "_parameters"}


class VmapModule(nn.Module):
    """Module without lanes, wrapped to be one of a network with lanes.

    `stackable` checks whether `torch.func.vmap` may carry ``module`` in a stack, and pays there.
    ``use_vmap`` is set where the fit is one of several. A single lane then goes through vmap as
    many would, so that the numbers do not depend on the other lanes. ``is_stacked`` is set where
    the weights lead with an axis of lanes.
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
        """Whether lanes of this module can stand side by side, found by trying."""
        if not all(isinstance(m, VMAP_FASTER) for m in self.module.modules() if _is_heavy(m)):
            return False
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("error")  # vmap warns where it would loop
            try:
                return _is_equal_to_alone(self.module, self.shape)
            except Exception:  # noqa: BLE001  any error means that vmap does not carry it
                return False

    @cached_property
    def structure_key(self) -> tuple | None:
        """All but the weights, which modules of one stack have in common; None if unknown."""
        return _without_weights(self.module)


def unstacked_modules(network: nn.Module) -> list[VmapModule]:
    """List the modules in a network that have no lanes of their own."""
    return [module for module in network.modules() if isinstance(module, VmapModule)]


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def _side_by_side(module: nn.Module, weights: Mapping[str, Tensor], x: Tensor) -> Tensor:
    return vmap(lambda lane, subjects: functional_call(module, lane, (subjects,)))(weights, x)


def _is_heavy(module: nn.Module) -> bool:
    """Check for one of torch's modules that has weights of its own."""
    own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
    return bool(own) and type(module).__module__.startswith("torch.")


def _is_equal_to_alone(module: nn.Module, shape: Sequence[int]) -> bool:
    """Check whether lanes side by side give what each gives alone.

    vmap refuses random draws. A module in which subjects see each other would see the padding
    of a stack, one that keeps something of a batch would mix the lanes, and weights without
    use, which have no gradient alone, would have one of zeros and decay.
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
    """Check for differences by rounding only, where outputs may be near 0 as well."""
    near = 1e-4 * float(other.detach().abs().max())
    return torch.allclose(one, other, rtol=1e-4, atol=near)


def _uses_all(module: nn.Module, x: Tensor) -> bool:
    trained = [p for p in module.parameters() if p.requires_grad]
    with torch.enable_grad():
        grads = torch.autograd.grad(module(x).sum(), trained, allow_unused=True) if trained else ()
    return all(grad is not None for grad in grads)


def _without_weights(module: nn.Module) -> tuple | None:
    """Return classes and settings of all modules; None if one of them cannot be pickled.

    They are pickled by value: a worker process cannot find classes and functions of the user's
    script by name, and fits there must go the same ways.
    """
    parts = []
    for name, part in module.named_modules():
        settings = {key: value for key, value in vars(part).items() if key not in STATE}
        try:
            parts.append((name, type(part), cloudpickle.dumps(settings)))
        except Exception:  # noqa: BLE001  such as a lock or an open file
            return None
    return tuple(parts)
