"""Contrastive learning with weights that a sphere, or Euclidean space, can represent."""

from __future__ import annotations

from functools import partial
from numbers import Real
from typing import Any, ClassVar, Literal

from torch import Tensor

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.base._parameters import POSITIVE
from skmmcl.contrastive._class_guides import ContrastedClasses
from skmmcl.contrastive._guides import OF_CLASSES, OF_METADATA, KernelGuide
from skmmcl.contrastive._kernel_checks import warn_if_classes_unmet
from skmmcl.contrastive._mixins import KernelMixin
from skmmcl.kernels import cosine
from skmmcl.losses import EuclideanInfoNCELoss, SoftSupConLoss, XCLRLoss
from skmmcl.training import Term
from skmmcl.utils._sklearn import Interval, StrOptions


@embedder
class WeightedContrastiveEmbedder(KernelMixin, BaseEmbedder):
    """Contrastive learning with weights of pairs that embeddings can represent exactly.

    The weights of weighted InfoNCE determine a geometry of the embeddings. With these three
    schemes, Soft SupCon, X-CLR and Euclidean, embeddings can have it: classes at an angle of
    choice, whatever their sizes; a copy of the angles between metadata; or a copy of their
    distances.

    Read more in the :ref:`User Guide <guided>`.

    Parameters
    ----------
    scheme : {"soft-supcon", "x-clr", "euclidean"}, default="soft-supcon"
        Weights of pairs: 1 within a class and ``between_classes`` across; a softmax of the
        cosines between metadata; or ``kernel`` of the metadata, with squared distances between
        embeddings instead of cosines.
    between_classes : float, default=0.1
        With "soft-supcon", weight of subjects of different classes, above 0 up to 1. The cosine
        between classes at the optimum is ``1 + temperature * log(between_classes)``.
    target_temperature : float, default=0.1
        With "x-clr", temperature of the softmax of the cosines between metadata. Smaller values
        separate subjects more.

    Attributes
    ----------
    classes_ : ndarray
        The classes; only with "soft-supcon".
    bandwidth_ : ndarray of shape (n_columns,)
        Bandwidth of each column of the metadata; only with "euclidean".

    See Also
    --------
    skmmcl.losses.sphere_realizability : Whether a sphere can represent given weights.
    SupConEmbedder : Classes as far apart as possible.
    YAwareEmbedder : A kernel of metadata on the sphere.

    Notes
    -----
    The cosines of a single column of numbers are 1 or -1: "x-clr" is for several columns, centered,
    or for a representation by another model. An unlabeled subject is a class of its own, and one
    with unknown metadata has only its own modalities as positives.

    References
    ----------
    .. [1] Vock, Duchesnay E., Dufumier B. (2026). arXiv 2605.13943.
    .. [2] Sobal V. et al. (2025). X-sample contrastive loss: improving contrastive learning
       with sample similarity graphs. ICLR.

    Examples
    --------
    >>> from skmmcl.contrastive import WeightedContrastiveEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, y, _ = make_cohort(n_subjects=60, random_state=0)
    >>> WeightedContrastiveEmbedder(max_epochs=5, random_state=0).fit_transform(X, y).shape
    (60, 80)
    """

    scheme: Literal["soft-supcon", "x-clr", "euclidean"] = "soft-supcon"
    between_classes: float = 0.1
    target_temperature: float = 0.1
    self_pairs: bool | None = None
    temperature: float = 0.1

    _of_training: ClassVar[tuple[str, ...]] = ("self_pairs",)
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "scheme": [StrOptions({"soft-supcon", "x-clr", "euclidean"})],
        "between_classes": [Interval(Real, 0, 1, closed="right")],
        "target_temperature": POSITIVE,
    }

    def _make_guide(self, y: Any) -> ContrastedClasses | KernelGuide:
        if self.scheme == "soft-supcon":
            return ContrastedClasses(self.metadata)
        if self.scheme == "euclidean":
            return KernelGuide(self, self.kernel)
        weights = partial(_softmax_weights, temperature=self.target_temperature)
        return KernelGuide(self, "cosine", temperature=self.temperature, weights=weights)

    def _make_objective(self) -> list[Term]:
        pairs: dict[str, Any] = {} if self.self_pairs is None else {"self_pairs": self.self_pairs}
        if self.scheme == "x-clr":
            x_clr = XCLRLoss(self.temperature, target_temperature=self.target_temperature, **pairs)
            return [Term("x_clr", x_clr, on=OF_METADATA)]
        if self.scheme == "euclidean":
            euclidean = EuclideanInfoNCELoss(self.temperature, **self._guide.of_loss, **pairs)
            return [Term("euclidean", euclidean, on=OF_METADATA)]
        warn_if_classes_unmet(self.between_classes, self.temperature, len(self.classes_))
        soft = SoftSupConLoss(self.temperature, epsilon=self.between_classes, **pairs)
        return [Term("soft_sup_con", soft, on=OF_CLASSES)]


def _softmax_weights(values: Tensor, temperature: float) -> Tensor:
    """Return exponentials of cosines, which are weights of pairs up to a factor of each anchor."""
    return ((cosine(values) - 1) / temperature).exp()
