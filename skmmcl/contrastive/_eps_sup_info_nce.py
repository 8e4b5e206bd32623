"""Supervised contrast with a margin, that can be kept from a bias."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.base._parameters import NOT_NEGATIVE
from skmmcl.contrastive._class_guides import BiasedClasses
from skmmcl.contrastive._guides import OF_CLASSES
from skmmcl.losses import EpsSupInfoNCELoss, FairKLLoss
from skmmcl.training import Term
from skmmcl.utils._sklearn import StrOptions


@embedder
class EpsSupInfoNCEEmbedder(BaseEmbedder):
    """Supervised contrast with a margin, blind to a bias if one is named.

    One encoder per modality is trained so that subjects of one class are nearer to each
    other than those of different classes, by a margin. FairKL makes the similarities of
    subjects of one site (or scanner, or sex) like those of different sites, within classes
    and across them.

    Read more in the :ref:`User Guide <guided>`.

    Parameters
    ----------
    epsilon : float, default=0.1
        Margin by which positives are to be nearer than negatives, between similarities
        over the temperature: ``temperature * epsilon`` between cosines.
    form : {"out", "in", "supcon"}, default="out"
        Whether the logarithms are averaged over the positives, or positives inside the
        logarithm, or each positive is held against the others too, which is
        epsilon-SupCon.
    bias : str, default=None
        Column of ``X.meta``, such as the site, that similarities must not depend on, by
        FairKL; None for none.
    bias_weight : float, default=100.0
        Weight of FairKL. It compares cosines, whose squared differences are small beside
        the contrast.
    bias_form : {"moments", "kl"}, default="moments"
        Whether FairKL compares means and standard deviations of the similarities of
        subjects of like and unlike bias, or their Kullback-Leibler divergence.
    metadata : str or None, default=None
        Column of ``X.meta`` that holds the class; ``y`` is then not needed. None takes
        ``y``.

    Attributes
    ----------
    classes_ : ndarray
        The classes.

    See Also
    --------
    SupConEmbedder : No margin, no bias.
    skmmcl.losses.EpsSupInfoNCELoss : The loss.
    skmmcl.losses.FairKLLoss : The term that keeps from a bias.

    Notes
    -----
    An unlabeled subject attracts its own modalities alone; it has no part in FairKL, nor
    has one of unknown bias. In FairKL a batch should hold pairs of each kind, of like and
    unlike class and bias: with few subjects of a bias, take large batches. Nothing is left
    to compare where an encoder learns its subjects by heart: few components and linear
    encoders show more of what FairKL can do.

    References
    ----------
    .. [1] Barbano C. A. et al. (2023). Unbiased supervised contrastive learning. ICLR.

    Examples
    --------
    >>> from skmmcl.contrastive import EpsSupInfoNCEEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, y, _ = make_cohort(n_subjects=60, random_state=0)
    >>> EpsSupInfoNCEEmbedder(bias="site", max_epochs=5, random_state=0).fit_transform(X, y).shape
    (60, 80)
    """

    epsilon: float = 0.1
    form: Literal["out", "in", "supcon"] = "out"
    bias: str | None = None
    bias_weight: float = 100.0
    bias_form: Literal["moments", "kl"] = "moments"
    metadata: str | None = None
    temperature: float = 0.1
    projection_dim: int | None = None
    normalize: bool = False

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "epsilon": NOT_NEGATIVE,
        "form": [StrOptions({"out", "in", "supcon"})],
        "bias": [str, None],
        "bias_weight": NOT_NEGATIVE,
        "bias_form": [StrOptions({"moments", "kl"})],
        "metadata": [str, None],
    }

    def _make_guide(self, y: Any) -> BiasedClasses:
        return BiasedClasses(self.metadata, self.bias)

    def _make_objective(self) -> list[Term]:
        contrast = EpsSupInfoNCELoss(self.temperature, epsilon=self.epsilon, form=self.form)
        terms = [Term("contrast", contrast, on=OF_CLASSES)]
        if self.bias is not None:
            z, *others = OF_CLASSES
            of_bias = (z, "y", "targets", *others[1:])
            fair = FairKLLoss(self.bias_form)
            terms.append(Term("fair_kl", fair, on=of_bias, weight=self.bias_weight))
        return terms
