"""Losses whose weights are a kernel of what is known of the subjects."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from skmmcl.kernels._affinity import Kernel, affinity_weights, check_kernel
from skmmcl.losses._guided import Subjects, metadata
from skmmcl.losses._lanes import TemperatureLoss
from skmmcl.losses._parameters import LaneParameter, per_column
from skmmcl.losses._target import as_rows


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

    def alike(self, columns: Tensor) -> Tensor:
        """The kernel (n_lanes, n_samples, n_samples) of columns (n_lanes, n_samples, n_columns)."""
        return affinity_weights(columns, self.kernel, per_column(self.bandwidth, columns))

    def weights(self, y: Tensor, z: Tensor, batch: Subjects) -> Tensor:
        """Weights (n_lanes, n_samples, n_samples) of the pairs of subjects."""
        return self.alike(metadata(y, z, batch.u)).to(batch.u.dtype)

    def target_rows(self, y: Any) -> Tensor:
        """Metadata of all subjects as a target takes it."""
        names, n_columns = self.kernel_names(), as_rows(y).shape[1]
        if len(names) not in (1, n_columns):
            raise ValueError(f"{len(names)} kernels for {n_columns} columns of metadata.")
        return as_rows(y, [name in ("delta", "jaccard") for name in names])

    def kernel_of(self, rows: Tensor, _count: Tensor) -> Tensor:
        """The kernel (n_samples, n_samples) of rows (n_samples, n_columns)."""
        return self.alike(rows[None])[0]

    def is_of_classes(self) -> bool:
        """Whether the kernel only says who is of one class."""
        return set(self.kernel_names()) == {"delta"}

    def kernel_names(self) -> tuple[Any, ...]:
        """One for all columns or for each; or the function that it is."""
        return self.kernel if isinstance(self.kernel, tuple) else (self.kernel,)
