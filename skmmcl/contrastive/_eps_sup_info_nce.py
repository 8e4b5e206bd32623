"""Supervised contrast with a margin, that can be kept from a bias."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from skmmcl.base import embedder
from skmmcl.contrastive._columns import as_codes, check_varied, the_column, warn_of_lone
from skmmcl.contrastive._guided import NOT_NEGATIVE, OF_CLASSES, POSITIVE, BaseClassEmbedder
from skmmcl.data import MultimodalData
from skmmcl.losses import EpsSupInfoNCELoss, FairKLLoss
from skmmcl.training import Term
from skmmcl.utils._sklearn import StrOptions


@embedder
class EpsSupInfoNCEEmbedder(BaseClassEmbedder):
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
    temperature : float, default=0.1
        Divides the similarities. Small values dwell on the most similar subjects.
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
        The classes.
    n_features_in_ : int
        Number of numbers per subject, over all modalities.
    feature_names_in_ : ndarray of str
        Names of the columns; only if fitted on a DataFrame.

    See Also
    --------
    SupConEmbedder : No margin, no bias.
    skmmcl.losses.EpsSupInfoNCELoss : The loss.
    skmmcl.losses.FairKLLoss : The term that keeps from a bias.

    Notes
    -----
    An unlabelled subject attracts its own modalities alone; it has no part in FairKL, nor
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

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseClassEmbedder._parameter_constraints,  # noqa: SLF001
        "epsilon": NOT_NEGATIVE,
        "form": [StrOptions({"out", "in", "supcon"})],
        "bias": [str, None],
        "bias_weight": NOT_NEGATIVE,
        "bias_form": [StrOptions({"moments", "kl"})],
        "metadata": [str, None],
        "temperature": POSITIVE,
    }

    def _read_values(self, y: Any, data: MultimodalData) -> np.ndarray | None:
        if self.bias is None:
            return None
        return as_codes(the_column(data, self.bias), self.bias)[:, None]

    def _learn_values(self, values: np.ndarray, sample_weight: np.ndarray | None) -> None:
        check_varied(values, [str(self.bias)])
        warn_of_lone(values, f"groups of bias={self.bias!r}", stacklevel=5)

    def _make_objective(self) -> list[Term]:
        contrast = EpsSupInfoNCELoss(self.temperature, epsilon=self.epsilon, form=self.form)
        terms = [Term("contrast", contrast, on=OF_CLASSES)]
        if self.bias is not None:
            z, *others = OF_CLASSES
            of_bias = (z, "y", "targets", *others[1:])
            fair = FairKLLoss(self.bias_form)
            terms.append(Term("fair_kl", fair, on=of_bias, weight=self.bias_weight))
        return terms
