"""Supervised contrast of subjects with sets of labels, by how many they share."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from skmmcl.kernels._sets import jaccard_weights
from skmmcl.losses._guided import (
    attraction,
    mean_over,
    metadata,
    repulsion,
    scale_of_anchors,
    subjects,
    totals,
)
from skmmcl.losses._lanes import TemperatureLoss
from skmmcl.losses._parameters import LaneParameter, per_lane
from skmmcl.losses._similarity import over
from skmmcl.losses._target import as_rows, log_mds, the_one

# Two labels of which one is shared have the index 1/3, which single precision rounds.
ROUNDING = 1e-6


class JaccardSupConLoss(TemperatureLoss):
    """Multi-label supervised contrast of ModAn-MulSupCon.

    Positives are the subjects whose Jaccard index with the anchor reaches the threshold;
    each counts by its index, and the sum is divided by their number.

    Parameters
    ----------
    temperature : float or Tensor of shape ``(*lanes,)``, default=0.07
        Divides the cosine similarities.
    threshold : float or Tensor of shape ``(*lanes,)``, default=0.3
        Least Jaccard index of a positive.
    weighted : bool, default=True
        Whether a positive counts by its index, else by 1.

    References
    ----------
    .. [1] Takaya E., Inamori R. (2025). ModAn-MulSupCon. arXiv 2508.18613.
    .. [2] Zaigrajew V., Zieba M. (2022). Contrastive learning for multi-label
       classification. NeurIPS workshop.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import JaccardSupConLoss
    >>> z = torch.eye(2).expand(2, 2, 2)  # two views of two subjects
    >>> labels = torch.tensor([[1, 0], [0, 1]])
    >>> round(JaccardSupConLoss(temperature=1.0)(z, labels).item(), 6)
    0.551445
    """

    lane_parameters: ClassVar[tuple[str, ...]] = ("temperature", "threshold")
    threshold = LaneParameter()

    def __init__(
        self,
        temperature: float | Tensor = 0.07,
        *,
        threshold: float | Tensor = 0.3,
        weighted: bool = True,
    ) -> None:
        super().__init__(temperature)
        self.threshold = threshold
        self.weighted = weighted

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
        y : Tensor of shape ``(*lanes, n_samples, n_labels)``
            Zeros and ones. A subject with -1 or NaN attracts its own views alone and is a
            negative of all others.
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
        scale = self.scale(batch.u.dtype)
        index = jaccard_weights(metadata(y, z, batch.u))
        positives = index >= per_lane(self.threshold, batch.u) - ROUNDING
        positives = positives.to(batch.u.dtype)
        weights = index * positives if self.weighted else positives
        number = totals(batch, positives)
        against = repulsion(batch, scale, shifted=self.shifted) * totals(batch, weights)
        attracted = attraction(batch, weights) * scale_of_anchors(scale)
        loss = mean_over(batch.anchors * (number > 0), over(against - attracted, number))
        return loss.view(z.shape[:-3])

    def target(self, y: Any, *, sample_weight: Any = None) -> Tensor:
        """Return the geometry at the optimum, one row for each subject.

        Log-MDS of the Jaccard index; without ``weighted``, of who is a positive of whom. It is an
        approximation, and the nearer the less the threshold cuts off: the index below it is kept,
        as the optimum has grades there too.

        Parameters
        ----------
        y : array-like of shape (n_samples, n_labels)
            Zeros and ones; -1 or NaN where unknown.
        sample_weight : array-like of shape (n_samples,), optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of float64 ``(n_samples, n_columns)``
            On the CPU; NaN for the unknown.
        """
        least = the_one(self.threshold) - ROUNDING

        def log_weights(rows: Tensor, _count: Tensor) -> Tensor:
            index = jaccard_weights(rows)
            return (index if self.weighted else (index >= least).double()).log()

        temperature = the_one(self.temperature)
        return log_mds(as_rows(y, codes=True), log_weights, temperature, sample_weight)
