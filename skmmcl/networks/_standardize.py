"""What the training subjects say of the input, as layers: z-score and principal span."""

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

    factor: Tensor
    shift: Tensor

    def __init__(self, mean: np.ndarray, scale: np.ndarray) -> None:
        super().__init__()
        factor = 1 / np.where(scale > 0, scale, 1.0)
        self.register_buffer("factor", torch.as_tensor(factor))
        self.register_buffer("shift", torch.as_tensor(-mean * factor))

    def forward(self, x: Tensor) -> Tensor:
        """Scale subjects of shape (n_samples, *shape)."""
        return torch.addcmul(self.shift, x, self.factor)


class PrincipalSpan(nn.Module):
    """Keep of each subject what lies in the span of some principal components.

    The output has the shape of the input. An encoder behind it cannot tell subjects apart
    by directions in which the training subjects hardly vary.

    Parameters
    ----------
    axes : ndarray of shape (n_axes, n_entries)
        Orthonormal rows.
    center : ndarray of shape (n_entries,) or 0, default=0
        Mean of the subjects.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from skmmcl.networks import PrincipalSpan
    >>> PrincipalSpan(np.array([[1.0, 0.0]], dtype=np.float32))(torch.tensor([[3.0, 2.0]]))
    tensor([[3., 0.]])
    """

    axes: Tensor
    center: Tensor

    def __init__(self, axes: np.ndarray, center: np.ndarray | float = 0.0) -> None:
        super().__init__()
        self.register_buffer("axes", torch.as_tensor(axes))
        center = np.broadcast_to(np.asarray(center, dtype=axes.dtype).ravel(), axes.shape[1:])
        self.register_buffer("center", torch.as_tensor(center.copy()))

    def forward(self, x: Tensor) -> Tensor:
        """Restrict subjects of shape (n_samples, *shape)."""
        coordinates = (x.flatten(1) - self.center) @ self.axes.T
        return torch.addmm(self.center, coordinates, self.axes).view_as(x)
