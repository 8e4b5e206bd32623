"""Decoupled uniformity: the mean embeddings of subjects are spread out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from skmmcl.base import BaseEmbedder, Guide, embedder
from skmmcl.base._parameters import KERNEL, POSITIVE, Bandwidth, Kernel
from skmmcl.contrastive._guides import OF_METADATA, KernelGuide, PriorGuide
from skmmcl.contrastive._mixins import ContrastMixin
from skmmcl.contrastive._recipes import DECOUPLED
from skmmcl.losses import DecoupledUniformityLoss
from skmmcl.training import Term
from skmmcl.utils._sklearn import HasMethods, StrOptions


@embedder
class DecoupledUniformityEmbedder(ContrastMixin, BaseEmbedder):
    """Uniformity of the subjects' mean embeddings, smoothed by metadata or a prior model.

    One encoder per modality is trained so that the means, over modalities, of the embeddings of
    subjects are far from each other, which makes the modalities of a subject agree too. With a
    kernel, the means of subjects with similar metadata, or with a similar representation by
    another model, are first averaged.

    Read more in the :ref:`User Guide <guided>`.

    Parameters
    ----------
    kernel : str, list of str, callable or None, default=None
        Similarity of subjects by their metadata, as in `YAwareEmbedder`, or "cosine"; None uses
        no metadata.
    bandwidth : {"deviation", "scott", "silverman", "median"}, float or list, default="median"
        Distance at which numbers begin to differ, in their units, for all columns or for each; or
        the rule by which `skmmcl.kernels.estimate_bandwidth` finds it for the training subjects.
        Classes and sets of labels have none.
    regularization : float or "auto", default=0.01
        Ridge penalty of the regression on the kernel; larger values smooth more. "auto" is one
        over the square root of the number of subjects in the batch.
    prior : transformer or None, default=None
        Model whose representation of the subjects replaces the metadata. It is cloned and fitted
        on the training subjects; a fitted one within `sklearn.frozen.FrozenEstimator` stays as it
        is.
    t : float, default=2.0
        Inverse width of the repulsion: a pair at distance d has weight ``exp(-t * d**2)``. Larger
        values repel close pairs alone.

    Attributes
    ----------
    bandwidth_ : ndarray of shape (n_columns,)
        Bandwidth of each column of the metadata; only with a kernel.
    metadata_names_ : list of str
        Names of the columns of the metadata; only with a kernel.
    prior_ : transformer
        The fitted prior; only if there is one.

    See Also
    --------
    ConditionalUniformityEmbedder : Alignment and uniformity as separate terms.
    skmmcl.losses.DecoupledUniformityLoss : The loss.

    Notes
    -----
    Without a kernel ``y`` is not used. The kernel may be of a representation by another model,
    given as ``prior`` or as ``y`` of shape (n_samples, n_columns). With many columns all subjects
    are far from each other, and "cosine" is better than a kernel of the distance.

    ``from_paper()`` trains images of three channels as the authors do CIFAR-10; it needs timm,
    whose ResNet-18 begins with a wide stem, where theirs for 32 pixels begins with a narrow one.
    SGD has no momentum. For other data they set ``kernel="gaussian"`` with ``bandwidth`` 100
    (BigBiGAN features, UTZappos), 20 (CUB-200) or 10 (GLoRIA features).

    References
    ----------
    .. [1] Dufumier B. et al. (2023). Integrating prior knowledge in contrastive learning with
       kernel. ICML.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> from skmmcl.contrastive import DecoupledUniformityEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, _, _ = make_cohort(n_subjects=60, random_state=0)
    >>> by_pca = {"kernel": "cosine", "prior": PCA(4)}  # or without a kernel
    >>> embedder = DecoupledUniformityEmbedder(**by_pca, max_epochs=5, random_state=0)
    >>> embedder.fit_transform(X).shape
    (60, 80)
    """

    kernel: Kernel | None = None
    bandwidth: Bandwidth = "median"
    regularization: float | Literal["auto"] = 0.01
    metadata: str | Sequence[str] | None = None
    prior: Any = None
    t: float = 2.0

    _paper: ClassVar[dict[str, Any]] = DECOUPLED
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "kernel": [StrOptions({"cosine"}), *KERNEL, None],
        "regularization": [StrOptions({"auto"}), *POSITIVE],
        "prior": [HasMethods(["fit", "transform"]), None],
        "t": POSITIVE,
    }

    def _make_guide(self, y: Any) -> Guide:
        if self.prior is not None:
            return PriorGuide(self)
        return Guide() if self.kernel is None else KernelGuide(self, self.kernel)

    def _make_objective(self) -> list[Term]:
        guide = {} if self.kernel is None else self._guide.of_loss
        loss = DecoupledUniformityLoss(self.t, regularization=self.regularization, **guide)
        return [Term("uniformity", loss, on=OF_METADATA)]
