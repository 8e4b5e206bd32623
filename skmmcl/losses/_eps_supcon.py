"""Supervised contrast that asks for a margin between positives and negatives."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from skmmcl.kernels._sets import delta_weights
from skmmcl.losses._guided import mean_over, metadata, subjects
from skmmcl.losses._lanes import TemperatureLoss
from skmmcl.losses._pairs import cosines, log_add, log_sum, of_views, pair_counts, row_mean
from skmmcl.losses._parameters import LaneParameter, per_lane
from skmmcl.losses._target import as_rows, simplex

FORMS = ("out", "in", "supcon")


class EpsSupInfoNCELoss(TemperatureLoss):
    """Supervised contrast with a margin: epsilon-SupInfoNCE and epsilon-SupCon.

    Positives are to be nearer to the anchor than negatives, by epsilon at least.

    Parameters
    ----------
    temperature : float or Tensor of shape ``(*lanes,)``, default=0.1
        Divides the cosine similarities.
    epsilon : float or Tensor of shape ``(*lanes,)``, default=0.1
        Margin between similarities over the temperature: a margin of ``temperature *
        epsilon`` between cosines.
    form : {"out", "in", "supcon"}, default="out"
        Whether the logarithms are averaged over the positives, each held against the
        negatives and itself alone; or positives are averaged inside the logarithm; or each
        is held against all other embeddings, positives too, which is epsilon-SupCon.
    no_positive : {"skip", "zero"}, default="skip"
        Whether an anchor that is alone in its class is left out of the mean or counts as
        zero.

    References
    ----------
    .. [1] Barbano C. A. et al. (2023). Unbiased supervised contrastive learning. ICLR.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import EpsSupInfoNCELoss
    >>> z = torch.eye(2).expand(2, 2, 2)  # two views of two subjects
    >>> loss = EpsSupInfoNCELoss(temperature=1.0, epsilon=0.0)
    >>> round(loss(z, torch.tensor([0, 1])).item(), 6)
    0.551445
    """

    lane_parameters: ClassVar[tuple[str, ...]] = ("temperature", "epsilon")
    epsilon = LaneParameter()

    def __init__(
        self,
        temperature: float | Tensor = 0.1,
        *,
        epsilon: float | Tensor = 0.1,
        form: Literal["out", "in", "supcon"] = "out",
        no_positive: Literal["skip", "zero"] = "skip",
    ) -> None:
        super().__init__(temperature)
        if form not in FORMS:
            raise ValueError(f"form must be one of {FORMS}, got {form!r}.")
        self.epsilon = epsilon
        self.form = form
        self.no_positive = no_positive

    def forward(
        self,
        z: Tensor,
        y: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Mean loss over the anchors.

        Parameters
        ----------
        z : Tensor of shape ``(*lanes, n_views, n_samples, n_components)``
            Embeddings; each view is a modality or an augmentation.
        y : Tensor of shape ``(*lanes, n_samples)`` or ``(*lanes, n_samples, n_columns)``
            Class codes. A subject with -1 or NaN is a class of its own.
        mask : Tensor of shape ``(*lanes, n_samples, n_views)``, optional
            True where the subject has the view; an absent embedding takes no part.
        sample_weight : Tensor of shape ``(*lanes, n_samples)``, optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of shape ``(*lanes,)``
            A scalar without lanes; 0 when no anchor has a positive.
        """
        batch = subjects(z, mask, sample_weight)
        s = cosines(batch) / per_lane(self.temperature, batch.u)
        counts = pair_counts(batch)
        same = of_views(delta_weights(metadata(y, z, batch.u)), batch)
        positives, epsilon = same * counts, per_lane(self.epsilon, batch.u)
        if self.form == "supcon":
            against = log_sum(s - epsilon * same, counts)
            attracted, number = row_mean(s, positives)
            loss = against - attracted
        else:
            negatives = log_sum(s, (1 - same) * counts)
            contrast = _out if self.form == "out" else _in
            loss, number = contrast(s, positives, negatives, epsilon)
        anchors = batch.anchors.flatten(1)
        has_positive = anchors * (number > 0)
        mean = mean_over(has_positive, torch.where(number > 0, loss, 0))
        if self.no_positive == "zero":
            mean = mean * mean_over(anchors, (number > 0).to(mean.dtype))
        return mean.view(z.shape[:-3])

    def target(self, y: Any, *, sample_weight: Any = None) -> Tensor:
        """Return the geometry at the optimum, one row for each subject.

        The regular simplex of `SupConLoss`: no form and no margin changes where classes are.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_columns)
            Class codes; -1 or NaN where unknown.
        sample_weight : array-like of shape (n_samples,), optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of float64 ``(n_samples, n_columns)``
            On the CPU; NaN for the unknown.
        """
        return simplex(as_rows(y, codes=True), sample_weight)


def _out(s: Tensor, positives: Tensor, negatives: Tensor, epsilon: Tensor) -> tuple[Tensor, Tensor]:
    return row_mean(log_add(s - epsilon, negatives[..., None]) - s, positives)


def _in(s: Tensor, positives: Tensor, negatives: Tensor, epsilon: Tensor) -> tuple[Tensor, Tensor]:
    number = positives.sum(-1)
    attracted = log_sum(s, positives)
    average = attracted - number.clamp_min(torch.finfo(s.dtype).tiny).log() - epsilon[..., 0]
    return log_add(average, negatives) - attracted, number
