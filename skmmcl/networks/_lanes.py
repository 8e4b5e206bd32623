"""Modules that hold the weights of several fits, one beside the other."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from skmmcl.networks._each_lane import EachLane

# Of torch's own modules, those that do the same to each lane.
WITHOUT_LANES = (nn.ModuleDict, nn.ModuleList, nn.Sequential, nn.ReLU)


class Laned(nn.Module):
    """Module whose parameters, buffers and input lead with an axis of lanes, one per fit.

    Subjects of shape ``(n_samples, *shape)`` without that axis are taken as one lane.

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

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.shape = tuple(shape)

    def forward(self, x: Tensor) -> Tensor:
        """Map subjects of shape ``(n_lanes, n_samples, *shape)``, or of one lane."""
        if x.dim() == len(self.shape) + 1:
            return self.forward_lanes(x.unsqueeze(0)).squeeze(0)
        return self.forward_lanes(x)

    def forward_lanes(self, x: Tensor) -> Tensor:
        """Map the subjects of each lane.

        Parameters
        ----------
        x : Tensor of shape ``(n_lanes, n_samples, *shape)``
            The subjects.

        Returns
        -------
        Tensor of shape (n_lanes, n_samples, ...)
            What the module makes of them.
        """
        raise NotImplementedError


class LanedEncoder(Laned):
    """Encoder with lanes that gives local features on its way.

    A subclass says both in ``local_lanes``.

    Parameters
    ----------
    shape : tuple of int
        Shape of one subject.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import ConnectomeAttention
    >>> h, local = ConnectomeAttention((6, 5), 2).forward_local(torch.zeros(4, 6, 5))
    >>> h.shape, local.shape  # eight features of each of the six regions
    (torch.Size([4, 2]), torch.Size([4, 8, 6]))
    """

    def forward_lanes(self, x: Tensor) -> Tensor:
        return self.local_lanes(x)[0]

    def forward_local(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Encode subjects, and give their local features.

        Parameters
        ----------
        x : Tensor of shape ``(n_lanes, n_samples, *shape)`` or ``(n_samples, *shape)``
            The subjects.

        Returns
        -------
        h : Tensor of shape (n_lanes, n_samples, n_components)
            The representation, as a call gives it.
        local : Tensor of shape (n_lanes, n_samples, n_features, n_places)
            The features of each place.
        """
        if x.dim() == len(self.shape) + 1:
            h, local = self.local_lanes(x.unsqueeze(0))
            return h.squeeze(0), local.squeeze(0)
        return self.local_lanes(x)

    def local_lanes(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Encode the subjects of each lane, and give their local features.

        Parameters
        ----------
        x : Tensor of shape ``(n_lanes, n_samples, *shape)``
            The subjects.

        Returns
        -------
        h : Tensor of shape (n_lanes, n_samples, n_components)
            The representation.
        local : Tensor of shape (n_lanes, n_samples, n_features, n_places)
            The features of each place.
        """
        raise NotImplementedError


def of_lane(value: Any, k: int) -> Any:
    """Give the part of one lane of a tensor, or of each tensor in a dict.

    Parameters
    ----------
    value : Tensor of shape (n_lanes, ...), dict of such or None
        Outputs of a network, or arrays of a batch.
    k : int
        The lane.

    Returns
    -------
    Tensor, dict or None
        Without the axis of lanes.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import of_lane
    >>> of_lane({"z": torch.eye(2), "x_hat": {0: torch.ones(2, 1)}}, 1)
    {'z': tensor([0., 1.]), 'x_hat': {0: tensor([1.])}}
    """
    if isinstance(value, Mapping):
        return {name: of_lane(item, k) for name, item in value.items()}
    return None if value is None else value[k]


def has_lanes(network: nn.Module) -> bool:
    """Tell whether networks of this kind can be trained side by side as one.

    Parameters
    ----------
    network : Module
        Any network.

    Returns
    -------
    bool
        False if a module in it knows no lanes.

    Examples
    --------
    >>> from torch import nn
    >>> from skmmcl.networks import MLP, has_lanes
    >>> has_lanes(MLP((3,), 2)), has_lanes(nn.Linear(3, 2))
    (True, False)
    """
    return hasattr(network, "forward_lanes") and _all_know_lanes(network)


def _all_know_lanes(module: nn.Module) -> bool:
    if isinstance(module, EachLane):
        return module.stackable and module.described is not None
    known = hasattr(module, "forward_lanes") or isinstance(module, WITHOUT_LANES)
    return known and all(map(_all_know_lanes, module.children()))


def merge_lanes(networks: Sequence[nn.Module]) -> nn.Module:
    """One network that has the lanes of all given ones.

    Parameters
    ----------
    networks : sequence of Module
        Of equal structure; see `has_lanes`. What they name in ``before_training`` is left
        out.

    Returns
    -------
    Module
        Its parameters and buffers are new ones.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import MLP, merge_lanes
    >>> one, two = MLP((3,), 2), MLP((3,), 2)
    >>> x = torch.ones(2, 4, 3)  # two lanes of four subjects
    >>> torch.equal(merge_lanes([one, two])(x)[1], two(x[1]))
    True
    """
    first = networks[0]
    apart = getattr(first, "before_training", ())
    twins: dict[int, Any] = {id(getattr(first, name)): nn.Identity() for name in apart}
    foreign = foreign_modules(first)
    plain = {id(t) for each in foreign for t in (*each.parameters(), *each.buffers())}
    for kind in ("named_parameters", "named_buffers"):
        others = [dict(getattr(network, kind)()) for network in networks]
        for name, tensor in others[0].items():
            if name.partition(".")[0] not in apart:
                join = torch.stack if id(tensor) in plain else torch.cat
                joined = join([other[name].detach() for other in others])
                as_given = isinstance(tensor, nn.Parameter)
                twins[id(tensor)] = nn.Parameter(joined) if as_given else joined
    merged = copy.deepcopy(first, twins)
    for each in foreign_modules(merged):
        each.merged = True
    return merged


def foreign_modules(network: nn.Module) -> list[EachLane]:
    """List the modules in a network that know no lanes.

    Parameters
    ----------
    network : Module
        Any network.

    Returns
    -------
    list of Module
        Each has the user's ``module``, and in ``stackable`` whether several of them can
        be trained side by side by `torch.func.vmap`.

    Examples
    --------
    >>> from torch import nn
    >>> from skmmcl.networks import foreign_modules, make_encoder
    >>> [each.stackable for each in foreign_modules(make_encoder(nn.Linear(3, 2), (3,), 2))]
    [True]
    """
    return [module for module in network.modules() if isinstance(module, EachLane)]
