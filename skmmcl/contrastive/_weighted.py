"""Contrast by weights that a sphere, or the flat space, has room for."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial
from numbers import Real
from typing import Any, ClassVar, Literal

import numpy as np
import torch

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.base._parameters import POSITIVE, Bandwidth, Kernel
from skmmcl.base._views import Views
from skmmcl.contrastive._class_guides import ContrastedClasses
from skmmcl.contrastive._guides import OF_CLASSES, OF_METADATA, KernelGuide
from skmmcl.kernels import cosine
from skmmcl.losses import EuclideanInfoNCELoss, SoftSupConLoss, XCLRLoss
from skmmcl.training import Term
from skmmcl.utils._sklearn import Interval, StrOptions


@embedder
class WeightedContrastiveEmbedder(BaseEmbedder):
    """Contrast whose weights of pairs can be met exactly: Soft SupCon, X-CLR, Euclidean.

    Weighted InfoNCE asks of the embeddings a geometry that its weights fix. For these three
    schemes there is such a geometry: classes at an angle of choice, whatever their sizes; a
    copy of the angles between metadata; or a copy of their distances.

    Read more in the :ref:`User Guide <guided>`.

    Parameters
    ----------
    scheme : {"soft-supcon", "x-clr", "euclidean"}, default="soft-supcon"
        What the weights of pairs are: 1 within a class and ``between_classes`` across; a
        softmax of the cosines between metadata; or a kernel of metadata, with squared
        distances between embeddings in place of cosines.
    between_classes : float, default=0.1
        With "soft-supcon", the weight of subjects of different classes. The cosine between
        classes at the optimum is ``1 + temperature * log(between_classes)``.
    target_temperature : float, default=0.1
        With "x-clr", what divides the cosines between metadata.

    Attributes
    ----------
    classes_ : ndarray
        The classes; only with "soft-supcon".
    bandwidth_ : ndarray of shape (n_columns,)
        Bandwidth of each column of the metadata; only with "euclidean".
    metadata_names_ : list of str
        Names of the columns of the metadata.

    See Also
    --------
    skmmcl.losses.sphere_realizability : Whether a weighting can be met on the sphere.
    SupConEmbedder : Classes as far apart as can be.
    YAwareEmbedder : A kernel of metadata on the sphere.

    Notes
    -----
    Of a single column of numbers the cosines are 1 or -1: "x-clr" is for several columns,
    centered, or for a representation that another model gave. An unlabeled subject is a
    class of its own, and one of unknown metadata attracts its own modalities alone.

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
    metadata: str | Sequence[str] | None = None
    kernel: Kernel = "gaussian"
    bandwidth: Bandwidth = "deviation"
    temperature: float = 0.1
    projection_dim: Any = None
    normalize: bool = False
    views: Views = "auto"
    n_views: int = 2
    augment: Any = "auto"

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
        self._warn_if_no_room()
        soft = SoftSupConLoss(self.temperature, epsilon=self.between_classes, **pairs)
        return [Term("soft_sup_con", soft, on=OF_CLASSES)]

    def _warn_if_no_room(self) -> None:
        wanted = 1 + self.temperature * np.log(self.between_classes)
        least = -1 / (len(self.classes_) - 1)
        if wanted < least:
            warnings.warn(
                f"between_classes={self.between_classes} with temperature={self.temperature} asks "
                f"for a cosine of {wanted:.3f} between classes; {len(self.classes_)} classes can "
                f"have no less than {least:.3f} on a sphere, and not all at like angles. Raise it.",
                UserWarning,
                stacklevel=5,
            )


def _softmax_weights(values: torch.Tensor, temperature: float) -> torch.Tensor:
    """Weights of pairs, up to a factor of each anchor: exponentials of cosines."""
    return ((cosine(values) - 1) / temperature).exp()
