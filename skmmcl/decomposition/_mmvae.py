"""MMVAE: a variational autoencoder of several modalities, with one expert for each."""

from __future__ import annotations

from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.losses import MMVAELoss
from skmmcl.networks import MMVAENetwork
from skmmcl.training import Term
from skmmcl.utils._sklearn import Interval, StrOptions


@embedder
class MMVAEEmbedder(BaseEmbedder):
    """Mixture-of-experts variational autoencoder of several modalities.

    The encoder of each modality gives a distribution of the latent variables, an expert;
    the posterior of a subject is the mixture of its experts, alike in weight. Draws of
    each expert are decoded to every modality, so that what one tells of another, shared
    factors, and what it takes to describe itself, private ones, are both learnt. The
    representation of a modality is the mean of its expert.

    Read more in the :ref:`User Guide <mmvae>`.

    Parameters
    ----------
    n_importance_samples : int, default=5
        Draws of each expert in a step. More make the bound on the likelihood tighter; time
        and memory grow with their number times the number of modalities squared.
    posterior : {"normal", "laplace"}, default="normal"
        Family of the experts and, with mean 0 and scale 1, of the prior. The authors'
        code takes "laplace", which prefers latent variables that follow its axes.
    likelihood : {"normal", "laplace"}, default="normal"
        Family of the modalities, given the latent variables. "laplace" bears outliers.
    likelihood_scale : float or None, default=None
        Its scale, in the units that the encoders see: 1 is the deviation of what is
        standardised. None to learn one for each modality, which sets how much each counts.
    modalities : dict, list of str or None, default=None
        For a table, the columns of each modality:
        ``{"smri": slice(0, 100), "fc": "fc_*", "clinical": ["age", "iq"]}``. For
        multimodal input, the names of the modalities to use; None for all.
    n_components : int, default=16
        Width of each modality's representation.
    encoders : "auto", str, Module, callable or dict, default="auto"
        Encoder of all modalities or, in a dict, of each. "auto" is an MLP for vectors
        and self-attention for matrices, both beside a linear shortcut, and a small CNN
        for volumes. Names are "mlp", "linear", "attention", "densenet121", "timm/resnet18"
        and others, see :func:`~skmmcl.networks.make_encoder`; a module is copied with its
        weights; a callable is called as ``encoder(shape, n_components)``.
    standardize : bool, default=True
        Whether each entry of each modality is z-scored by the training subjects.
    input_components : int or None, default=60
        Vectors and matrices are replaced by their scores on so many principal components
        of the training subjects: with more features than subjects an encoder otherwise
        tells subjects apart by their noise. Self-attention and encoders that are given
        see them in their own shape, reconstructed from the scores. None for no
        restriction.
    augment : dict of str to callable, default=None
        Random changes of a modality in training, called as ``transform(x, generator)`` on
        the batch in its own shape and units, for example
        ``{"t1": default_augmentation()}``; see `skmmcl.augmentation`. Modalities that
        stand together in a tuple get the same draw. What is augmented is not restricted
        to principal components.
    impute : {"mean", "ridge"}, default="mean"
        What stands in for the representation of an absent modality: the mean of the
        training subjects, or what the subject's other modalities make of it by ridge
        regression on the training subjects.
    on_empty : {"error", "nan"}, default="error"
        What `transform` does with a subject that has no modality at all: raise, or give a
        row of NaN.
    max_epochs : int, default=100
        Passes over the subjects.
    batch_size : int, default=64
        Subjects in a batch, at least 2. Every batch holds every class.
    sampler : {"stratified", "balanced"}, default="stratified"
        Whether an epoch sees each subject once, or as many of every class of ``y`` as the
        largest has, those of smaller classes drawn with replacement.
    lr : float, default=0.001
        Learning rate.
    weight_decay : float, default=0.001
        Weight decay of the optimizer.
    optimizer : {"adam", "adamw", "radam", "sgd"} or class, default="adam"
        Optimizer, by name or as a class of torch.
    lr_schedule : {"cosine", "onecycle"} or None, default=None
        Course of the learning rate over the epochs; None for a constant one.
    gradient_clip : float, default=None
        Largest norm of the gradient; None for no limit.
    validation_fraction : float, default=None
        Part of the subjects, alike in every class, that is held out of the training to
        watch it; None for no such part.
    n_iter_no_change : int or None, default=20
        With a validation part, stop after so many epochs without improvement and keep
        the weights of the best epoch. None to only watch.
    monitor : {"loss", "probe"}, default="loss"
        What is watched: the loss, or the balanced accuracy of a linear probe.
    callbacks : list of skorch callbacks, default=None
        Called after the engine's own.
    warm_start : bool, default=False
        Whether `fit` goes on from the weights of the last fit.
    checkpoint : path, default=None
        Folder in which the state of a fit is kept, so that the same fit, of the same
        data and parameters, goes on where it was cut off.
    device : str, default="auto"
        Where to train, as torch names it. "auto" is CUDA where there is one.
    dtype : {"float32", "float64", "auto"}, default="float32"
        Precision of training and of the output; "auto" follows the input.
    verbose : int, default=0
        1 for a progress bar, 2 for a table of all losses.
    random_state : int, RandomState instance or None, default=None
        Draws the first weights and the order of the subjects. The same number gives the
        same result; None takes one from numpy's generator. Torch's is left alone.

    Attributes
    ----------
    net_ : skorch net
        The trained network, ``net_.module_``, with its ``history``.
    modalities_ : list of str
        Names of the modalities.
    shapes_ : dict of str to tuple
        Shape of one subject in each modality.
    mean_representation_ : ndarray of shape (n_views, n_components)
        Mean of the training subjects; stands in for an absent modality.
    history_ : dict of str to ndarray
        Loss and terms, by epoch.
    n_iter_ : int
        Number of epochs that were run.
    classes_ : ndarray
        The classes; only with a probe.
    n_features_in_ : int
        Number of numbers per subject, over all modalities.
    feature_names_in_ : ndarray of str
        Names of the columns; only if fitted on a DataFrame.

    See Also
    --------
    skmmcl.cross_decomposition.CMCCSSEmbedder : Contrasts modalities, and reconstructs none.

    Notes
    -----
    The objective is the looser importance-weighted bound of [1]_, in which the mean over
    experts stands outside the logarithm: every modality must explain all others. For a
    subject that lacks a modality the posterior is the mixture of those that are there,
    and only these are decoded.

    What is reconstructed is what the encoders see: component scores, or standardised
    arrays where ``input_components`` does not apply. A decoder mirrors its encoder where
    that is an MLP or ``"dcgan"``; for all others it has one hidden layer.

    Draws come from a generator of the network's own. Fits train alone: within
    :func:`~skmmcl.parallel.stacked_fits` they take no part in a stack.

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

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseEmbedder._parameter_constraints,  # noqa: SLF001
        "n_importance_samples": [Interval(Integral, 1, None, closed="left")],
        "posterior": [StrOptions({"normal", "laplace"})],
        "likelihood": [StrOptions({"normal", "laplace"})],
        "likelihood_scale": [Interval(Real, 0, None, closed="neither"), None],
    }

    @classmethod
    def from_paper(cls, **params: Any) -> Self:
        """Make an estimator with the settings of Fedorov et al.

        They suit volumes with sides of 32, 64 or 128 voxels, and a GPU.

        Parameters
        ----------
        **params
            Parameters that are to differ.

        Returns
        -------
        MMVAEEmbedder

        Examples
        --------
        >>> from skmmcl.decomposition import MMVAEEmbedder
        >>> MMVAEEmbedder.from_paper(max_epochs=20).batch_size
        16
        """
        paper = {
            "posterior": "laplace",
            "likelihood": "laplace",
            "encoders": "dcgan",
            "n_components": 64,
            "optimizer": "radam",
            "lr": 4e-4,
            "lr_schedule": "onecycle",
            "weight_decay": 0.0,
            "max_epochs": 200,
            "batch_size": 16,
        }
        return cls(**{**paper, **params})

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
