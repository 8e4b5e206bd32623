"""Alignment of subjects who are alike, uniformity of those who are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

import torch

from skmmcl.base import embedder
from skmmcl.contrastive._guided import (
    BANDWIDTH,
    COLUMNS,
    KERNEL,
    NOT_NEGATIVE,
    OF_METADATA,
    POSITIVE,
)
from skmmcl.contrastive._metadata import BaseKernelEmbedder
from skmmcl.losses import ConditionalAlignmentLoss, ConditionalUniformityLoss
from skmmcl.training import Term


@embedder
class ConditionalUniformityEmbedder(BaseKernelEmbedder):
    """Alignment of subjects who are alike, and uniformity of those who are not.

    One encoder per modality is trained on two terms: the embeddings of subjects of like
    metadata, whatever the modality, are drawn together, and only those of unlike metadata
    are spread over the sphere.

    Read more in the :ref:`User Guide <guided>`.

    Parameters
    ----------
    metadata : str, list of str or None, default=None
        Columns of the side data of X, ``X.meta``, that guide the contrast; ``y`` is then
        not needed. None takes ``y``.
    kernel : str, list of str or callable, default="gaussian"
        How alike subjects are by their metadata: "cauchy", "epanechnikov",
        "exponential" or "gaussian" for numbers, "delta" for classes, "jaccard" for sets
        of labels; a list with one for each column, whose product is taken; or a function
        of a tensor (..., n_samples, n_columns) that gives weights (..., n_samples,
        n_samples).
    bandwidth : {"scott", "silverman", "median"}, float or list of float, default="scott"
        Distance at which numbers begin to differ, in their units, for all columns or for
        each; or the rule by which `skmmcl.kernels.estimate_bandwidth` finds it for the
        training subjects. Classes and sets of labels have none.
    uniformity_weight : float, default=1.0
        Weight of uniformity beside alignment.
    t : float, default=2.0
        How far uniformity reaches: pairs weigh ``exp(-t * d**2)`` at distance d.
    projection_dim : int, default=None
        Width of a two-layer projection head between representation and losses; None for
        no head.

    Attributes
    ----------
    bandwidth_ : ndarray of shape (n_columns,)
        Bandwidth of each column of the metadata; 1 where the kernel has none.
    metadata_names_ : list of str
        Names of the columns of the metadata.

    See Also
    --------
    YAwareEmbedder : Repels all subjects, alike or not.
    DecoupledUniformityEmbedder : Spreads the means of subjects.

    Notes
    -----
    A subject of whom something is unknown, NaN or None, attracts its own modalities alone.
    The formulas are those of alignment and uniformity with the kernel as their weight; the
    authors have published no code.

    References
    ----------
    .. [1] Dufumier B. et al. (2021). Conditional alignment and uniformity for contrastive
       learning with continuous proxy labels. arXiv 2111.05643.

    Examples
    --------
    >>> from skmmcl.contrastive import ConditionalUniformityEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, _, _ = make_cohort(n_subjects=60, random_state=0)
    >>> embedder = ConditionalUniformityEmbedder(metadata="age", max_epochs=5, random_state=0)
    >>> embedder.fit_transform(X).shape
    (60, 80)
    """

    metadata: str | Sequence[str] | None = None
    kernel: str | Sequence[str] | Callable[..., torch.Tensor] = "gaussian"
    bandwidth: Literal["scott", "silverman", "median"] | float | Sequence[float] = "scott"
    uniformity_weight: float = 1.0
    t: float = 2.0
    projection_dim: int | None = None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseKernelEmbedder._parameter_constraints,  # noqa: SLF001
        "metadata": COLUMNS,
        "kernel": KERNEL,
        "bandwidth": BANDWIDTH,
        "uniformity_weight": NOT_NEGATIVE,
        "t": POSITIVE,
    }

    def _make_objective(self) -> list[Term]:
        kernel = self._of_kernel()
        uniformity = ConditionalUniformityLoss(self.t, **kernel)
        return [
            Term("alignment", ConditionalAlignmentLoss(**kernel), on=OF_METADATA),
            Term("uniformity", uniformity, on=OF_METADATA, weight=self.uniformity_weight),
        ]
