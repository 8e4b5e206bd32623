"""Contrast by distances, of embeddings that are not put on the sphere."""

from __future__ import annotations

from torch import Tensor

from skmmcl.kernels._affinity import Kernel
from skmmcl.losses._guided import subjects
from skmmcl.losses._kernel import KernelLoss
from skmmcl.losses._pairs import cosines, of_views, pair_counts
from skmmcl.losses._parameters import per_lane
from skmmcl.losses._weighted_info_nce import info_nce


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
