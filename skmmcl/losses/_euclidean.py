"""Contrast by distances, of embeddings that are not put on the sphere."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from skmmcl.kernels._affinity import Kernel
from skmmcl.losses._guided import subjects
from skmmcl.losses._kernel import KernelLoss
from skmmcl.losses._pairs import cosines, of_views, pair_counts
from skmmcl.losses._parameters import per_column, per_lane
from skmmcl.losses._target import kernel_components, the_one
from skmmcl.losses._weighted_info_nce import info_nce

# Weights of zero ask for an infinite distance.
UNBOUNDED = {"delta", "epanechnikov", "jaccard"}


class EuclideanInfoNCELoss(KernelLoss):
    """Weighted InfoNCE of the negative squared distance between embeddings.

    With a Gaussian kernel its minimum is an isometric copy of the metadata, whose distances
    are ``sqrt(temperature) / bandwidth`` times as large; the sphere has room for such a copy
    only seldom, see `sphere_realizability`.

    Parameters
    ----------
    temperature : float or Tensor of shape ``(*lanes,)``, default=1.0
        Half the squared distance is divided by it.
    kernel : str, sequence of str or callable, default="gaussian"
        As `skmmcl.kernels.affinity` takes it.
    bandwidth : float, sequence of float or Tensor, default=5.0
        Of the kernel, for all columns or for each; a tensor is of shape ``(*lanes,)`` or
        ``(*lanes, n_columns)``.
    self_pairs : bool, default=True
        Whether an anchor is a positive of itself. Without, the squared distances are
        determined up to a constant only.

    References
    ----------
    .. [1] Vock, Duchesnay E., Dufumier B. (2026). arXiv 2605.13943.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import EuclideanInfoNCELoss
    >>> age = torch.tensor([20.0, 30.0, 50.0])
    >>> z = age[None, :, None] / 5
    >>> copy, shrunk = EuclideanInfoNCELoss()(z, age), EuclideanInfoNCELoss()(z / 2, age)
    >>> bool(copy < shrunk)
    True
    """

    def __init__(
        self,
        temperature: float | Tensor = 1.0,
        *,
        kernel: Kernel = "gaussian",
        bandwidth: float | tuple[float, ...] | Tensor = 5.0,
        self_pairs: bool = True,
    ) -> None:
        super().__init__(temperature, kernel, bandwidth)
        self.self_pairs = self_pairs

    def forward(
        self,
        z: Tensor,
        y: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Mean loss over the anchors, of the arguments that `YAwareLoss` takes."""
        batch = subjects(z, mask, sample_weight, self_pairs=self.self_pairs, normalize=False)
        products = cosines(batch)
        squares = batch.u.square().sum(-1).flatten(1)
        distances = squares[:, :, None] + squares[:, None] - 2 * products
        s = distances * (-0.5 / per_lane(self.temperature, batch.u))
        weights = of_views(self.weights(y, z, batch), batch)
        loss = info_nce(s, weights, pair_counts(batch), batch.anchors.flatten(1))
        return loss.view(z.shape[:-3])

    @property
    def has_target(self) -> bool:
        """Whether the kernel is above zero everywhere, so that distances are finite."""
        return not UNBOUNDED & set(self.kernel_names())

    def target(self, y: Any, *, sample_weight: Any = None) -> Tensor:
        """Return the geometry at the optimum, one row for each subject.

        Squared distances are ``-2 * temperature * log W``. Of a Gaussian kernel that is the
        metadata themselves, times ``sqrt(temperature) / bandwidth``.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_columns)
            Metadata; NaN, or -1 among integers, where unknown.
        sample_weight : array-like of shape (n_samples,), optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of float64 ``(n_samples, n_columns)``
            On the CPU; NaN for the unknown.
        """
        if not self.has_target:
            raise ValueError(
                f"With the kernel {self.kernel!r} some weights are zero, which ask for infinite "
                "distances: there is no optimum. Take a Gaussian, Cauchy or exponential kernel."
            )
        rows, temperature = self.target_rows(y), the_one(self.temperature)
        if set(self.kernel_names()) == {"gaussian"}:
            rows = rows * temperature**0.5 / per_column(self.bandwidth, rows[None])[0]
            return kernel_components(rows, lambda x, _: x @ x.mT, sample_weight)

        def products(x: Tensor, count: Tensor) -> Tensor:
            logs = self.kernel_of(x, count).log()
            if logs.isinf().any():
                raise ValueError(
                    "Some weights are zero, which ask for infinite distances. Widen the bandwidth."
                )
            return temperature * logs

        return kernel_components(rows, products, sample_weight)
