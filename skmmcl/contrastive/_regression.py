"""Contrastive regression: embeddings in which a continuous target is in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.base._parameters import Bandwidth, Kernel
from skmmcl.base._views import Views
from skmmcl.contrastive._guides import OF_METADATA, KernelGuide
from skmmcl.contrastive._recipes import REGRESSION
from skmmcl.losses import ExpRegressionLoss, ThresholdRegressionLoss, YAwareLoss
from skmmcl.training import Term
from skmmcl.utils._sklearn import StrOptions

LOSSES = {"exp": ExpRegressionLoss, "threshold": ThresholdRegressionLoss, "y-aware": YAwareLoss}


@embedder
class ContrastiveRegressionEmbedder(BaseEmbedder):
    """Contrast for regression, such as of the age of a brain.

    One encoder per modality is trained so that subjects are the nearer to each other, the
    more alike their targets are. A linear regression on the representations then predicts
    the target: ``make_pipeline(ContrastiveRegressionEmbedder(), RidgeCV())``.

    Read more in the :ref:`User Guide <guided>`.

    Parameters
    ----------
    loss : {"exp", "threshold", "y-aware"}, default="exp"
        How like subjects are spared: "exp" weakens their repulsion by how alike they are,
        "threshold" holds a positive against those less alike alone, and "y-aware" repels
        all.
    include_positive : bool, default=True
        With "exp", whether a positive is among those that it is held against, which bounds its
        term below and makes training more stable; the paper's form leaves it out.

    Attributes
    ----------
    bandwidth_ : ndarray of shape (n_columns,)
        Bandwidth of each column of the metadata; 1 where the kernel has none.
    metadata_names_ : list of str
        Names of the columns of the metadata.

    See Also
    --------
    YAwareEmbedder : Attraction by a kernel, repulsion of all alike.
    EpsSupInfoNCEEmbedder : For classes, and can be kept from a bias such as the site.

    Notes
    -----
    A subject of whom the target is unknown, NaN or None, attracts its own modalities alone.
    The memory of "exp" and "threshold" grows with the square of ``batch_size``.

    ``from_paper()`` trains gray matter of one modality by age. Two equal copies of each volume
    are its views, as in the authors' code, which augments none; its L-exp keeps the positive in
    the denominator, and computes it with similarities less their largest, which is not done
    here. The data, OpenBHB, must be asked for; its score is `skmmcl.metrics.openbhb_score`.

    References
    ----------
    .. [1] Barbano C. A. et al. (2023). Contrastive learning for regression in multi-site
       brain age prediction. ISBI.

    Examples
    --------
    >>> from sklearn.linear_model import RidgeCV
    >>> from sklearn.pipeline import make_pipeline
    >>> from skmmcl.contrastive import ContrastiveRegressionEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, _, _ = make_cohort(n_subjects=60, random_state=0)
    >>> embedder = ContrastiveRegressionEmbedder(max_epochs=5, random_state=0)
    >>> make_pipeline(embedder, RidgeCV()).fit(X, X.meta["age"]).predict(X).shape
    (60,)
    """

    loss: Literal["exp", "threshold", "y-aware"] = "exp"
    include_positive: bool = True
    metadata: str | Sequence[str] | None = None
    kernel: Kernel = "gaussian"
    bandwidth: Bandwidth = "deviation"
    temperature: float = 0.1
    projection_dim: Any = None
    normalize: bool = False
    views: Views = "auto"
    n_views: int = 2
    augment: Any = "auto"

    _of_training: ClassVar[tuple[str, ...]] = ("include_positive",)
    _paper: ClassVar[dict[str, Any]] = REGRESSION
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "loss": [StrOptions(set(LOSSES))],
        "include_positive": ["boolean"],
    }

    def _make_guide(self, y: Any) -> KernelGuide:
        sphere = self.temperature if self.loss == "y-aware" else None
        return KernelGuide(self, self.kernel, temperature=sphere)

    def _make_objective(self) -> list[Term]:
        own = {"include_positive": self.include_positive} if self.loss == "exp" else {}
        loss = LOSSES[self.loss](self.temperature, **self._guide.of_loss, **own)
        return [Term("regression", loss, on=OF_METADATA)]
