"""Views that each predict by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from skmmcl.networks._lane_linear import LaneLinear
from skmmcl.networks._multiview import MultiviewNetwork


class PredictionNetwork(MultiviewNetwork):
    """A multiview network whose embedding ``z`` is a linear map of each representation.

    Parameters
    ----------
    views : sequence of str
        The modality that each view reads.
    shapes : mapping of str to tuple
        Shape of one subject in each modality.
    n_components : int
        Width of each representation.
    n_outputs : int
        What each view predicts: scores of classes, or numbers.
    **layout
        Further parameters of `MultiviewNetwork`.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import PredictionNetwork
    >>> network = PredictionNetwork(["a"], {"a": (3,)}, 5, n_outputs=2)
    >>> network({"a": torch.zeros(4, 3)})["z"].shape
    torch.Size([1, 4, 2])
    """

    def __init__(
        self,
        views: Sequence[str],
        shapes: Mapping[str, Sequence[int]],
        n_components: int,
        *,
        n_outputs: int,
        **layout: Any,
    ) -> None:
        super().__init__(views, shapes, n_components, **layout)
        self.heads = nn.ModuleList(LaneLinear(n_components, n_outputs) for _ in views)
