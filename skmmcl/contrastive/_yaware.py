"""y-Aware: contrastive learning guided by continuous or mixed metadata."""

from __future__ import annotations

from typing import Any, ClassVar

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.contrastive._guides import OF_METADATA, KernelGuide
from skmmcl.contrastive._mixins import KernelMixin
from skmmcl.contrastive._recipes import YAWARE
from skmmcl.losses import YAwareLoss
from skmmcl.training import Term


@embedder
class YAwareEmbedder(KernelMixin, BaseEmbedder):
    """Contrastive learning with positives weighted by a kernel of the metadata.

    One encoder per modality is trained so that the embeddings of subjects of similar age, sex or
    site are close to each other, whatever the modality, and far from those of others. The weight
    of a pair is a kernel of the metadata, so that continuous metadata need not be cut into
    classes.

    Read more in the :ref:`User Guide <guided>`.

    See Also
    --------
    ContrastiveRegressionEmbedder : Weakens the repulsion of similar subjects instead.
    SupConEmbedder : For classes.
    skmmcl.losses.YAwareLoss : The loss.

    Notes
    -----
    A subject with unknown metadata (NaN or None) has only its own modalities as positives. No
    arrangement on a sphere keeps the distances of three or more different ages: the loss then has
    no attainable optimum, see `skmmcl.losses.sphere_realizability`. A warning is given if more
    than a quarter of the information in the weights cannot be represented, as with a temperature
    that is too high for the bandwidth.

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

    temperature: float = 0.1
    self_pairs: bool | None = None

    _of_training: ClassVar[tuple[str, ...]] = ("self_pairs",)
    _paper: ClassVar[dict[str, Any]] = YAWARE

    def _make_guide(self, y: Any) -> KernelGuide:
        return KernelGuide(self, self.kernel, temperature=self.temperature)

    def _make_objective(self) -> list[Term]:
        loss = YAwareLoss(self.temperature, self_pairs=bool(self.self_pairs), **self._guide.of_loss)
        return [Term("y_aware", loss, on=OF_METADATA)]
