"""MulSupCon: supervised contrast of sets of labels, label by label."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Any

import torch
from torch import Tensor

from skmmcl.losses._parts._batch import Batch, mean_over, safe_divide
from skmmcl.losses._parts._contrast import summed_contrast
from skmmcl.losses._parts._guided import GuidedLoss
from skmmcl.losses._parts._stacking import loss_parameters, stacked_temperature
from skmmcl.losses._parts._target import log_mds, min_count, single_number


@loss_parameters
class MulSupConLoss(GuidedLoss):
    """MulSupCon: supervised contrast with one anchor for each label that a subject has.

    Metadata are sets of labels, zeros and ones. The term of anchor i and label c is ``- 1 / |P_ic|
    sum_{p in P_ic} log softmax_p(s_ip)``, of the positives that have c
    :cite:p:`zhang2024multilabel`.

    Parameters
    ----------
    temperature : float or Tensor, default=0.1
        Temperature of the softmax. Small values focus on hard negatives.
    per_sample : bool, default=False
        Whether a subject counts once in the mean, else once for each of its labels.

    Notes
    -----
    The target is log-MDS of the labels that two subjects share, each over the number of
    subjects that have it. It is an approximation, as an anchor with more labels counts more.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import MulSupConLoss
    >>> z = torch.eye(2).expand(2, 2, 2)  # two views of two subjects
    >>> labels = torch.tensor([[1, 0], [0, 1]])
    >>> round(MulSupConLoss(temperature=1.0)(z, labels).item(), 6)
    0.551445
    """

    temperature: float | Tensor = stacked_temperature(0.1)
    _: KW_ONLY
    per_sample: bool = False

    def _value(self, batch: Batch, y: Tensor) -> Tensor:
        known = (y >= 0).all(-1)
        labels = y.masked_fill(~known[..., None], 0)
        weights = _label_weights(labels, known, batch)
        # The total is the number of the anchor's labels with a positive.
        loss, total = summed_contrast(batch, self.scale(y.dtype), weights, shifted=self.shifted)
        anchors = batch.anchors * (total > 0)
        if self.per_sample:
            n_labels = labels.sum(-1) + (~known).to(labels.dtype)
            return mean_over(anchors, safe_divide(loss, n_labels[:, None]))
        return mean_over(anchors * total, safe_divide(loss, total))

    def _optimum(self, rows: Tensor, sample_weight: Any) -> Tensor:
        def log_weights(labels: Tensor, count: Tensor) -> Tensor:
            number = (count @ labels).clamp_min(min_count(count))
            return (labels / number @ labels.mT).log()

        return log_mds(rows, log_weights, single_number(self.temperature), sample_weight)


def _label_weights(labels: Tensor, known: Tensor, batch: Batch) -> Tensor:
    """Return the sum over the labels that two subjects share of one over the anchor's positives."""
    views = batch.anchors.sum(1)
    # An anchor meets all views of its label's subjects but itself.
    itself = batch.anchors.amax(1) * (1 - batch.self_weight)
    positives = (labels * views[..., None]).sum(1, keepdim=True) - labels * itself[..., None]
    share = safe_divide(labels, positives) * (positives > 0)
    # An unlabeled subject has a label of its own.
    own_views = views - itself
    alone = safe_divide(~known * torch.ones_like(views), own_views) * (own_views > 0)
    return torch.bmm(share, labels.mT) + torch.diag_embed(alone)
