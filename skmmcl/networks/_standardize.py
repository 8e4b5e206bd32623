"""What the training subjects say of the input, as layers: z-score and principal components."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from skmmcl.networks._lanes import Laned

FAR = 1e3  # standard deviations from 0 beyond which a mean costs float32 digits that matter


class Standardize(Laned):
    """Subtract a mean and divide by a scale that were found on the training subjects.

    As a layer it stays with the encoder, and the data need not be copied to be scaled.

    Parameters
    ----------
    shape : tuple of int
        Shape of one subject.
    mean, scale : ndarray of that shape, or single numbers
        Values of the training subjects; a scale of 0 is taken as 1.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from skmmcl.networks import Standardize
    >>> Standardize((2,), np.array([1.0, 2.0]), np.array([2.0, 0.0]))(torch.tensor([[3.0, 2.0]]))
    tensor([[1., 0.]], dtype=torch.float64)
    """

    factor: Tensor
    shift: Tensor

    def __init__(self, shape: Sequence[int], mean: np.ndarray, scale: np.ndarray) -> None:
        super().__init__(shape)
        factor = 1 / np.where(scale > 0, scale, 1.0)
        per_entry = (1, 1, *(np.shape(mean) or [1] * len(self.shape)))
        self.register_buffer("factor", torch.as_tensor(factor).reshape(per_entry))
        self.register_buffer("shift", torch.as_tensor(-mean * factor).reshape(per_entry))

    def forward_lanes(self, x: Tensor) -> Tensor:
        return torch.addcmul(self.shift, x, self.factor)


class ComponentScores(Laned):
    """Scores of subjects on the principal components of the training subjects.

    All scores are divided by one number, so that their variance is 1 on average and a
    learning rate means the same for every modality; leading components stay larger.

    Parameters
    ----------
    shape : tuple of int
        Shape of one subject.
    mean, scale : ndarray of that shape
        Of the training subjects; a scale of 0 is taken as 1.
    axes : ndarray of shape (n_axes, n_entries)
        Orthonormal rows: the principal axes of the scaled subjects.
    deviation : ndarray of shape (n_axes,)
        Standard deviation of the training subjects along each.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from skmmcl.networks import ComponentScores
    >>> scores = ComponentScores((2,), np.zeros(2), np.ones(2), np.eye(2)[:1], np.array([3.0]))
    >>> scores(torch.tensor([[3.0, 2.0]], dtype=torch.float64))
    tensor([[1.]], dtype=torch.float64)
    """

    mean: Tensor
    weight: Tensor

    def __init__(
        self,
        shape: Sequence[int],
        mean: np.ndarray,
        scale: np.ndarray,
        axes: np.ndarray,
        deviation: np.ndarray,
    ) -> None:
        super().__init__(shape)
        self.unit = float(np.sqrt(np.mean(np.square(deviation))))
        inverse = (1 / np.where(scale > 0, scale, 1.0)).reshape(-1, 1)
        self.register_buffer("mean", torch.as_tensor(mean).reshape(1, 1, -1))
        self.register_buffer("weight", torch.as_tensor(inverse * axes.T / self.unit)[None])

    def forward_lanes(self, x: Tensor) -> Tensor:
        return torch.matmul(x.flatten(2) - self.mean, self.weight)


class Reconstruction(Laned):
    """Subjects in their own shape again, from their component scores.

    An encoder behind it cannot tell subjects apart by directions in which the training
    subjects hardly vary.

    Parameters
    ----------
    shape : tuple of int
        Shape of one subject.
    axes : ndarray of shape (n_axes, n_entries)
        Each score's contribution.
    center : ndarray of that shape or 0, default=0
        What a subject with scores of 0 is.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from skmmcl.networks import Reconstruction
    >>> Reconstruction((2, 2), np.eye(4)[:1])(torch.tensor([[3.0]], dtype=torch.float64))
    tensor([[[3., 0.],
             [0., 0.]]], dtype=torch.float64)
    """

    axes: Tensor
    center: Tensor

    def __init__(
        self, shape: Sequence[int], axes: np.ndarray, center: np.ndarray | float = 0.0
    ) -> None:
        super().__init__((len(axes),))
        self.to_shape = tuple(shape)
        center = np.broadcast_to(np.asarray(center, dtype=axes.dtype).ravel(), math.prod(shape))
        self.register_buffer("axes", torch.as_tensor(axes)[None])
        self.register_buffer("center", torch.as_tensor(center.copy()).view(1, 1, -1))

    def forward_lanes(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.center, x, self.axes).unflatten(-1, self.to_shape)


class Reconstructed(nn.Sequential):
    """A `Reconstruction`, and the encoder that reads what it reconstructs."""

    def forward_local(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Encode what is reconstructed from scores, and give the encoder's local features."""
        encoder: Any = self[1]
        return encoder.forward_local(self[0](x))


@dataclass(frozen=True)
class InputStage:
    """What the training subjects say of a modality, before anything is trained.

    Parameters
    ----------
    mean, scale : ndarray
        Of each entry, or single numbers for all; a scale of 0 is taken as 1.
    standardize : bool, default=True
        Whether the encoder sees z-scores.
    axes : ndarray of shape (n_axes, n_entries), optional
        Principal axes to which the modality is restricted.
    deviation : ndarray of shape (n_axes,), optional
        Standard deviation along each.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.networks import InputStage
    >>> InputStage(np.zeros(3), np.ones(3)).scores((3,)) is None  # no axes
    True
    """

    mean: np.ndarray
    scale: np.ndarray
    standardize: bool = True
    axes: np.ndarray | None = None
    deviation: np.ndarray | None = None

    @property
    def unit(self) -> np.ndarray:
        """What the encoder sees as 1, in each entry or in all."""
        return np.where((self.scale > 0) & self.standardize, self.scale, 1.0)

    @property
    def origin(self) -> np.ndarray | None:
        """What to subtract before subjects are cast to float32; None where they bear the cast.

        Of a mean of a million standard deviations, float32 leaves hardly a digit of how
        subjects differ.
        """
        center = self._center()
        is_far = (np.abs(center) > FAR * self.scale) & (self.scale > 0)
        return center if self.standardize and is_far.any() else None

    def _center(self) -> np.ndarray:
        return self.mean

    def scores(self, shape: Sequence[int]) -> ComponentScores | None:
        """Make the module that turns subjects into component scores.

        Parameters
        ----------
        shape : tuple of int
            Shape of one subject.

        Returns
        -------
        ComponentScores or None
            None if the modality is not restricted.
        """
        if self.axes is None or self.deviation is None:
            return None
        scale = self.scale if self.standardize else np.ones_like(self.scale)
        return ComponentScores(shape, self.mean, scale, self.axes, self.deviation)

    def reconstruction(self, shape: Sequence[int], unit: float) -> Reconstruction:
        """Make the module that turns component scores back into subjects.

        Parameters
        ----------
        shape : tuple of int
            Shape of one subject.
        unit : float
            By which the scores were divided.

        Returns
        -------
        Reconstruction
            Takes scores of shape (n_lanes, n_samples, n_axes).
        """
        center = 0.0 if self.standardize else self.mean
        return Reconstruction(shape, np.asarray(self.axes) * unit, center)


@dataclass(frozen=True)
class ColumnStage(InputStage):
    """Z-scores of the columns of matrices, over subjects and rows.

    Z-scores of each entry would leave nothing of how regions differ in all subjects alike.

    Parameters
    ----------
    mean, scale : ndarray of shape (n_regions, n_features)
        Of each entry.
    standardize : bool, default=True
        As for `InputStage`.
    axes : ndarray of shape (n_axes, n_entries), optional
        Principal axes of the z-scored entries.
    deviation : ndarray of shape (n_axes,), optional
        Standard deviation along each.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.networks import ColumnStage
    >>> stage = ColumnStage(np.array([[1.0], [3.0]]), np.zeros((2, 1)), axes=np.eye(2))
    >>> stage.reconstruction((2, 1), 1.0).center.flatten()
    tensor([-1.,  1.], dtype=torch.float64)
    """

    def _center(self) -> np.ndarray:
        return np.broadcast_to(self._columns()[0], self.mean.shape)

    def whole(self) -> InputStage:
        """Make the stage of matrices that are not restricted to principal components.

        Returns
        -------
        InputStage
            Each entry has the mean and scale of its column.
        """
        center, spread = (np.broadcast_to(v, self.mean.shape) for v in self._columns())
        return InputStage(center, spread, self.standardize)

    def reconstruction(self, shape: Sequence[int], unit: float) -> Reconstruction:
        """Make the module that turns component scores back into subjects.

        Parameters
        ----------
        shape : tuple of int
            Shape of one subject.
        unit : float
            By which the scores were divided.

        Returns
        -------
        Reconstruction
            Takes scores of shape (n_lanes, n_samples, n_axes).
        """
        if not self.standardize:
            return super().reconstruction(shape, unit)
        center, spread = self._columns()
        axes = np.asarray(self.axes) * unit * (self.scale / spread).ravel()
        return Reconstruction(shape, axes, (self.mean - center) / spread)

    def _columns(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and scale of each column."""
        center = self.mean.mean(0)
        spread = np.sqrt((self.scale**2 + (self.mean - center) ** 2).mean(0))
        return center, np.where(spread > np.finfo(np.float32).tiny, spread, 1.0)
