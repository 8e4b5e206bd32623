"""What one would write without this package: plain torch, losses by the book, skorch's defaults.

Values equal ours (`loss.py` and `attention.py` check that before they time anything).
"""

from __future__ import annotations

from itertools import combinations, permutations
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from torch import Tensor, nn
from torch.nn import functional as F


def cmc(z: Tensor, temperature: float) -> Tensor:
    """Contrast of all views at once; positives against the negatives alone."""
    n_views, n_samples, _ = z.shape
    u = F.normalize(z, dim=-1).flatten(0, 1)
    logits = u @ u.T / temperature
    subject = torch.arange(n_samples).repeat(n_views)
    same_subject = subject[:, None] == subject
    itself = torch.eye(len(u), dtype=torch.bool)
    attraction = logits.masked_fill(~same_subject | itself, -torch.inf).logsumexp(1)
    repulsion = logits.masked_fill(same_subject, -torch.inf).logsumexp(1)
    return (repulsion - attraction).mean()


def css(f: Tensor, y: Tensor, temperature: float) -> Tensor:
    """Supervised contrast, logarithms averaged over the positives."""
    u = F.normalize(f, dim=-1)
    itself = torch.eye(len(u), dtype=torch.bool)
    logits = (u @ u.T / temperature).masked_fill(itself, -torch.inf)
    log_share = F.log_softmax(logits, dim=1).masked_fill(itself, 0)
    positive = ((y[:, None] == y) & ~itself).to(u.dtype)
    count = positive.sum(1)
    return -((positive * log_share).sum(1) / count.clamp_min(1))[count > 0].mean()


def pairwise(z: Tensor, temperature: float) -> Tensor:
    """NT-Xent of each pair of views: 20 cross-entropies for five of them."""
    u = F.normalize(z, dim=-1)
    target = torch.arange(z.shape[1])
    itself = torch.eye(z.shape[1], dtype=torch.bool)
    total = z.new_zeros(())
    for a, b in permutations(range(len(u)), 2):
        own = (u[a] @ u[a].T).masked_fill(itself, -torch.inf)
        total = total + F.cross_entropy(torch.cat([u[a] @ u[b].T, own], 1) / temperature, target)
    return total / (2 * len(list(combinations(range(len(u)), 2))))


class CMCCSS(nn.Module):
    """Both terms on the outputs of a network, as a skorch criterion."""

    def __init__(self, temperature: float = 0.7, css_weight: float = 1.0) -> None:
        super().__init__()
        self.temperature, self.css_weight = temperature, css_weight

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        fused = z.transpose(0, 1).flatten(1)
        return cmc(z, self.temperature) + self.css_weight * css(fused, y, self.temperature)


def mlp(shape: tuple[int, ...], n_components: int, hidden: int = 64) -> nn.Module:
    """One hidden layer."""
    layers = nn.Linear(int(np.prod(shape)), hidden), nn.ReLU(), nn.Linear(hidden, n_components)
    return nn.Sequential(nn.Flatten(), *layers)


class Attention(nn.Module):
    """The encoder of Li et al. layer by layer, with torch's own attention."""

    def __init__(
        self, shape: tuple[int, int], n_components: int, region_components: int = 8
    ) -> None:
        super().__init__()
        n_regions, d = shape
        self.query, self.key, self.value, self.dense = (nn.Linear(d, d) for _ in range(4))
        self.fc1 = nn.Linear(d, region_components)
        self.fc2 = nn.Linear(n_regions * region_components, n_components)

    def forward(self, x: Tensor) -> Tensor:
        attended = F.scaled_dot_product_attention(self.query(x), self.key(x), self.value(x))
        return self.fc2(self.fc1(self.dense(attended)).flatten(1))


class Encoders(nn.Module):
    """One encoder per modality; gives the embeddings (n_views, n_samples, n_components)."""

    def __init__(self, encoders: dict[str, nn.Module]) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict(encoders)

    def forward(self, **x: Tensor) -> Tensor:
        return torch.stack([encoder(x[name]) for name, encoder in self.encoders.items()])


class DefaultNet(NeuralNet):
    """skorch as it comes: its DataLoader, its callbacks, Adam."""

    def infer(self, x: Any, **fit_params: Any) -> Any:
        return self.module_(**x)


def default_net(module: nn.Module, settings: Any) -> DefaultNet:
    """Make the net; all subjects are trained on, as ours are, and nothing is printed."""
    return DefaultNet(
        module,
        criterion=CMCCSS,
        criterion__temperature=settings.temperature,
        criterion__css_weight=settings.css_weight,
        optimizer=torch.optim.Adam,
        optimizer__weight_decay=settings.weight_decay,
        lr=settings.lr,
        max_epochs=settings.max_epochs,
        batch_size=settings.batch_size,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )
