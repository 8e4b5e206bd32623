"""SupCon: supervised contrast across subjects."""

from __future__ import annotations

from dataclasses import KW_ONLY
from functools import partial
from typing import Literal

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from skmmcl.losses._parts import _gram
from skmmcl.losses._parts._batch import make_batch, pad_subjects, safe_divide, weighted_sum
from skmmcl.losses._parts._guided import TargetLoss
from skmmcl.losses._parts._stacking import loss_parameters, stacked_temperature


@loss_parameters
class SupConLoss(TargetLoss):
    """Supervised contrast: subjects of one class attract, all others repel.

    ``mean_i [log sum_{a != i} exp(s_ia) - 1 / |P(i)| sum_{p in P(i)} s_ip]``, the form of
    :cite:t:`khosla2020supervised` whose sum over positives stands outside the logarithm. On the
    concatenated embeddings of all modalities this is the CSS term of CMC+CSS
    :cite:p:`li2024joint`.

    Parameters
    ----------
    temperature : float or Tensor, default=0.1
        Temperature of the softmax. Small values focus on hard negatives.
    no_positive : {"skip", "zero"}, default="skip"
        Whether an anchor that is alone in its class is left out of the mean or counts
        as zero.

    Notes
    -----
    The target is the regular simplex: each class collapses onto a vertex, with cosines
    ``-1 / (n_classes - 1)``, in n_classes - 1 columns. It is exact for classes of one size, and
    the limit of small temperatures for others.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import SupConLoss
    >>> f = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> round(SupConLoss(temperature=1.0)(f, torch.tensor([0, 0, 1, 1])).item(), 6)
    0.551445
    """

    temperature: float | Tensor = stacked_temperature(0.1)
    _: KW_ONLY
    no_positive: Literal["skip", "zero"] = "skip"

    def forward(self, f: Tensor, y: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Return the mean loss over the anchors; 0 when no anchor has a positive.

        ``f`` has shape (..., n_samples, n_components), one embedding per subject; a subject
        whose class code ``y`` is -1 takes no part.
        """
        u, counts, self_weight = make_batch(f[..., None, :, :], None, sample_weight)
        y = pad_subjects(y.reshape(len(u), f.shape[-2]), -1, value=-1)
        anchors = counts[:, 0] * (y >= 0)
        scale = self.scale(u.dtype)
        columns = anchors[:, None, None], self_weight[:, None, None]
        denominator = _gram.log_sums(u, scale, *columns, shifted=self.shifted)
        positives, count = _class_sums(u[:, 0], y, anchors, self_weight)
        numerator = safe_divide((u[:, 0] * positives).sum(-1), count)[:, None, None] * scale
        has_positive = anchors * (count > 0)
        counted = has_positive if self.no_positive == "skip" else anchors
        share = safe_divide(has_positive, counted.sum(-1, keepdim=True))
        return weighted_sum(denominator - numerator, share).view(f.shape[:-2])


def _class_sums(u: Tensor, y: Tensor, weight: Tensor, self_weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sums of ``u`` over the other subjects of each subject's class, and their weight.

    Large matrices are computed by model and pieces of rows, and again for the gradient.
    """
    plan = _gram.pieces(u[:, None].shape, u.element_size())
    if plan[0].views == _gram.EVERY:
        return _sums_of_rows(u, y, weight, self_weight, _gram.EVERY)
    found, count = torch.empty_like(u), torch.empty_like(weight)
    for models, _, rows in plan:
        given = y[models], weight[models], self_weight[models], rows
        with saved_tensors_hooks(lambda _: None, partial(_positives, *given)):
            found[models, rows], count[models, rows] = _sums_of_rows(u[models], *given)
    return found, count


def _sums_of_rows(
    u: Tensor, y: Tensor, weight: Tensor, self_weight: Tensor, rows: slice
) -> tuple[Tensor, Tensor]:
    positives = _positives(y, weight, self_weight, rows)
    return torch.bmm(positives, u), positives.sum(-1)


def _positives(
    y: Tensor, weight: Tensor, self_weight: Tensor, rows: slice, _: None = None
) -> Tensor:
    """Return the weights (models, rows, samples) of the other subjects of a row's class."""
    positives = (y[:, rows, None] == y[:, None]) * weight[:, None]
    positives[..., rows].diagonal(dim1=1, dim2=2).mul_(self_weight[:, rows])
    return positives
