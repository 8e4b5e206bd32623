"""ModAn-MulSupCon: supervised contrast of sets of labels, weighted by the Jaccard index."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Any

from torch import Tensor

from skmmcl.kernels._sets import jaccard_weights
from skmmcl.losses._parts._batch import Batch, mean_over, safe_divide
from skmmcl.losses._parts._contrast import summed_contrast, total_weights
from skmmcl.losses._parts._guided import GuidedLoss
from skmmcl.losses._parts._stacking import loss_parameters, per_model, stacked, stacked_temperature
from skmmcl.losses._parts._target import log_mds, single_number

# Two labels of which one is shared have the index 1/3, which single precision rounds.
ROUNDING = 1e-6


@loss_parameters
class JaccardSupConLoss(GuidedLoss):
    """Multi-label supervised contrast of ModAn-MulSupCon.

    Metadata are sets of labels, zeros and ones. Positives are the subjects whose Jaccard index J
    with the anchor reaches the threshold; each counts by its index, and the sum is divided by
    their number: ``- mean_i 1 / |P(i)| sum_{p in P(i)} J_ip * log softmax_p(s_ip)``
    :cite:p:`takaya2025modan,zaigrajew2022contrastive`.

    Parameters
    ----------
    temperature : float or Tensor, default=0.1
        Temperature of the softmax. Small values focus on hard negatives.
    threshold : float or Tensor, default=0.3
        Smallest Jaccard index of a positive.
    weighted : bool, default=True
        Whether a positive counts by its index, else by 1.

    Notes
    -----
    The target is log-MDS of the Jaccard index or, without ``weighted``, of the matrix of
    positives. It is an approximation, which is better the less the threshold removes; indices
    below the threshold are kept, because the optimum is graded there too.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import JaccardSupConLoss
    >>> z = torch.eye(2).expand(2, 2, 2)  # two views of two subjects
    >>> labels = torch.tensor([[1, 0], [0, 1]])
    >>> round(JaccardSupConLoss(temperature=1.0)(z, labels).item(), 6)
    0.551445
    """

    temperature: float | Tensor = stacked_temperature(0.1)
    _: KW_ONLY
    threshold: float | Tensor = stacked(0.3, least=0)
    weighted: bool = True

    def _value(self, batch: Batch, y: Tensor) -> Tensor:
        index = jaccard_weights(y)
        positives = (index >= per_model(self.threshold, y) - ROUNDING).to(y.dtype)
        weights = index * positives if self.weighted else positives
        number = total_weights(batch, positives)
        loss, _ = summed_contrast(batch, self.scale(y.dtype), weights, shifted=self.shifted)
        return mean_over(batch.anchors * (number > 0), safe_divide(loss, number))

    def _optimum(self, rows: Tensor, sample_weight: Any) -> Tensor:
        threshold = single_number(self.threshold) - ROUNDING

        def log_weights(labels: Tensor, _: Tensor) -> Tensor:
            index = jaccard_weights(labels)
            return (index if self.weighted else (index >= threshold).double()).log()

        return log_mds(rows, log_weights, single_number(self.temperature), sample_weight)
