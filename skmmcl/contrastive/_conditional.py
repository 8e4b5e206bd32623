"""Alignment of subjects who are alike, uniformity of those who are not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.base._parameters import NOT_NEGATIVE, POSITIVE, Bandwidth, Kernel
from skmmcl.base._views import Views
from skmmcl.contrastive._guides import OF_METADATA, KernelGuide
from skmmcl.losses import ConditionalAlignmentLoss, ConditionalUniformityLoss
from skmmcl.training import Term


@embedder
class ConditionalUniformityEmbedder(BaseEmbedder):
    """Alignment of subjects who are alike, and uniformity of those who are not.

    One encoder per modality is trained on two terms: the embeddings of subjects of like
    metadata, whatever the modality, are drawn together, and only those of unlike metadata
    are spread over the sphere.

    Read more in the :ref:`User Guide <guided>`.

    Parameters
    ----------
    uniformity_weight : float, default=1.0
        Weight of uniformity beside alignment.
    t : float, default=2.0
        How far uniformity reaches: pairs weigh ``exp(-t * d**2)`` at distance d.

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
    kernel: Kernel = "gaussian"
    bandwidth: Bandwidth = "deviation"
    uniformity_weight: float = 1.0
    t: float = 2.0
    projection_dim: Any = None
    normalize: bool = False
    views: Views = "auto"
    n_views: int = 2
    augment: Any = "auto"

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "uniformity_weight": NOT_NEGATIVE,
        "t": POSITIVE,
    }

    def _make_guide(self, y: Any) -> KernelGuide:
        return KernelGuide(self, self.kernel)

    def _make_objective(self) -> list[Term]:
        kernel = self._guide.of_loss
        uniformity = ConditionalUniformityLoss(self.t, **kernel)
        return [
            Term("alignment", ConditionalAlignmentLoss(**kernel), on=OF_METADATA),
            Term("uniformity", uniformity, on=OF_METADATA, weight=self.uniformity_weight),
        ]
