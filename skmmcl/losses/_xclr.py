"""X-CLR: positives weighted by a softmax of the similarities of metadata."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Any

from torch import Tensor

from skmmcl.kernels._distance import cosine_weights
from skmmcl.kernels._metadata import isolate
from skmmcl.losses._parts._guided import GuidedLoss
from skmmcl.losses._parts._stacking import loss_parameters, per_model, stacked, stacked_temperature
from skmmcl.losses._parts._target import log_mds, single_number


@loss_parameters
class XCLRLoss(GuidedLoss):
    """X-CLR: contrast whose weights are a softmax of the cosines of metadata.

    `YAwareLoss` with ``W_ij = exp(cos(y_i, y_j) / target_temperature)`` :cite:p:`sobal2025xclr`.

    Parameters
    ----------
    temperature : float or Tensor, default=0.1
        Temperature of the softmax. Small values focus on hard negatives.
    target_temperature : float or Tensor, default=0.1
        Temperature of the softmax of the metadata. Below ``temperature``, a sphere may be
        unable to represent the optimum.
    self_pairs : bool, default=False
        Whether an anchor is a positive of itself.

    Notes
    -----
    The target is log-MDS of ``log W = cos(y_i, y_j) / target_temperature``. With equal
    temperatures these are the principal components of the metadata, each subject's of unit
    length.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import XCLRLoss
    >>> y = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> copy, mixed = (XCLRLoss(self_pairs=True)(z[None], y) for z in (y, y[[0, 2, 1]]))
    >>> bool(copy < mixed)
    True
    """

    temperature: float | Tensor = stacked_temperature(0.1)
    _: KW_ONLY
    target_temperature: float | Tensor = stacked(0.1, above=0)
    self_pairs: bool = False

    has_codes = False

    def _weights(self, y: Tensor) -> Tensor:
        # Less the largest, which falls out of the weights' shares.
        logits = (cosine_weights(y) - 1) / per_model(self.target_temperature, y)
        return isolate(logits.exp(), ~y.isnan().any(-1))

    def _optimum(self, rows: Tensor, sample_weight: Any) -> Tensor:
        divisor, temperature = map(single_number, (self.target_temperature, self.temperature))
        return log_mds(rows, lambda x, _: cosine_weights(x) / divisor, temperature, sample_weight)
