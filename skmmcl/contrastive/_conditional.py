"""Conditional alignment and uniformity: similar subjects align, dissimilar ones spread."""

from __future__ import annotations

from typing import Any, ClassVar

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.base._parameters import NOT_NEGATIVE, POSITIVE
from skmmcl.contrastive._guides import OF_METADATA, KernelGuide
from skmmcl.contrastive._mixins import KernelMixin
from skmmcl.losses import ConditionalAlignmentLoss, ConditionalUniformityLoss
from skmmcl.training import Term


@embedder
class ConditionalUniformityEmbedder(KernelMixin, BaseEmbedder):
    """Alignment of subjects with similar metadata, and uniformity of the others.

    One encoder per modality is trained on two terms: the embeddings of subjects with similar
    metadata, of whatever modality, attract each other, and only those of subjects with dissimilar
    metadata are spread over the sphere.

    Read more in the :ref:`User Guide <guided>`.

    Parameters
    ----------
    uniformity_weight : float, default=1.0
        Weight of uniformity relative to alignment.
    t : float, default=2.0
        Inverse width of the repulsion: a pair at distance d has weight ``exp(-t * d**2)``. Larger
        values repel close pairs alone.

    See Also
    --------
    YAwareEmbedder : Repels all subjects, similar or not.
    DecoupledUniformityEmbedder : Spreads the means of subjects.

    Notes
    -----
    A subject with unknown metadata (NaN or None) has only its own modalities as positives. The
    formulas are those of alignment and uniformity with the kernel as their weight; the authors
    have published no code.

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

    uniformity_weight: float = 1.0
    t: float = 2.0

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
