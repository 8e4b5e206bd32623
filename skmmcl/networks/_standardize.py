"""Scaling of the input by the training subjects: z-scores or principal components."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from skmmcl.networks._lanes import Laned

FAR = 1e3  # standard deviations from 0 beyond which a mean costs float32 digits that matter


@dataclass(frozen=True)
class InputStage:
    """Statistics of a modality in the training subjects, which define its scaling.

    Parameters
    ----------
    mean, scale : ndarray
        Mean and standard deviation of each entry, or single numbers for all entries; a scale of 0
        is replaced by 1.
    standardize : bool, default=True
        Whether the encoder sees z-scores.
    axes, deviation : ndarray of shape (n_axes, n_entries) and (n_axes,), optional
        Principal axes to which the modality is restricted, and standard deviations along them.
    by_column : bool, default=False
        Whether an encoder after the principal components sees z-scores of the columns.
    """

    mean: np.ndarray
    scale: np.ndarray
    standardize: bool = True
    axes: np.ndarray | None = None
    deviation: np.ndarray | None = None
    by_column: bool = False

    @property
    def unit(self) -> np.ndarray:
        """Divisor of each entry, 1 where there is none."""
        return np.where((self.scale > 0) & self.standardize, self.scale, 1.0)

    @property
    def origin(self) -> np.ndarray | None:
        """Values to subtract before a cast to float32; None if the cast is harmless.

        With a mean of a million standard deviations, float32 keeps hardly a digit of the
        differences between subjects.
        """
        center = self._columns()[0] if self.by_column else self.mean
        is_far = (np.abs(center) > FAR * self.scale) & (self.scale > 0)
        return center if self.standardize and is_far.any() else None

    def of_columns(self) -> InputStage:
        """Return the stage of z-scores of columns, over subjects and rows of matrices.

        Z-scores of each entry would remove the differences between regions that all subjects share.
        """
        if self.axes is not None:
            return replace(self, by_column=True)
        return InputStage(*self._columns(), self.standardize)

    def inverse_map(self, unit: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the affine map from component scores to what the encoder sees: axes and center.

        ``unit`` is the divisor of the scores.
        """
        axes = np.asarray(self.axes) * unit
        if not self.standardize:
            return axes, self.mean
        if not self.by_column:
            return axes, np.zeros_like(self.mean)
        center, spread = self._columns()
        return axes * (self.scale / spread).ravel(), (self.mean - center) / spread

    def _columns(self) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and scale of each column, in the shape of the matrix."""
        center = self.mean.mean(0)
        spread = np.sqrt((self.scale**2 + (self.mean - center) ** 2).mean(0))
        spread = np.where(spread > np.finfo(np.float32).tiny, spread, 1.0)
        return np.broadcast_to(center, self.mean.shape), np.broadcast_to(spread, self.mean.shape)


class InputScaler(Laned):
    """Layer that maps a modality to z-scores or component scores, and component scores back.

    Component scores are divided by one number, so that their variance is 1 on average and a
    learning rate has the same effect for every modality. If ``invertible``, ``inverse``
    reconstructs subjects from them, without the directions of least variance.
    """

    factor: Tensor
    shift: Tensor
    mean: Tensor
    weight: Tensor
    axes: Tensor
    center: Tensor

    def __init__(self, shape: Sequence[int], stage: InputStage, *, invertible: bool = True) -> None:
        super().__init__(shape)
        self.n_axes: int | None = None
        factor = 1 / stage.unit
        if stage.axes is None or stage.deviation is None:
            per_entry = (1, 1, *(np.shape(stage.mean) or [1] * len(shape)))
            self._keep("factor", factor, per_entry)
            self._keep("shift", -stage.mean * factor, per_entry)
            return
        self.n_axes = len(stage.axes)
        unit = float(np.sqrt(np.mean(np.square(stage.deviation))))
        self._keep("mean", stage.mean, (1, 1, -1))
        self._keep("weight", factor.reshape(-1, 1) * stage.axes.T / unit, (1, -1, self.n_axes))
        self.before_training = ("mean", "weight")
        if invertible:
            axes, center = stage.inverse_map(unit)
            self._keep("axes", axes, (1, self.n_axes, -1))
            self._keep("center", center, (1, 1, -1))

    def _keep(self, name: str, value: np.ndarray, shape: Sequence[int]) -> None:
        self.register_buffer(name, torch.as_tensor(np.array(value)).reshape(shape))

    def forward_lanes(self, x: Tensor) -> Tensor:
        if self.n_axes is None:
            return torch.addcmul(self.shift, x, self.factor)
        return torch.matmul(x.flatten(2) - self.mean, self.weight)

    def inverse(self, scores: Tensor) -> Tensor:
        """Return subjects ``(n_lanes, n_samples, *shape)`` from their component scores."""
        return torch.baddbmm(self.center, scores, self.axes).unflatten(-1, self.shape)
