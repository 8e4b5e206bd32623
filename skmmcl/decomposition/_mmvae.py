"""MMVAE: a variational autoencoder of several modalities, with one expert for each."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Literal

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.base._parameters import COUNT, POSITIVE
from skmmcl.decomposition._recipes import MMVAE
from skmmcl.losses import MMVAELoss
from skmmcl.networks._mmvae import MMVAENetwork
from skmmcl.training import Term
from skmmcl.utils._sklearn import StrOptions


@embedder
class MMVAEEmbedder(BaseEmbedder):
    """Mixture-of-experts variational autoencoder of several modalities.

    The encoder of each modality gives a distribution of the latent variables, an expert; the
    posterior of a subject is the mixture of its experts, with equal weights. Draws of each expert
    are decoded to every modality, so that both shared factors, which predict other modalities, and
    private ones, which describe one modality, are learned. The representation of a modality is the
    mean of its expert.

    Read more in the :ref:`User Guide <mmvae>`.

    Parameters
    ----------
    n_importance_samples : int, default=5
        Number of draws of each expert in a step. More make the bound on the likelihood tighter;
        time and memory grow with their number times the number of modalities squared.
    posterior : {"normal", "laplace"}, default="normal"
        Family of the experts and, with mean 0 and scale 1, of the prior. The authors'
        code takes "laplace", which prefers latent variables that follow its axes.
    likelihood : {"normal", "laplace"}, default="normal"
        Family of the modalities, given the latent variables. "laplace" is robust to outliers.
    likelihood_scale : float or None, default=None
        Scale of the likelihood, in the units of the encoders' input: 1 is the standard deviation
        of standardized arrays. None learns one for each modality, which weights the modalities.

    Attributes
    ----------
    classes_ : ndarray
        The classes; only with a probe.

    See Also
    --------
    skmmcl.cross_decomposition.CMCCSSEmbedder : Contrasts modalities, and reconstructs none.

    Notes
    -----
    The objective is the looser importance-weighted bound of [1]_, in which the mean over experts
    is outside the logarithm: every modality must explain all others. The posterior of a subject
    without a modality is the mixture of those that are present, and only these are decoded.

    Reconstructions are those of the encoders' input: component scores, or standardized arrays
    where ``input_components`` does not apply. A decoder mirrors its encoder if that is an MLP or
    ``"dcgan"``; for all others it has one hidden layer.

    Draws come from the network's own generator. Within :func:`~skmmcl.parallel.stacked_fits`, fits
    train one by one.

    ``from_paper()`` trains volumes of 32, 64 or 128 voxels a side as [2]_ does, with the
    families of the authors' code; ``lr`` is the largest rate of the cycle. Of five folds three
    did not converge there. OASIS-3 is available on request.

    References
    ----------
    .. [1] Shi Y., Siddharth N., Paige B., Torr P. (2019). Variational mixture-of-experts
       autoencoders for multi-modal deep generative models. NeurIPS 32.
    .. [2] Fedorov A. et al. (2021). On self-supervised multi-modal representation learning:
       an application to Alzheimer's disease. ISBI.

    Examples
    --------
    >>> from skmmcl.datasets import make_cohort
    >>> from skmmcl.decomposition import MMVAEEmbedder
    >>> X, _, _ = make_cohort(n_subjects=60, random_state=0)
    >>> MMVAEEmbedder(max_epochs=2, random_state=0).fit_transform(X).shape
    (60, 80)
    """

    n_importance_samples: int = 5
    posterior: Literal["normal", "laplace"] = "normal"
    likelihood: Literal["normal", "laplace"] = "normal"
    likelihood_scale: float | None = None

    _paper: ClassVar[dict[str, Any]] = MMVAE
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_importance_samples": COUNT,
        "posterior": [StrOptions({"normal", "laplace"})],
        "likelihood": [StrOptions({"normal", "laplace"})],
        "likelihood_scale": [*POSITIVE, None],
    }

    def _make_network(self, **layout: Any) -> partial:
        return partial(
            MMVAENetwork,
            n_components=self.n_components,
            n_draws=self.n_importance_samples,
            posterior=self.posterior,
            likelihood=self.likelihood,
            likelihood_scale=self.likelihood_scale,
            **layout,
        )

    def _make_objective(self) -> list[Term]:
        return [
            Term("bound", MMVAELoss(), on=("log_joint", "log_posteriors", "mask", "sample_weight"))
        ]
