"""Multi-label SupCon: supervised contrastive learning with several labels per subject."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, ClassVar, Literal

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.contrastive._class_guides import LabelsGuide
from skmmcl.contrastive._guides import OF_METADATA
from skmmcl.contrastive._mixins import ContrastMixin
from skmmcl.contrastive._recipes import MULTI_LABEL
from skmmcl.losses import JaccardSupConLoss, MulSupConLoss
from skmmcl.training import Term
from skmmcl.utils._sklearn import Interval, StrOptions


@embedder
class MultiLabelSupConEmbedder(ContrastMixin, BaseEmbedder):
    """Supervised contrastive learning of subjects who have several labels each.

    One encoder per modality is trained so that subjects who share labels are close to each other.
    Labels are the columns of ``y``, zeros and ones, such as diagnoses; or the classes of each
    column of metadata, such as sex and site; or the one class in a ``y`` of one dimension.

    Read more in the :ref:`User Guide <guided>`.

    Parameters
    ----------
    weighting : {"jaccard", "labels"}, default="jaccard"
        Whether the weight of a pair of subjects is the Jaccard index of their sets of labels, or
        each shared label makes them a pair of positives.
    threshold : float, default=0.3
        With "jaccard", smallest index of a positive, above 0 up to 1.

    Attributes
    ----------
    metadata_names_ : list of str
        Names of the columns of the metadata.

    See Also
    --------
    SupConEmbedder : For one class per subject.
    skmmcl.preprocessing.metadata_labels : Makes such labels from columns of metadata.
    skmmcl.losses.JaccardSupConLoss : The loss with the Jaccard index.
    skmmcl.losses.MulSupConLoss : The loss label by label.

    Notes
    -----
    A subject with -1 or NaN among its labels is unlabeled, and has only its own modalities as
    positives.

    ``from_paper()`` trains images of one channel by modality and anatomy; it needs timm. The
    text has a ResNet-18 with a narrow stem, the code one with a wide one, as timm's. Of 1,000
    epochs the authors evaluated the 200th. Their warm-up over the first 3 epochs is left out,
    and miniRIN, drawn from RadImageNet, is not public.

    References
    ----------
    .. [1] Takaya E., Inamori R. (2025). ModAn-MulSupCon. arXiv 2508.18613.
    .. [2] Zhang P., Wu M. (2024). Multi-label supervised contrastive learning. AAAI.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.contrastive import MultiLabelSupConEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, y, _ = make_cohort(n_subjects=60, random_state=0)
    >>> diagnoses = np.column_stack([y, 1 - y, np.arange(60) % 2])
    >>> embedder = MultiLabelSupConEmbedder(max_epochs=5, random_state=0)
    >>> embedder.fit_transform(X, diagnoses).shape
    (60, 80)
    """

    weighting: Literal["jaccard", "labels"] = "jaccard"
    threshold: float = 0.3
    metadata: str | Sequence[str] | None = None
    temperature: float = 0.1

    _paper: ClassVar[dict[str, Any]] = MULTI_LABEL
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "weighting": [StrOptions({"jaccard", "labels"})],
        "threshold": [Interval(Real, 0, 1, closed="right")],
    }

    def _make_guide(self, y: Any) -> LabelsGuide:
        return LabelsGuide(self)

    def _make_objective(self) -> list[Term]:
        loss = (
            JaccardSupConLoss(self.temperature, threshold=self.threshold)
            if self.weighting == "jaccard"
            else MulSupConLoss(self.temperature)
        )
        return [Term("multi_label", loss, on=OF_METADATA)]
