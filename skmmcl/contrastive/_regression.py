"""Contrastive regression: embeddings ordered by a continuous target."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.contrastive._guides import OF_METADATA, KernelGuide
from skmmcl.contrastive._mixins import KernelMixin
from skmmcl.contrastive._recipes import REGRESSION
from skmmcl.losses import ExpRegressionLoss, ThresholdRegressionLoss, YAwareLoss
from skmmcl.training import Term
from skmmcl.utils._sklearn import StrOptions

LOSSES = {"exp": ExpRegressionLoss, "threshold": ThresholdRegressionLoss, "y-aware": YAwareLoss}


@embedder
class ContrastiveRegressionEmbedder(KernelMixin, BaseEmbedder):
    """Contrastive learning for regression, such as of the age of a brain.

    One encoder per modality is trained so that subjects are the closer to each other, the more
    similar their targets. A linear regression on the representations then predicts the target:
    ``make_pipeline(ContrastiveRegressionEmbedder(), RidgeCV())``.

    Read more in the :ref:`User Guide <guided>`.

    Parameters
    ----------
    loss : {"exp", "threshold", "y-aware"}, default="exp"
        How similar subjects are spared: "exp" weakens their repulsion by their similarity,
        "threshold" contrasts a positive with less similar subjects alone, and "y-aware" repels
        all subjects equally.
    include_positive : bool, default=True
        With "exp", whether a positive is in its own denominator, which bounds its term below and
        makes training more stable; the paper's form leaves it out.

    See Also
    --------
    YAwareEmbedder : Attraction by a kernel, equal repulsion of all.
    EpsSupInfoNCEEmbedder : For classes; can remove a bias such as the site.

    Notes
    -----
    A subject with an unknown target (NaN or None) has only its own modalities as positives. The
    memory of "exp" and "threshold" grows with the square of ``batch_size``.

    ``from_paper()`` trains gray matter of one modality by age. Two equal copies of each volume
    are its views, as in the authors' code, which augments none; its L-exp keeps the positive in
    the denominator, and computes it with similarities less their largest, which is not done
    here. The data, OpenBHB, are available on request; see `skmmcl.metrics.openbhb_score`.

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
    temperature: float = 0.1

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
