"""Soft SupCon: subjects of other classes are positives of a small weight."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY
from typing import Any

import torch
from torch import Tensor

from skmmcl.kernels._sets import delta_weights
from skmmcl.losses._parts._guided import GuidedLoss
from skmmcl.losses._parts._stacking import loss_parameters, per_model, stacked, stacked_temperature
from skmmcl.losses._parts._target import simplex, single_number


@loss_parameters
class SoftSupConLoss(GuidedLoss):
    """Soft SupCon: weight 1 for subjects of an anchor's class, epsilon for all others.

    `YAwareLoss` with ``W_ij = 1 if y_i = y_j else epsilon`` :cite:p:`vock2026`. Metadata are class
    codes; an unlabeled subject is a class of its own. The cosine between classes at the minimum is
    ``1 + temperature * log(epsilon)`` whatever their sizes, if that is not below ``-1 / (n_classes
    - 1)``.

    Parameters
    ----------
    temperature : float or Tensor, default=0.1
        Temperature of the softmax. Small values focus on hard negatives.
    epsilon : float or Tensor, default=0.1
        Weight of other classes.
    self_pairs : bool, default=True
        Whether an anchor is a positive of itself.

    Notes
    -----
    The target is a simplex of cosines ``1 + temperature * log(epsilon)`` between classes, and
    the regular simplex where these are smaller than a sphere allows.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import SoftSupConLoss
    >>> z = torch.eye(2)[None]  # one view of two subjects
    >>> round(SoftSupConLoss(temperature=1.0)(z, torch.tensor([0, 1])).item(), 6)
    0.404171
    """

    temperature: float | Tensor = stacked_temperature(0.1)
    _: KW_ONLY
    epsilon: float | Tensor = stacked(0.1, least=0)
    self_pairs: bool = True

    def _weights(self, y: Tensor) -> Tensor:
        return torch.where(delta_weights(y) > 0, 1, per_model(self.epsilon, y))

    @property
    def has_target(self) -> bool:
        """Whether other classes have a smaller weight than the own, and so are separated."""
        return bool((torch.as_tensor(self.epsilon) < 1).all())

    def _optimum(self, rows: Tensor, sample_weight: Any) -> Tensor:
        epsilon = single_number(self.epsilon)
        if not self.has_target:
            raise ValueError(
                f"With epsilon={epsilon} all classes have one place; set epsilon below 1."
            )
        asked = 1 + single_number(self.temperature) * math.log(epsilon) if epsilon > 0 else -1.0
        return simplex(rows, sample_weight, cosine=asked)
