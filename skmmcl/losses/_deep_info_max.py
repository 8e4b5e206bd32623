"""The edges between modalities along which Deep InfoMax can be asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from skmmcl.losses._info_max import InfoMaxLoss

Edge = Literal["L", "CL", "CS", "S"]


class DeepInfoMaxLoss(nn.Module):
    """Deep InfoMax along one kind of edge between the modalities of a subject.

    ======  =============================================  ==========================
    edge    anchor                                         target
    ======  =============================================  ==========================
    "L"     the embedding of a modality                    its own local map
    "CL"    the embedding of a modality                    each other's local map
    "CS"    one place of a modality's local map, drawn     each other's local map
    "S"     the embedding of a modality                    each other's embedding
    ======  =============================================  ==========================

    Parameters
    ----------
    edge : {"L", "CL", "CS", "S"}, default="S"
        Which parts are compared.
    clip : float or None, default=20.0
        Limit of the scores, as in `InfoMaxLoss`.
    penalty : float, default=0.04
        Factor of the mean squared score, added for each pair.
    estimator : {"infonce", "jsd"}, default="infonce"
        As in `InfoMaxLoss`.
    seed : int, default=0
        Draws the places of "CS".

    References
    ----------
    .. [1] Fedorov A. et al. (2021). On self-supervised multimodal representation learning:
       an application to Alzheimer's disease. ISBI.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import DeepInfoMaxLoss
    >>> rng = torch.Generator().manual_seed(0)
    >>> z, local = torch.randn(2, 6, 4, generator=rng), torch.randn(2, 6, 4, 3, generator=rng)
    >>> DeepInfoMaxLoss("L")(z, local).shape
    torch.Size([])
    """

    def __init__(
        self,
        edge: Edge = "S",
        *,
        clip: float | None = 20.0,
        penalty: float = 0.04,
        estimator: Literal["infonce", "jsd"] = "infonce",
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.edge = edge
        self.bound = InfoMaxLoss(clip=clip, penalty=penalty, estimator=estimator)
        self.seed = seed
        self.rng = np.random.default_rng(seed)

    def forward(
        self,
        z: Tensor,
        local: Sequence[Tensor] | Tensor | None = None,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
        places: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """Sum over the modalities, or over the ordered pairs of modalities.

        Parameters
        ----------
        z : Tensor of shape (n_views, n_samples, n_components)
            Embeddings.
        local : sequence of Tensor ``(n_samples, n_components, *places)``
            Local map of each view; "S" needs none.
        mask : Tensor of shape (n_samples, n_views), optional
            True where the subject has the view.
        sample_weight : Tensor of shape (n_samples,), optional
            A subject of weight w counts as w identical subjects.
        places : sequence of Tensor of int (n_samples,), optional
            For "CS", the place of each view's map that is the anchor; drawn if absent.

        Returns
        -------
        Tensor
            A scalar.
        """
        anchors = list(z) if self.edge != "CS" else self._places(len(z), local, places)
        total: Any = 0.0
        for i, j in self._pairs(len(z)):
            both = None if mask is None else mask[:, i] & mask[:, j]
            target = z[j] if self.edge == "S" else _of(local, j)
            total = total + self.bound(anchors[i], target, both, sample_weight)
        return total

    def _pairs(self, n_views: int) -> Iterator[tuple[int, int]]:
        if self.edge == "L":
            return ((i, i) for i in range(n_views))
        return permutations(range(n_views), 2)

    def _places(self, n_views: int, local: Any, given: Sequence[Tensor] | None) -> list[Tensor]:
        """One place of each subject's map; a validation always draws the same ones."""
        rng = self.rng if torch.is_grad_enabled() else np.random.default_rng(self.seed)
        found = []
        for view in range(n_views):
            maps = _of(local, view).flatten(2)
            drawn = torch.as_tensor(rng.integers(maps.shape[2], size=len(maps)))
            index = (drawn if given is None else given[view]).to(maps.device).view(-1, 1, 1)
            found.append(maps.gather(2, index.expand(-1, maps.shape[1], 1))[:, :, 0])
        return found


def _of(local: Sequence[Tensor] | Mapping[Any, Tensor] | Tensor | None, view: int) -> Tensor:
    if local is None:
        raise ValueError("This edge needs the local maps of the encoders, but none were given.")
    return local[view]
