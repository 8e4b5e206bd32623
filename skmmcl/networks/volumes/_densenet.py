"""Densely connected networks of volumes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from skmmcl.networks.volumes._encoder import VolumeEncoder, draw_weights

STEM, BOTTLENECK = 64, 4


class DenseNet3d(VolumeEncoder):
    """Densely connected network with 3D convolutions, DenseNet121 by default.

    Each layer reads the features of all layers before it in its block
    :cite:p:`huang2017densely`. ``blocks=(6, 12, 16)`` and ``growth=16`` make the
    tiny-DenseNet of :cite:t:`dufumier2021benchmarking`.

    Parameters
    ----------
    blocks : sequence of int, default=(6, 12, 24, 16)
        Number of layers in each block.
    growth : int, default=32
        Number of features that a layer adds.
    final_norm : bool, default=True
        Whether the last features are normalized; False for the encoder of y-Aware.
    checkpointing : bool, default=False
        Whether the concatenated features are computed again in the backward pass
        :cite:p:`pleiss2017memory`, which takes less memory and more time, with equal results.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import DenseNet3d
    >>> with torch.device("meta"):  # takes no memory
    ...     encoder = DenseNet3d((64, 64, 64), 1)
    >>> sum(p.numel() for p in encoder.parameters())
    11243649
    """

    def __init__(
        self,
        shape: Sequence[int],
        n_components: int,
        *,
        blocks: Sequence[int] = (6, 12, 24, 16),
        growth: int = 32,
        final_norm: bool = True,
        checkpointing: bool = False,
    ) -> None:
        min_side = 4 * 2 ** (len(blocks) - 1) - 3  # halved twice by the stem, then between blocks
        super().__init__(shape, local_layer="relu5", min_side=min_side)
        self.conv0 = nn.Conv3d(self.in_channels, STEM, 7, stride=2, padding=3, bias=False)
        self.norm0 = nn.BatchNorm3d(STEM)
        self.relu0 = nn.ReLU()
        self.pool0 = nn.MaxPool3d(kernel_size=3, stride=2, padding=1)
        n_features = STEM
        for k, n_layers in enumerate(blocks, start=1):
            self.add_module(f"denseblock{k}", _Block(n_features, n_layers, growth, checkpointing))
            n_features += n_layers * growth
            if k < len(blocks):
                self.add_module(f"transition{k}", _Transition(n_features))
                n_features //= 2
        if final_norm:
            self.norm5 = nn.BatchNorm3d(n_features)
        self.relu5 = nn.ReLU()
        self.avgpool = nn.AdaptiveAvgPool3d(1)
        self.flat = nn.Flatten()
        self.fc = nn.Linear(n_features, n_components)
        draw_weights(self)


class _Transition(nn.Sequential):
    """Layer that halves the number of features and the grid."""

    def __init__(self, n_in: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm3d(n_in)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv3d(n_in, n_in // 2, kernel_size=1, bias=False)
        self.pool = nn.AvgPool3d(2)


class _Block(nn.Module):
    """Layers that each read the outputs of all before them."""

    def __init__(self, n_in: int, n_layers: int, growth: int, checkpointing: bool) -> None:
        super().__init__()
        for k in range(n_layers):
            layer = _Layer(n_in + k * growth, growth, checkpointing)
            self.add_module(f"denselayer{k + 1}", layer)

    def forward(self, x: Tensor) -> Tensor:
        features = [x]
        for layer in self.children():
            features.append(layer(features))
        return torch.cat(features, 1)


class _Layer(nn.Module):
    """Layer that computes new features from all earlier ones, through a bottleneck."""

    def __init__(self, n_in: int, growth: int, checkpointing: bool) -> None:
        super().__init__()
        self.checkpointing = checkpointing
        self.norm1 = nn.BatchNorm3d(n_in)
        self.conv1 = nn.Conv3d(n_in, BOTTLENECK * growth, kernel_size=1, bias=False)
        self.norm2 = nn.BatchNorm3d(BOTTLENECK * growth)
        self.conv2 = nn.Conv3d(BOTTLENECK * growth, growth, kernel_size=3, padding=1, bias=False)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        if self.checkpointing and torch.is_grad_enabled():
            x = checkpoint(self._narrow, *features, use_reentrant=False, context_fn=self._contexts)
        else:
            x = self._narrow(*features)
        return self.conv2(torch.relu_(self.norm2(x)))

    def _narrow(self, *features: Tensor) -> Tensor:
        return self.conv1(torch.relu_(self.norm1(torch.cat(features, 1))))

    def _contexts(self) -> tuple[AbstractContextManager, AbstractContextManager]:
        return nullcontext(), _statistics_kept(self.norm1)


@contextmanager
def _statistics_kept(norm: nn.BatchNorm3d) -> Iterator[None]:
    """Keep the running statistics, which the first pass of this batch has updated."""
    momentum, norm.momentum = norm.momentum, 0.0
    counter = norm.get_buffer("num_batches_tracked")
    n_batches = counter.clone()
    try:
        yield
    finally:
        norm.momentum = momentum
        counter.copy_(n_batches)
