"""Weighted InfoNCE by distances, of embeddings that are not put on the sphere."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Any

from torch import Tensor

from skmmcl.kernels._affinity import Kernel
from skmmcl.losses._parts._batch import Batch
from skmmcl.losses._parts._guided import GuidedLoss, KernelWeights
from skmmcl.losses._parts._info_nce import counted_info_nce
from skmmcl.losses._parts._pairs import for_views, pair_counts, squared_distances
from skmmcl.losses._parts._stacking import (
    loss_parameters,
    per_column,
    per_model,
    stacked,
    stacked_temperature,
)
from skmmcl.losses._parts._target import kernel_components, single_number

# Kernels with weights of zero, which demand an infinite distance.
UNBOUNDED = {"delta", "epanechnikov", "jaccard"}


@loss_parameters
class EuclideanInfoNCELoss(KernelWeights, GuidedLoss):
    """Weighted InfoNCE of the negative squared distance between embeddings.

    `YAwareLoss` with ``s_ij = -|z_i - z_j|^2 / (2 * temperature)`` :cite:p:`vock2026`. With a
    Gaussian kernel its minimum is an isometric copy of the metadata, whose distances are
    ``sqrt(temperature) / bandwidth`` times as large; a sphere can rarely represent such a copy,
    see `sphere_realizability`.

    Parameters
    ----------
    temperature : float or Tensor, default=0.1
        Half the squared distance is divided by it.
    kernel : str, sequence of str or callable, default="gaussian"
        As `skmmcl.kernels.affinity` takes it.
    bandwidth : float, sequence of float or Tensor, default=5.0
        Bandwidth of the kernel, for all columns or for each.
    self_pairs : bool, default=True
        Whether an anchor is a positive of itself. Without, the squared distances are
        determined up to a constant only.

    Notes
    -----
    The squared distances of the target are ``-2 * temperature * log W``. Of a Gaussian kernel
    it is the metadata themselves, times ``sqrt(temperature) / bandwidth``.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import EuclideanInfoNCELoss
    >>> age = torch.tensor([20.0, 30.0, 50.0])
    >>> z = age[None, :, None] / 5
    >>> loss = EuclideanInfoNCELoss(temperature=1.0)
    >>> copy, shrunk = loss(z, age), loss(z / 2, age)
    >>> bool(copy < shrunk)
    True
    """

    temperature: float | Tensor = stacked_temperature(0.1)
    _: KW_ONLY
    kernel: Kernel = "gaussian"
    bandwidth: float | tuple[float, ...] | Tensor = stacked(5.0, above=0)
    self_pairs: bool = True

    on_sphere = False

    def _value(self, batch: Batch, y: Tensor) -> Tensor:
        distances = squared_distances(batch.u.flatten(1, 2))
        s = distances * (-0.5 / per_model(self.temperature, batch.u))
        weights = for_views(self._weights(y).to(s.dtype), batch)
        return counted_info_nce(s, weights, pair_counts(batch), batch.anchors.flatten(1))

    @property
    def has_target(self) -> bool:
        """Whether the kernel is above zero everywhere, so that distances are finite."""
        return not UNBOUNDED & set(self.kernel_names())

    def _optimum(self, rows: Tensor, sample_weight: Any) -> Tensor:
        if not self.has_target:
            raise ValueError(
                f"With the kernel {self.kernel!r} some weights are zero, which ask for infinite "
                "distances: there is no optimum. Take a Gaussian, Cauchy or exponential kernel."
            )
        temperature = single_number(self.temperature)
        if set(self.kernel_names()) == {"gaussian"}:
            rows = rows * temperature**0.5 / per_column(self.bandwidth, rows[None])[0]
            return kernel_components(rows, lambda x, _: x @ x.mT, sample_weight)

        def kernel(x: Tensor, _: Tensor) -> Tensor:
            logs = self._weights(x[None])[0].log()
            if logs.isinf().any():
                raise ValueError(
                    "Some weights are zero, which ask for infinite distances. Widen the bandwidth."
                )
            return temperature * logs

        return kernel_components(rows, kernel, sample_weight)
