"""Regions of a matrix, each by itself."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


class RegionMLP(nn.Module):
    """One token for each region of a matrix, by a small network that all regions share.

    Parameters
    ----------
    shape : tuple (n_regions, n_features)
        Shape of one subject.
    n_components : int
        Width of a token.
    hidden : int, default=64
        Width of the hidden layer.

    Raises
    ------
    ValueError
        If the shape is not that of a matrix.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import RegionMLP
    >>> h, local = RegionMLP((90, 7), 16).forward_local(torch.zeros(2, 90, 7))
    >>> h.shape, local.shape
    (torch.Size([2, 16]), torch.Size([2, 16, 90]))
    """

    def __init__(self, shape: Sequence[int], n_components: int, *, hidden: int = 64) -> None:
        super().__init__()
        if len(shape) != 2:
            raise ValueError(f"RegionMLP takes matrices (regions, features), not {shape}")
        self.layers = nn.Sequential(
            nn.Linear(shape[1], hidden), nn.ReLU(), nn.Linear(hidden, n_components)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (n_samples, n_regions, n_features) to (n_samples, n_components)."""
        return self.forward_local(x)[0]

    def forward_local(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Encode matrices, and give the tokens.

        Parameters
        ----------
        x : Tensor of shape (n_samples, n_regions, n_features)
            The matrices.

        Returns
        -------
        h : Tensor of shape (n_samples, n_components)
            Mean of the tokens.
        local : Tensor of shape (n_samples, n_components, n_regions)
            The tokens.
        """
        tokens = self.layers(x)
        return tokens.mean(1), tokens.mT
