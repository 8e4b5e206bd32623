"""SepVAE: a variational autoencoder that separates what is salient in patients."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.base._parameters import COUNT, NOT_NEGATIVE, POSITIVE
from skmmcl.base._patients import PatientGuide
from skmmcl.decomposition._recipes import SEPVAE
from skmmcl.decomposition._spaces import SpacesMixin
from skmmcl.losses import SepVAELoss
from skmmcl.networks._sepvae import SepVAENetwork
from skmmcl.training import Term


@embedder
class SepVAEEmbedder(SpacesMixin, BaseEmbedder):
    """Variational autoencoder that separates the variation of all subjects from that of patients.

    Two encoders give the latent variables of a subject: common ones, which patients and controls
    share, and salient ones, which are 0 for controls. One decoder reads both. A discriminator keeps
    both spaces independent; a classifier keeps in the salient one what distinguishes patients.

    Read more in the :ref:`User Guide <subtypes>`.

    Parameters
    ----------
    n_common : int, default=8
        Number of common variables. With many more than needed, the common space takes up salient
        variation as well.
    n_salient : int, default=4
        Number of salient variables.
    beta_common : float, default=0.5
        Weight of the prior of the common variables, where squared errors have weight 1.
    beta_salient : float, default=0.5
        Weight of the prior of the salient variables.
    background_precision : float, default=40.0
        Inverse variance of the prior of the salient variables of controls; larger values pull
        them closer to 0.
    disentangling : float, default=2.0
        Weight of the information that both spaces share; 0 trains no discriminator.
    classification : float, default=1.0
        Weight of the classifier of the salient variables.
    n_components : int, default=64
        Width of the features of a modality, from which the latent variables are read.

    See Also
    --------
    skmmcl.cluster.UCSL : Finds subtypes of patients by linear models.
    skmmcl.losses.SepVAELoss : The terms of the objective.

    Notes
    -----
    Unlabeled subjects (-1) take no part in the training. Reconstructions are those of the input of
    the encoders. All terms are means over the batch, where the paper [1]_ has sums; their
    proportions are the same. The paper's weight of the classification is nearly 0, and its
    optimizers restart in each epoch, which is not done here. In each batch the discriminator
    makes its step first. Within :func:`~skmmcl.parallel.stacked_fits`, fits train one by one.

    ``from_paper()`` has the settings for X-rays of pneumonia. Their encoders for images of 64
    pixels, four convolutions and two layers, are not here: give others as ``encoders``.

    References
    ----------
    .. [1] Louiset R. et al. (2023). SepVAE: a contrastive VAE to separate pathological patterns
       from healthy ones. arXiv 2307.06206.

    Examples
    --------
    >>> from skmmcl.datasets import make_cohort
    >>> from skmmcl.decomposition import SepVAEEmbedder
    >>> X, is_patient, _ = make_cohort(n_subjects=60, random_state=0)
    >>> sep = SepVAEEmbedder(max_epochs=2, random_state=0).fit(X, is_patient)
    >>> sep.transform(X).shape, sep.transform(X, part="salient").shape
    ((60, 12), (60, 4))
    """

    n_common: int = 8
    n_salient: int = 4
    beta_common: float = 0.5
    beta_salient: float = 0.5
    background_precision: float = 40.0
    disentangling: float = 2.0
    classification: float = 1.0
    positive: object = None
    n_components: int = 64

    _paper: ClassVar[dict[str, Any]] = SEPVAE
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **dict.fromkeys(("n_common", "n_salient"), COUNT),
        **dict.fromkeys(("beta_common", "beta_salient"), NOT_NEGATIVE),
        **dict.fromkeys(("disentangling", "classification"), NOT_NEGATIVE),
        "background_precision": POSITIVE,
    }

    def _make_views(self) -> list[str]:
        return self.modalities_ * 2  # once for each space

    def _make_guide(self, y: Any) -> PatientGuide:
        return PatientGuide(self.positive, type(self).__name__)

    def _make_network(self, **layout: Any) -> partial:
        widths = {name: getattr(self, name) for name in ("n_components", "n_common", "n_salient")}
        return partial(SepVAENetwork, **widths, **layout)

    def _make_objective(self) -> list[Term]:
        loss, who = SepVAELoss(self.background_precision), ("targets", "sample_weight")
        common, salient = (("mu_" + p, "log_var_" + p, *who) for p in ("common", "salient"))
        logits = ("joint_logits", "product_logits", *who)
        return [
            Term("reconstruction", loss.reconstruction, on=("x_hat", "x_seen", "mask", *who)),
            Term("common_prior", loss.common_prior, common, self.beta_common),
            Term("salient_prior", loss.salient_prior, salient, self.beta_salient),
            Term("shared", loss.shared_information, ("joint_logits", *who), self.disentangling),
            Term("patient", loss.classification, ("logits", *who), self.classification),
            Term("discriminator", loss.discrimination, logits, float(self.disentangling > 0),
                 adversary="discriminator"),
        ]  # fmt: skip
