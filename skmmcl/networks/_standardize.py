"""The z-score of the training subjects, as a layer."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn


class Standardize(nn.Module):
    """Subtract a mean and divide by a scale that were found on the training subjects.

    As a layer it stays with the encoder, and the data need not be copied to be scaled.

    Parameters
    ----------
    mean, scale : ndarray, broadcastable to one subject
        Values of the training subjects; a scale of 0 is taken as 1.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from skmmcl.networks import Standardize
    >>> Standardize(np.array([1.0, 2.0]), np.array([2.0, 0.0]))(torch.tensor([[3.0, 2.0]]))
    tensor([[1., 0.]], dtype=torch.float64)
    """

    def __init__(self, mean: np.ndarray, scale: np.ndarray) -> None:
        super().__init__()
        factor = 1 / np.where(scale > 0, scale, 1.0)
        self.register_buffer("factor", torch.as_tensor(factor))
        self.register_buffer("shift", torch.as_tensor(-mean * factor))

    def forward(self, x: Tensor) -> Tensor:
        """Scale subjects of shape (n_samples, *shape)."""
        return torch.addcmul(self.shift, x, self.factor)
