"""y-Aware: contrast guided by continuous or mixed metadata."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.base._parameters import Bandwidth, Kernel
from skmmcl.base._views import Views
from skmmcl.contrastive._guides import OF_METADATA, KernelGuide
from skmmcl.contrastive._recipes import YAWARE
from skmmcl.losses import YAwareLoss
from skmmcl.training import Term


@embedder
class YAwareEmbedder(BaseEmbedder):
    """Contrast that attracts subjects the more, the more alike their metadata are.

    One encoder per modality is trained so that the embeddings of subjects of like age,
    sex or site are near each other, whatever the modality, and those of others apart. The
    weight of a pair is a kernel of the metadata, so that what is continuous need not be
    cut into classes.

    Read more in the :ref:`User Guide <guided>`.

    Attributes
    ----------
    bandwidth_ : ndarray of shape (n_columns,)
        Bandwidth of each column of the metadata; 1 where the kernel has none.
    metadata_names_ : list of str
        Names of the columns of the metadata.

    See Also
    --------
    ContrastiveRegressionEmbedder : Weakens the repulsion of like subjects instead.
    SupConEmbedder : For classes.
    skmmcl.losses.YAwareLoss : The loss.

    Notes
    -----
    A subject of whom something is unknown, NaN or None, attracts its own modalities alone.
    No arrangement on a sphere keeps the distances of three or more different ages: the
    loss has no attainable optimum then, see `skmmcl.losses.sphere_realizability`. How much
    is missed matters: a warning tells if more than a quarter of what the weights tell cannot
    be met, as with a temperature that is too high for the bandwidth.

    ``from_paper()`` trains gray matter of one modality by age, as the authors' code does; the
    weights that they released were trained with ``augment=published_augmentation("cutout")``.
    Their BHB-10K of 7,764 subjects is not public as a whole. They z-score each volume by
    itself.

    References
    ----------
    .. [1] Dufumier B. et al. (2021). Contrastive learning with continuous proxy meta-data
       for 3D MRI classification. MICCAI.

    Examples
    --------
    >>> from skmmcl.contrastive import YAwareEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, _, _ = make_cohort(n_subjects=60, random_state=0)
    >>> embedder = YAwareEmbedder(
    ...     metadata=["age", "site"], kernel=["gaussian", "delta"], max_epochs=5, random_state=0
    ... )
    >>> embedder.fit_transform(X).shape
    (60, 80)
    """

    metadata: str | Sequence[str] | None = None
    kernel: Kernel = "gaussian"
    bandwidth: Bandwidth = "deviation"
    temperature: float = 0.1
    projection_dim: Any = None
    normalize: bool = False
    self_pairs: bool | None = None
    views: Views = "auto"
    n_views: int = 2
    augment: Any = "auto"

    _of_training: ClassVar[tuple[str, ...]] = ("self_pairs",)
    _paper: ClassVar[dict[str, Any]] = YAWARE

    def _make_guide(self, y: Any) -> KernelGuide:
        return KernelGuide(self, self.kernel, temperature=self.temperature)

    def _make_objective(self) -> list[Term]:
        loss = YAwareLoss(self.temperature, self_pairs=bool(self.self_pairs), **self._guide.of_loss)
        return [Term("y_aware", loss, on=OF_METADATA)]
