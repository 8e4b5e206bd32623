"""Local features of encoders, and the head that makes them comparable to embeddings."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from skmmcl.networks._each_lane import EachLane
from skmmcl.networks._mlp import MLP
from skmmcl.networks._shortcut import LinearShortcut
from skmmcl.networks._standardize import Reconstructed


class LocalHead(nn.Module):
    """Convolutions of one place each, beside a linear map, that end in a normalisation.

    Parameters
    ----------
    n_features : int
        Local features of the encoder.
    n_components : int
        Features that are given of each place.

    References
    ----------
    .. [1] Fedorov A. et al. (2021). On self-supervised multi-modal representation learning:
       an application to Alzheimer's disease. ISBI.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import LocalHead
    >>> head = LocalHead(128, 64)
    >>> sum(p.numel() for p in head.parameters())
    20736
    >>> head(torch.zeros(2, 128, 8, 8, 8)).shape
    torch.Size([2, 64, 512])
    """

    def __init__(self, n_features: int, n_components: int) -> None:
        super().__init__()
        first = nn.Conv1d(n_features, n_components, 1, bias=False)
        second = nn.Conv1d(n_components, n_components, 1, bias=False)
        self.shortcut = nn.Conv1d(n_features, n_components, 1, bias=False)
        for layer in (first, second):
            nn.init.xavier_uniform_(layer.weight)
        if n_components >= n_features:  # the features as they are, but for a little noise
            noise = torch.empty_like(self.shortcut.weight).uniform_(-0.01, 0.01)
            nn.init.dirac_(self.shortcut.weight).data.add_(noise)
        self.layers = nn.Sequential(first, nn.BatchNorm1d(n_components), nn.ReLU(), second)
        self.norm = nn.BatchNorm1d(n_components)

    def forward(self, local: Tensor) -> Tensor:
        """Map ``(n_samples, n_features, *places)`` to (n_samples, n_components, n_places)."""
        local = local.unsqueeze(-1) if local.dim() == 2 else local.flatten(2)
        return self.norm(self.layers(local) + self.shortcut(local))


def has_local(encoder: nn.Module) -> bool:
    """Whether an encoder, as `make_encoder` gives it, has local features."""
    if isinstance(encoder, EachLane):
        return hasattr(encoder.module, "forward_local")
    if isinstance(encoder, Reconstructed):
        return has_local(encoder[-1])
    if isinstance(encoder, LinearShortcut):
        return has_local(encoder.encoder)
    if isinstance(encoder, MLP):
        return bool(encoder.hidden)
    return hasattr(encoder, "forward_local")


def n_local_features(encoder: Any, shape: tuple[int, ...]) -> int:
    """How many features an encoder gives of each place of subjects of that shape."""
    like = next(encoder.parameters(), torch.empty(0))
    zeros = torch.zeros(1, 2, *shape, dtype=like.dtype, device=like.device)
    training = encoder.training
    with torch.no_grad():
        _, local = encoder.eval().forward_local(zeros)
    encoder.train(training)
    return local.shape[2]
