"""SupCon: supervised contrast of all modalities of all subjects."""

from __future__ import annotations

from typing import Any, ClassVar

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.base._views import Views
from skmmcl.contrastive._class_guides import ContrastedClasses
from skmmcl.contrastive._guides import OF_CLASSES
from skmmcl.contrastive._recipes import SUPCON
from skmmcl.losses import YAwareLoss
from skmmcl.training import Term


@embedder
class SupConEmbedder(BaseEmbedder):
    """Supervised contrast in which every modality of a class attracts every other.

    One encoder per modality is trained so that the embeddings of subjects of one class are
    near each other, whatever the modality, and those of different classes apart.

    Read more in the :ref:`User Guide <guided>`.

    Parameters
    ----------
    metadata : str or None, default=None
        Column of ``X.meta`` that holds the class; ``y`` is then not needed. None takes
        ``y``.

    Attributes
    ----------
    classes_ : ndarray
        The classes.

    See Also
    --------
    skmmcl.cross_decomposition.CMCCSSEmbedder : Contrasts the joined embeddings of subjects
        beside the modalities within them.
    EpsSupInfoNCEEmbedder : Asks for a margin, and can be kept from a bias.
    YAwareEmbedder : For continuous or mixed metadata.

    Notes
    -----
    An unlabeled subject attracts its own modalities alone, and repels all others. The loss
    is y-Aware contrast by the kernel that is 1 within a class, else 0.

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

    metadata: str | None = None
    temperature: float = 0.1
    projection_dim: Any = None
    normalize: bool = False
    views: Views = "auto"
    n_views: int = 2
    augment: Any = "auto"

    _of_training: ClassVar[tuple[str, ...]] = ("temperature",)
    _paper: ClassVar[dict[str, Any]] = SUPCON
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "metadata": [str, None],
    }

    def _make_guide(self, y: Any) -> ContrastedClasses:
        return ContrastedClasses(self.metadata)

    def _make_objective(self) -> list[Term]:
        return [Term("sup_con", YAwareLoss(self.temperature, kernel="delta"), on=OF_CLASSES)]
