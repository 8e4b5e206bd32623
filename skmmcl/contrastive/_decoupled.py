"""Decoupled uniformity: the mean embeddings of subjects are spread out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from skmmcl.base import BaseEmbedder, Guide, embedder
from skmmcl.base._parameters import KERNEL, POSITIVE, Bandwidth, Kernel
from skmmcl.base._views import Views
from skmmcl.contrastive._guides import OF_METADATA, KernelGuide, PriorGuide
from skmmcl.contrastive._recipes import DECOUPLED
from skmmcl.losses import DecoupledUniformityLoss
from skmmcl.training import Term
from skmmcl.utils._sklearn import HasMethods, StrOptions


@embedder
class DecoupledUniformityEmbedder(BaseEmbedder):
    """Contrast that spreads the subjects' mean embeddings, smoothed by what is known.

    One encoder per modality is trained so that the means, over modalities, of the
    embeddings of subjects are far from each other, which makes the modalities of a subject
    agree too. With a kernel, subjects of like metadata, or of like representation by
    another model, are first averaged.

    Read more in the :ref:`User Guide <guided>`.

    Parameters
    ----------
    kernel : str, list of str, callable or None, default=None
        How alike subjects are by their metadata, as `YAwareEmbedder` takes it, or
        "cosine"; None uses no metadata.
    bandwidth : {"deviation", "scott", "silverman", "median"}, float or list, default="median"
        Distance at which numbers begin to differ, in their units, for all columns or for
        each; or the rule by which `skmmcl.kernels.estimate_bandwidth` finds it for the
        training subjects. Classes and sets of labels have none.
    regularization : float or "auto", default=0.01
        Ridge that smooths embeddings over subjects of like metadata; "auto" for one over
        the square root of the size of the batch.
    prior : transformer, default=None
        Whose representation of the subjects takes the place of metadata. It is cloned and
        fitted on the training subjects; one that is fitted already stays as it is within
        `sklearn.frozen.FrozenEstimator`. None for no such prior.
    t : float, default=2.0
        How far uniformity reaches: pairs weigh ``exp(-t * d**2)`` at distance d.

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
    ConditionalUniformityEmbedder : Alignment and uniformity as terms of their own.
    skmmcl.losses.DecoupledUniformityLoss : The loss.

    Notes
    -----
    Without a kernel ``y`` is not used. The kernel may be of a representation by another
    model, by ``prior`` or as ``y`` of shape (n_samples, n_columns); with many columns a
    kernel by distance tells all subjects apart, and "cosine" is the better one.

    ``from_paper()`` trains images of three channels as the authors do CIFAR-10; it needs timm,
    whose ResNet-18 begins with a wide stem, where theirs for 32 pixels begins with a narrow
    one. SGD has no momentum. For other data they set ``kernel="gaussian"`` with ``bandwidth``
    100 (BigBiGAN features, UTZappos), 20 (CUB-200) or 10 (GLoRIA features).

    References
    ----------
    .. [1] Dufumier B. et al. (2023). Integrating prior knowledge in contrastive learning with
       kernel. ICML.

    Examples
    --------
    >>> from skmmcl.contrastive import DecoupledUniformityEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, y, _ = make_cohort(n_subjects=60, random_state=0)
    >>> DecoupledUniformityEmbedder(max_epochs=5, random_state=0).fit_transform(X).shape
    (60, 80)

    With a representation by another model:

    >>> from sklearn.decomposition import PCA
    >>> embedder = DecoupledUniformityEmbedder(
    ...     kernel="cosine", prior=PCA(4), max_epochs=5, random_state=0
    ... )
    >>> embedder.fit_transform(X).shape
    (60, 80)
    """

    kernel: Kernel | None = None
    bandwidth: Bandwidth = "median"
    regularization: float | Literal["auto"] = 0.01
    metadata: str | Sequence[str] | None = None
    prior: Any = None
    t: float = 2.0
    projection_dim: Any = None
    normalize: bool = False
    views: Views = "auto"
    n_views: int = 2
    augment: Any = "auto"

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
