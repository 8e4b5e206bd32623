"""SupCon: supervised contrastive learning of all modalities of all subjects."""

from __future__ import annotations

from typing import Any, ClassVar

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.contrastive._class_guides import ContrastedClasses
from skmmcl.contrastive._guides import OF_CLASSES
from skmmcl.contrastive._mixins import ClassMixin
from skmmcl.contrastive._recipes import SUPCON
from skmmcl.losses import YAwareLoss
from skmmcl.training import Term


@embedder
class SupConEmbedder(ClassMixin, BaseEmbedder):
    """Supervised contrastive learning: all modalities of a class attract each other.

    One encoder per modality is trained so that the embeddings of subjects of one class are close
    to each other, whatever the modality, and far from those of other classes.

    Read more in the :ref:`User Guide <guided>`.

    See Also
    --------
    skmmcl.cross_decomposition.CMCCSSEmbedder : Contrasts the joined embeddings of subjects, and
        the modalities within each.
    EpsSupInfoNCEEmbedder : Asks for a margin, and can remove a bias.
    YAwareEmbedder : For continuous or mixed metadata.

    Notes
    -----
    An unlabeled subject has only its own modalities as positives, and is a negative for all
    others. The loss is that of y-Aware contrast with the kernel that is 1 within a class, else 0.

    ``from_paper()`` trains images of three channels by the defaults of the authors' code; it
    needs timm, whose ResNet-50 begins with a wide stem, where theirs for 32 pixels begins with
    a narrow one.

    References
    ----------
    .. [1] Khosla P. et al. (2020). Supervised contrastive learning. NeurIPS 33.

    Examples
    --------
    >>> from skmmcl.contrastive import SupConEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, y, _ = make_cohort(n_subjects=60, random_state=0)
    >>> SupConEmbedder(max_epochs=5, random_state=0).fit_transform(X, y).shape
    (60, 80)
    """

    temperature: float = 0.1

    _of_training: ClassVar[tuple[str, ...]] = ("temperature",)
    _paper: ClassVar[dict[str, Any]] = SUPCON

    def _make_guide(self, y: Any) -> ContrastedClasses:
        return ContrastedClasses(self.metadata)

    def _make_objective(self) -> list[Term]:
        return [Term("sup_con", YAwareLoss(self.temperature, kernel="delta"), on=OF_CLASSES)]
