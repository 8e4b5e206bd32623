"""Supervised contrast with a margin, that can be kept from a bias."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Literal

from sklearn.utils.validation import check_is_fitted

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.base._parameters import NOT_NEGATIVE
from skmmcl.base._views import Views
from skmmcl.contrastive._class_guides import BiasedClasses
from skmmcl.contrastive._guides import OF_CLASSES
from skmmcl.contrastive._recipes import EPS_SUP_INFO_NCE
from skmmcl.losses import EpsSupInfoNCELoss, FairKLLoss
from skmmcl.networks._margin import MarginNetwork
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
    learn_epsilon : bool, default=False
        Whether the margin is learned, from ``epsilon`` on, at a hundredth of the learning rate
        with "sgd" as in the authors' code. A larger margin always lowers the loss: it grows as
        long as training goes on.
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
    std_weight : float, default=1.0
        With "moments", weight of the standard deviations beside the means; 0 compares means
        alone.
    metadata : str or None, default=None
        Column of ``X.meta`` that holds the class; ``y`` is then not needed. None takes
        ``y``.

    Attributes
    ----------
    classes_ : ndarray
        The classes.
    epsilon_ : float
        The margin at the end of training.

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

    ``from_paper()`` has the settings of the one experiment that the authors released, on
    Biased-MNIST, whose margin is 0. Margins and weights of FairKL that the paper tuned could
    not be read, and their small convolutional network is not here. They show one view of each
    image, of which a lone modality has two here.

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
    learn_epsilon: bool = False
    form: Literal["out", "in", "supcon"] = "out"
    bias: str | None = None
    bias_weight: float = 100.0
    bias_form: Literal["moments", "kl"] = "moments"
    std_weight: float = 1.0
    metadata: str | None = None
    temperature: float = 0.1
    projection_dim: Any = None
    normalize: bool = False
    views: Views = "auto"
    n_views: int = 2
    augment: Any = "auto"

    _of_training: ClassVar[tuple[str, ...]] = ("learn_epsilon", "std_weight")
    _paper: ClassVar[dict[str, Any]] = EPS_SUP_INFO_NCE
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "epsilon": NOT_NEGATIVE,
        "learn_epsilon": ["boolean"],
        "form": [StrOptions({"out", "in", "supcon"})],
        "bias": [str, None],
        "bias_weight": NOT_NEGATIVE,
        "bias_form": [StrOptions({"moments", "kl"})],
        "std_weight": NOT_NEGATIVE,
        "metadata": [str, None],
    }

    def _make_guide(self, y: Any) -> BiasedClasses:
        return BiasedClasses(self.metadata, self.bias)

    def _make_objective(self) -> list[Term]:
        contrast = EpsSupInfoNCELoss(self.temperature, epsilon=self.epsilon, form=self.form)
        learned = ("widening",) * self.learn_epsilon
        terms = [Term("contrast", contrast, on=(*OF_CLASSES, *learned))]
        if self.bias is not None:
            z, *others = OF_CLASSES
            of_bias = (z, "y", "targets", *others[1:])
            fair = FairKLLoss(self.bias_form, std_weight=self.std_weight)
            terms.append(Term("fair_kl", fair, on=of_bias, weight=self.bias_weight))
        return terms

    def _make_network(self, **layout: Any) -> partial:
        network = super()._make_network(**layout)
        if not self.learn_epsilon:
            return network
        return partial(MarginNetwork, **network.keywords)

    @property
    def epsilon_(self) -> float:
        """The margin at the end of training."""
        check_is_fitted(self, "net_")
        if self.net_ is None:
            raise AttributeError("Closed forms have no margin; solver='gradient' trains with one.")
        term, network = self.net_.criterion_.terms[0], self.net_.module_
        learned = network.widening.item() if "widening" in term.on else 0.0
        return max(0.0, term.loss.epsilon + learned)
