"""SimCLR: two augmented copies of a subject attract each other."""

from __future__ import annotations

from typing import Any, ClassVar

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.base._views import Views
from skmmcl.contrastive._mixins import ContrastMixin
from skmmcl.contrastive._recipes import SIMCLR
from skmmcl.losses import PairwiseCMCLoss
from skmmcl.training import Term


@embedder
class SimCLREmbedder(ContrastMixin, BaseEmbedder):
    """Self-supervised contrastive learning of augmented copies of each subject.

    One encoder per modality sees several augmented copies of each subject, and is trained so
    that the embeddings of two copies are closer to each other than to those of other subjects.
    Representations ignore what the augmentation changes, and keep what else distinguishes
    subjects.

    Read more in the :ref:`User Guide <views>`.

    Parameters
    ----------
    decoupled : bool, default=False
        Whether the positive pair is left out of the denominator, which makes the contrast
        depend less on ``batch_size``, as in decoupled contrastive learning [2]_.

    Attributes
    ----------
    classes_ : ndarray
        The classes; only with a probe.

    See Also
    --------
    YAwareEmbedder : Contrast of copies that also attracts subjects of similar metadata.
    skmmcl.cross_decomposition.CLIPEmbedder : Contrast of the modalities of a subject.
    skmmcl.losses.PairwiseCMCLoss : The loss.

    Notes
    -----
    With more than two views, the loss is the mean over all pairs of them. An absent modality
    takes no part in any pair. ``views="both"`` contrasts the modalities of a subject as well,
    and ``views="modality"`` them alone.

    ``from_paper()`` trains images of three channels by the settings of the authors' code for
    ImageNet, with SGD: their default, LARS, is not in torch. It needs timm. Their head normalizes
    its hidden layer.

    References
    ----------
    .. [1] Chen T., Kornblith S., Norouzi M., Hinton G. (2020). A simple framework for
       contrastive learning of visual representations. ICML.
    .. [2] Yeh C.-H. et al. (2022). Decoupled contrastive learning. ECCV.

    Examples
    --------
    >>> from skmmcl.contrastive import SimCLREmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, _, _ = make_cohort(n_subjects=60, random_state=0)
    >>> SimCLREmbedder(max_epochs=5, random_state=0).fit_transform(X[["smri"]]).shape
    (60, 16)
    """

    decoupled: bool = False
    temperature: float = 0.1
    views: Views = "augmentation"

    _paper: ClassVar[dict[str, Any]] = SIMCLR
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {"decoupled": ["boolean"]}

    def _make_objective(self) -> list[Term]:
        loss = PairwiseCMCLoss(self.temperature, decoupled=self.decoupled)
        return [Term("nt_xent", loss, on=("z", "mask", "sample_weight"))]
