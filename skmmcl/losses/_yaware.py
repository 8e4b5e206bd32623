"""y-Aware InfoNCE: positives weighted by a kernel of the metadata."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Any

from torch import Tensor

from skmmcl.kernels._affinity import Kernel
from skmmcl.losses._parts._guided import GuidedLoss, KernelWeights
from skmmcl.losses._parts._stacking import loss_parameters, stacked, stacked_temperature
from skmmcl.losses._parts._target import log_mds, simplex, single_number


@loss_parameters
class YAwareLoss(KernelWeights, GuidedLoss):
    """InfoNCE with positives weighted by a kernel of the subjects' metadata (y-Aware).

    The cross-entropy between each anchor's kernel weights, over their sum, and the softmax of its
    similarities to all embeddings of the batch: ``- mean_i sum_j W_ij / sum_k W_ik * log
    softmax_j(s_ij)`` (:cite:p:`dufumier2021yaware`, form "all rows"). With the delta kernel it is
    supervised contrast (SupCon) over all views, with a narrow bandwidth NT-Xent.

    Parameters
    ----------
    temperature : float or Tensor, default=0.1
        Temperature of the softmax. Small values focus on hard negatives.
    kernel : str, sequence of str or callable, default="gaussian"
        As `skmmcl.kernels.affinity` takes it.
    bandwidth : float, sequence of float or Tensor, default=5.0
        Bandwidth of the kernel, for all columns or for each.
    self_pairs : bool, default=False
        Whether an anchor is a positive of itself, as in the theory of :cite:t:`vock2026`.

    Notes
    -----
    The target is log-MDS of the kernel, which is a classical scaling of the metadata where the
    kernel is Gaussian: ``G = max(1 + temperature * log W, -1)``, ``H G H = T T'``. With the
    delta kernel it is the regular simplex of `SupConLoss`.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import YAwareLoss
    >>> z = torch.eye(2).expand(2, 2, 2)  # two views of two subjects
    >>> round(YAwareLoss(temperature=1.0)(z, torch.tensor([20.0, 80.0])).item(), 6)
    0.551445
    """

    temperature: float | Tensor = stacked_temperature(0.1)
    _: KW_ONLY
    kernel: Kernel = "gaussian"
    bandwidth: float | tuple[float, ...] | Tensor = stacked(5.0, above=0)
    self_pairs: bool = False

    def _optimum(self, rows: Tensor, sample_weight: Any) -> Tensor:
        if self.is_of_classes():
            return simplex(rows, sample_weight)

        def log_weights(x: Tensor, _: Tensor) -> Tensor:
            return self._weights(x[None])[0].log()

        return log_mds(rows, log_weights, single_number(self.temperature), sample_weight)
