"""A linear map beside an encoder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from skmmcl.networks._lane_linear import LaneLinear
from skmmcl.networks._lanes import Laned

PACE = 0.1  # of the gate beside the weights, whose steps an adaptive optimizer makes alike


class LinearShortcut(Laned):
    """A linear map of the input, plus an encoder that is faded in by a learnt gate.

    The gate starts at 0, so that training starts from a linear encoder: with few
    subjects the encoder adds to it only what the data ask for.

    Parameters
    ----------
    encoder : Module
        From ``(n_lanes, n_samples, *shape)`` to (n_lanes, n_samples, n_components).
    shape : tuple of int
        Shape of one subject.
    n_components : int
        Width of the output.

    References
    ----------
    .. [1] Bachlechner T. et al. (2021). ReZero is all you need: fast convergence at large
       depth. UAI.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import MLP, LinearShortcut
    >>> LinearShortcut(MLP((5,), 2), (5,), 2)(torch.zeros(3, 5)).shape
    torch.Size([3, 2])
    """

    def __init__(self, encoder: nn.Module, shape: Sequence[int], n_components: int) -> None:
        super().__init__(shape)
        self.encoder: Any = encoder
        self.linear = LaneLinear(math.prod(shape), n_components)
        self.gate = nn.Parameter(torch.zeros(1, 1, 1))

    def forward_lanes(self, x: Tensor) -> Tensor:
        return self._beside(x, self.encoder(x))

    def forward_local(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Encode subjects, and give the local features of the encoder.

        Parameters
        ----------
        x : Tensor of shape ``(n_lanes, n_samples, *shape)``
            The subjects.

        Returns
        -------
        h : Tensor of shape (n_lanes, n_samples, n_components)
            The representation, as a call gives it.
        local : Tensor of shape (n_lanes, n_samples, n_features, n_places)
            The features of each place.
        """
        h, local = self.encoder.forward_local(x)
        return self._beside(x, h), local

    def _beside(self, x: Tensor, h: Tensor) -> Tensor:
        return torch.addcmul(self.linear(x.flatten(2)), self.gate, h, value=PACE)
