"""Epsilon-SupInfoNCE: supervised contrast with a margin between positives and negatives."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Literal

import torch
from torch import Tensor

from skmmcl.kernels._sets import delta_weights
from skmmcl.losses._parts._batch import Batch, make_batch, mean_over, metadata
from skmmcl.losses._parts._guided import GuidedLoss
from skmmcl.losses._parts._pairs import (
    for_views,
    log_add,
    log_sum,
    pair_counts,
    products,
    row_mean,
)
from skmmcl.losses._parts._stacking import loss_parameters, per_model, stacked, stacked_temperature


@loss_parameters
class EpsSupInfoNCELoss(GuidedLoss):
    """Supervised contrast with a margin: epsilon-SupInfoNCE and epsilon-SupCon.

    Positives are to be closer to the anchor than negatives, by at least epsilon: the mean over the
    positives p of ``- log(exp(s_ip) / (exp(s_ip - epsilon) + sum_n exp(s_in)))``, with the
    negatives n :cite:p:`barbano2023unbiased`. Metadata are class codes; an unlabeled subject is a
    class of its own.

    Parameters
    ----------
    temperature : float or Tensor, default=0.1
        Temperature of the softmax. Small values focus on hard negatives.
    epsilon : float or Tensor, default=0.1
        Margin between similarities over the temperature: a margin of ``temperature *
        epsilon`` between cosines.
    form : {"out", "in", "supcon"}, default="out"
        Whether the logarithms are averaged over the positives, each of which has the
        negatives and itself alone in its denominator; or positives are averaged inside the
        logarithm; or all other embeddings are in the denominator, positives too, which is
        epsilon-SupCon.
    no_positive : {"skip", "zero"}, default="skip"
        Whether an anchor that is alone in its class is left out of the mean or counts as
        zero.

    Notes
    -----
    The target is the regular simplex of `SupConLoss`: no form and no margin changes where
    classes are.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import EpsSupInfoNCELoss
    >>> z = torch.eye(2).expand(2, 2, 2)  # two views of two subjects
    >>> loss = EpsSupInfoNCELoss(temperature=1.0, epsilon=0.0)
    >>> round(loss(z, torch.tensor([0, 1])).item(), 6)
    0.551445
    """

    temperature: float | Tensor = stacked_temperature(0.1)
    _: KW_ONLY
    epsilon: float | Tensor = stacked(0.1, least=0)
    form: Literal["out", "in", "supcon"] = "out"
    no_positive: Literal["skip", "zero"] = "skip"

    def forward(
        self,
        z: Tensor,
        y: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
        widening: Tensor | None = None,
    ) -> Tensor:
        """Return the mean loss over the anchors; 0 when no anchor has a positive.

        ``widening`` (...) is learned and added to the margin, which is then 0 at least; the other
        arguments are those of `YAwareLoss`.
        """
        batch = make_batch(z, mask, sample_weight)
        value = self._value(batch, metadata(y, z, batch.u), widening)
        return value.view(z.shape[:-3])

    def _value(self, batch: Batch, y: Tensor, widening: Tensor | None = None) -> Tensor:
        s = products(batch) / per_model(self.temperature, y)
        counts = pair_counts(batch)
        same = for_views(delta_weights(y), batch)
        margin = per_model(self.epsilon, y)
        if widening is not None:
            margin = (margin + per_model(widening, y)).clamp_min(0)
        loss, number = self._terms(s, same, counts, margin)
        anchors = batch.anchors.flatten(1)
        mean = mean_over(anchors * (number > 0), torch.where(number > 0, loss, 0))
        if self.no_positive == "zero":
            mean = mean * mean_over(anchors, (number > 0).to(mean.dtype))
        return mean

    def _terms(
        self, s: Tensor, same: Tensor, counts: Tensor, epsilon: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the loss of each anchor, and how many positives it has."""
        positives = same * counts
        if self.form == "supcon":
            numerator, number = row_mean(s, positives)
            return log_sum(s - epsilon * same, counts) - numerator, number
        negatives = log_sum(s, (1 - same) * counts)
        if self.form == "out":
            return row_mean(log_add(s - epsilon, negatives[..., None]) - s, positives)
        number = positives.sum(-1)
        numerator = log_sum(s, positives)
        average = numerator - number.clamp_min(torch.finfo(s.dtype).tiny).log() - epsilon[..., 0]
        return log_add(average, negatives) - numerator, number
