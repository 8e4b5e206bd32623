"""CMC+CSS: cross-modality contrast within subjects, supervised contrast across them."""

from __future__ import annotations

from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.losses import CMCLoss, PairwiseCMCLoss, SupConLoss
from skmmcl.networks import encoder_by_shape
from skmmcl.training import Term
from skmmcl.utils._sklearn import Interval, StrOptions


@embedder
class CMCCSSEmbedder(BaseEmbedder):
    """Joint self-supervised and supervised contrast of the modalities of a cohort.

    One encoder per modality is trained so that the modalities of a subject agree and
    differ from those of other subjects (CMC, cross-modality contrast), and so that the
    joined embeddings of subjects of one class agree (CSS, cross-subject contrast). The
    representations of all modalities, side by side, are what a classifier then sees.

    Read more in the :ref:`User Guide <cmc_css>`.

    Parameters
    ----------
    temperature : float, default=0.7
        Divides the cosine similarities in both terms. Small values dwell on the most
        similar negatives.
    cmc_weight : float, default=1.0
        Weight of the self-supervised term; 0 leaves it out.
    css_weight : float, default=1.0
        Weight of the supervised term; with 0 ``y`` is not used.
    denominator : {"negatives", "all"}, default="negatives"
        What the positives of the CMC term are held against: the negatives alone, or
        positives and negatives, which bounds the term below by 0.
    pairwise : bool, default=False
        Whether the CMC term contrasts each pair of modalities by itself instead of all
        at once.
    normalize_each : bool, default=False
        Whether each modality's embedding is put on the unit sphere before they are
        joined for the CSS term, so that none dominates by its length.
    projection_dim : int, default=None
        Width of a two-layer projection head between representation and losses; None for
        no head.
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
        The classes; only with ``css_weight`` above 0 or a probe.
    n_features_in_ : int
        Number of numbers per subject, over all modalities.
    feature_names_in_ : ndarray of str
        Names of the columns; only if fitted on a DataFrame.

    See Also
    --------
    CrossFitTransformer : Gives the classifier on top embeddings of subjects that were
        not seen in training.
    LabeledOnly : Leaves unlabelled subjects out of the classifier on top.

    Notes
    -----
    An absent modality is neither anchor, positive nor negative in the CMC term and a
    block of zeros in the CSS term. The published numbers and the flaws of the released
    code that are not repeated here are in the user guide.

    References
    ----------
    .. [1] Li Z. et al. (2024). Joint self-supervised and supervised contrastive learning
       for multimodal MRI data: Towards predicting abnormal neurodevelopment. Artificial
       Intelligence in Medicine 157:102993.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import Pipeline
    >>> from skmmcl import CMCCSSEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, y, _ = make_cohort(n_subjects=60, random_state=0)
    >>> embedder = CMCCSSEmbedder(max_epochs=5, random_state=0)
    >>> pipe = Pipeline([("cmc", embedder), ("clf", LogisticRegression())])
    >>> pipe.fit(X, y).predict(X).shape
    (60,)
    """

    temperature: float = 0.7
    cmc_weight: float = 1.0
    css_weight: float = 1.0
    denominator: Literal["negatives", "all"] = "negatives"
    pairwise: bool = False
    normalize_each: bool = False
    projection_dim: int | None = None

    _without_y: ClassVar[str] = " Only the self-supervised part (css_weight=0) needs no y."
    _aligns: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseEmbedder._parameter_constraints,  # noqa: SLF001
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "cmc_weight": [Interval(Real, 0, None, closed="left")],
        "css_weight": [Interval(Real, 0, None, closed="left")],
        "denominator": [StrOptions({"negatives", "all"})],
        "pairwise": ["boolean"],
        "normalize_each": ["boolean"],
        "projection_dim": [Interval(Integral, 1, None, closed="left"), None],
    }

    @classmethod
    def from_paper(cls, **params: Any) -> Self:
        """Make an estimator with the settings of the paper's code.

        They suit long training: 1000 epochs in batches of 10.

        Parameters
        ----------
        **params
            Parameters that are to differ.

        Returns
        -------
        CMCCSSEmbedder

        Examples
        --------
        >>> from skmmcl import CMCCSSEmbedder
        >>> CMCCSSEmbedder.from_paper(max_epochs=200).batch_size
        10
        """
        paper = {
            "css_weight": 1.0,
            "input_components": None,
            "encoders": encoder_by_shape,
            "n_components": 8,
            "temperature": 0.7,
            "lr": 1e-3,
            "weight_decay": 1e-3,
            "max_epochs": 1000,
            "batch_size": 10,
        }
        return cls(**{**paper, **params})

    def _make_network(self, **layout: Any) -> partial:
        return super()._make_network(
            projection_dim=self.projection_dim, normalize_each=self.normalize_each, **layout
        )

    def _make_objective(self) -> list[Term]:
        cmc = (
            PairwiseCMCLoss(self.temperature)
            if self.pairwise
            else CMCLoss(self.temperature, denominator=self.denominator)
        )
        css = SupConLoss(self.temperature)
        return [
            Term("cmc", cmc, on=("z", "mask", "sample_weight"), weight=self.cmc_weight),
            Term("css", css, on=("z_fused", "y", "sample_weight"), weight=self.css_weight),
        ]

    def _uses_classes(self) -> bool:
        return self.css_weight > 0
