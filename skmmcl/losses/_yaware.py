"""Contrast that attracts subjects the more, the more alike is what is known of them."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from skmmcl.kernels._affinity import Kernel
from skmmcl.losses._contrast import contrast
from skmmcl.losses._guided import subjects
from skmmcl.losses._kernel import KernelLoss
from skmmcl.losses._target import log_mds, simplex, the_one


class YAwareLoss(KernelLoss):
    """Contrast of y-Aware InfoNCE: positives weighted by a kernel of the subjects' metadata.

    The cross-entropy between each anchor's kernel weights, over their sum, and the softmax
    of its similarities to all embeddings of the batch. With the delta kernel it is
    supervised contrast (SupCon) over all views, with a narrow bandwidth NT-Xent.

    Parameters
    ----------
    temperature : float or Tensor of shape ``(*lanes,)``, default=0.1
        Divides the cosine similarities.
    kernel : str, sequence of str or callable, default="gaussian"
        As `skmmcl.kernels.affinity` takes it.
    bandwidth : float, sequence of float or Tensor, default=5.0
        Of the kernel, for all columns or for each; a tensor is of shape ``(*lanes,)`` or
        ``(*lanes, n_columns)``.
    self_pairs : bool, default=False
        Whether an anchor is a positive of itself, as in the theory of [2]_.

    References
    ----------
    .. [1] Dufumier B. et al. (2021). Contrastive learning with continuous proxy meta-data
       for 3D MRI classification. MICCAI.
    .. [2] Vock, Duchesnay E., Dufumier B. (2026). arXiv 2605.13943.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import YAwareLoss
    >>> z = torch.eye(2).expand(2, 2, 2)  # two views of two subjects
    >>> age = torch.tensor([20.0, 80.0])
    >>> round(YAwareLoss(temperature=1.0)(z, age).item(), 6)
    0.551445
    """

    def __init__(
        self,
        temperature: float | Tensor = 0.1,
        *,
        kernel: Kernel = "gaussian",
        bandwidth: float | tuple[float, ...] | Tensor = 5.0,
        self_pairs: bool = False,
    ) -> None:
        super().__init__(temperature, kernel, bandwidth)
        self.self_pairs = self_pairs

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
            Metadata. A subject with NaN, or -1 among integers, is alike to itself alone:
            it attracts its own views and is a negative of all others.
        mask : Tensor of shape ``(*lanes, n_samples, n_views)``, optional
            True where the subject has the view; an absent embedding takes no part.
        sample_weight : Tensor of shape ``(*lanes, n_samples)``, optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of shape ``(*lanes,)``
            A scalar without lanes; 0 when no anchor has a positive.
        """
        batch = subjects(z, mask, sample_weight, self_pairs=self.self_pairs)
        scale = self.scale(batch.u.dtype)
        loss = contrast(batch, scale, self.weights(y, z, batch), shifted=self.shifted)
        return loss.view(z.shape[:-3])

    def target(self, y: Any, *, sample_weight: Any = None) -> Tensor:
        """Return the geometry at the optimum, one row for each subject.

        Log-MDS of the kernel, which is a classical scaling of the metadata where the kernel is
        Gaussian: ``G = max(1 + temperature * log W, -1)``, ``H G H = T T'``. With the delta kernel
        the regular simplex of `SupConLoss`.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_columns)
            Metadata; NaN, or -1 among integers, where unknown.
        sample_weight : array-like of shape (n_samples,), optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor of float64 ``(n_samples, n_columns)``
            On the CPU; NaN for the unknown.
        """
        rows = self.target_rows(y)
        if self.is_of_classes():
            return simplex(rows, sample_weight)
        temperature = the_one(self.temperature)
        return log_mds(rows, lambda *x: self.kernel_of(*x).log(), temperature, sample_weight)
