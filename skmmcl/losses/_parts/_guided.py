"""Bases of the losses that are guided by metadata: labels, numbers or a prior representation."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike
from torch import Tensor

from skmmcl.kernels._affinity import Kernel, affinity_weights, check_kernel
from skmmcl.losses._parts._batch import Batch, make_batch, metadata
from skmmcl.losses._parts._contrast import contrast
from skmmcl.losses._parts._stacking import Loss, TemperatureLoss, per_column
from skmmcl.losses._parts._target import as_rows, simplex


class TargetLoss(TemperatureLoss):
    """Base of losses that know the geometry of their optimum, by default the regular simplex."""

    has_codes = True  # whether metadata are codes, of which the negative are missing

    def target(
        self, y: ArrayLike | Tensor, *, sample_weight: ArrayLike | Tensor | None = None
    ) -> Tensor:
        """Return the geometry at the optimum, one row for each subject.

        The notes of the loss say what it is. Only distances matter: embeddings at the optimum
        are a rotated copy.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_columns)
            Metadata; NaN, or -1 among codes and integers, where unknown.
        sample_weight : array-like of shape (n_samples,), optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of float64 ``(n_samples, n_columns)``
            On the CPU; NaN for the unknown.
        """
        return self._optimum(self._rows(y), sample_weight)

    def _rows(self, y: Any) -> Tensor:
        return as_rows(y, codes=self.has_codes)

    def _optimum(self, rows: Tensor, sample_weight: Any) -> Tensor:
        return simplex(rows, sample_weight)


class GuidedLoss(TargetLoss):
    """Base of losses of one array of metadata: by default weighted InfoNCE with ``_weights``."""

    self_pairs = False  # whether an anchor is a positive of itself
    on_sphere = True

    def forward(
        self, z: Tensor, y: Tensor, mask: Tensor | None = None, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Return the mean loss over the anchors; 0 when no anchor has a positive.

        Parameters
        ----------
        z : Tensor of shape (..., n_views, n_samples, n_components)
            Embeddings; each view is a modality or an augmentation.
        y : Tensor of shape (..., n_samples) or (..., n_samples, n_columns)
            Metadata. A subject with NaN, or a negative integer, has only its own views as
            positives and is a negative for all others.
        mask : Tensor of shape (..., n_samples, n_views), optional
            True where the subject has the view; an absent embedding takes no part.
        sample_weight : Tensor of shape (..., n_samples), optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of shape (...)
            One number for each fit.
        """
        batch = make_batch(
            z, mask, sample_weight, self_pairs=self.self_pairs, normalize=self.on_sphere
        )
        return self._value(batch, metadata(y, z, batch.u)).view(z.shape[:-3])

    def _value(self, batch: Batch, y: Tensor) -> Tensor:
        """Return the value of each model from metadata (n_models, n_samples, n_columns)."""
        weights = self._weights(y).to(batch.u.dtype)
        return contrast(batch, self.scale(batch.u.dtype), weights, shifted=self.shifted)

    def _weights(self, y: Tensor) -> Tensor:
        """Return weights (n_models, n_samples, n_samples) of the pairs of subjects."""
        raise NotImplementedError


class KernelWeights(Loss):
    """Mixin of losses whose weights are a ``kernel`` of the metadata with a ``bandwidth``."""

    kernel: Kernel
    bandwidth: float | tuple[float, ...] | Tensor

    def __post_init__(self) -> None:
        self.kernel = check_kernel(self.kernel)

    def _weights(self, y: Tensor) -> Tensor:
        return affinity_weights(y, self.kernel, per_column(self.bandwidth, y))

    def _rows(self, y: Any) -> Tensor:
        names, n_columns = self.kernel_names(), as_rows(y).shape[1]
        if len(names) not in (1, n_columns):
            raise ValueError(f"{len(names)} kernels for {n_columns} columns of metadata.")
        return as_rows(y, [name in ("delta", "jaccard") for name in names])

    def is_of_classes(self) -> bool:
        """Return whether the kernel only says who is of one class."""
        return set(self.kernel_names()) == {"delta"}

    def kernel_names(self) -> tuple[Any, ...]:
        """Return one kernel for all columns or for each; or the function that it is."""
        return self.kernel if isinstance(self.kernel, tuple) else (self.kernel,)
