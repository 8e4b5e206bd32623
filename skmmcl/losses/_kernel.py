"""Losses whose weights are a kernel of what is known of the subjects."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from skmmcl.kernels._affinity import Kernel, affinity_weights, check_kernel
from skmmcl.losses._guided import Subjects, metadata
from skmmcl.losses._lanes import TemperatureLoss
from skmmcl.losses._parameters import LaneParameter, per_column


class KernelLoss(TemperatureLoss):
    """A loss with a temperature and a kernel, each with values of its own in each lane."""

    lane_parameters: ClassVar[tuple[str, ...]] = ("temperature", "bandwidth")
    bandwidth = LaneParameter()

    def __init__(
        self,
        temperature: float | Tensor,
        kernel: Kernel,
        bandwidth: float | tuple[float, ...] | Tensor,
    ) -> None:
        super().__init__(temperature)
        self.kernel = check_kernel(kernel)
        self.bandwidth = bandwidth

    def weights(self, y: Tensor, z: Tensor, batch: Subjects) -> Tensor:
        """Weights (n_lanes, n_samples, n_samples) of the pairs of subjects."""
        columns = metadata(y, z, batch.u)
        bandwidth = per_column(self.bandwidth, batch.u)
        return affinity_weights(columns, self.kernel, bandwidth).to(batch.u.dtype)
