"""Supervised contrast across subjects."""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor

from skmmcl.losses._class_sums import class_sums
from skmmcl.losses._gram import log_sums
from skmmcl.losses._lanes import TemperatureLoss
from skmmcl.losses._similarity import (
    over,
    pad_subjects,
    share_of_own,
    subject_counts,
    unit_vectors,
    weighted_sum,
)
from skmmcl.losses._target import as_rows, simplex


class SupConLoss(TemperatureLoss):
    """Supervised contrast: subjects of one class attract, all others repel.

    On the concatenated embeddings of all modalities this is the CSS term of CMC+CSS.

    Parameters
    ----------
    temperature : float or Tensor of shape ``(*lanes,)``, default=0.7
        Divides the cosine similarities.
    no_positive : {"skip", "zero"}, default="skip"
        Whether an anchor that is alone in its class is left out of the mean or counts
        as zero.

    References
    ----------
    .. [1] Khosla P. et al. (2020). Supervised contrastive learning. NeurIPS 33.
    .. [2] Li Z. et al. (2024). Joint self-supervised and supervised contrastive learning
       for multimodal MRI data. Artificial Intelligence in Medicine 157:102993.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import SupConLoss
    >>> f = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> round(SupConLoss(temperature=1.0)(f, torch.tensor([0, 0, 1, 1])).item(), 6)
    0.551445
    """

    def __init__(
        self, temperature: float | Tensor = 0.7, *, no_positive: Literal["skip", "zero"] = "skip"
    ) -> None:
        super().__init__(temperature)
        self.no_positive = no_positive

    def forward(self, f: Tensor, y: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Mean loss over the anchors.

        Parameters
        ----------
        f : Tensor of shape ``(*lanes, n_samples, n_components)``
            One embedding per subject.
        y : Tensor of shape ``(*lanes, n_samples)``
            Class codes; a subject with -1 takes no part.
        sample_weight : Tensor of shape ``(*lanes, n_samples)``, optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of shape ``(*lanes,)``
            A scalar without lanes; 0 when no anchor has a positive.
        """
        u = unit_vectors(f[..., None, :, :])
        y = pad_subjects(y.reshape(len(u), -1), -1, value=-1)
        counts = subject_counts(u, f.shape[-2], sample_weight)
        anchors, own = counts * (y >= 0), share_of_own(counts)
        scale = self.scale(u.dtype)
        columns, own_columns = anchors[:, None, None], own[:, None, None]
        repulsion = log_sums(u, scale, columns, own_columns, shifted=self.shifted)
        u = u[:, 0]
        pulled, count = class_sums(u, y, anchors, own)
        attraction = over((u * pulled).sum(-1), count)[:, None, None] * scale
        has_positive = anchors * (count > 0)
        counted = has_positive if self.no_positive == "skip" else anchors
        share = over(has_positive, counted.sum(-1, keepdim=True))
        return weighted_sum(repulsion - attraction, share).view(f.shape[:-2])

    def target(self, y: Any, *, sample_weight: Any = None) -> Tensor:
        """Return the geometry at the optimum, one row for each subject.

        Each class collapses onto a vertex of the regular simplex, of cosines
        ``-1 / (n_classes - 1)``, in n_classes - 1 columns: exact for classes of like size, and the
        limit of small temperatures for others.

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
