"""Contrastive regression: embeddings in which a continuous target is in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

import torch

from skmmcl.base import embedder
from skmmcl.contrastive._guided import BANDWIDTH, COLUMNS, KERNEL, OF_METADATA, POSITIVE
from skmmcl.contrastive._metadata import BaseKernelEmbedder
from skmmcl.losses import ExpRegressionLoss, ThresholdRegressionLoss, YAwareLoss
from skmmcl.training import Term
from skmmcl.utils._sklearn import StrOptions

LOSSES = {"exp": ExpRegressionLoss, "threshold": ThresholdRegressionLoss, "y-aware": YAwareLoss}


@embedder
class ContrastiveRegressionEmbedder(BaseKernelEmbedder):
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
    metadata : str, list of str or None, default=None
        Columns of the side data of X, ``X.meta``, that guide the contrast; ``y`` is then
        not needed. None takes ``y``.
    kernel : str, list of str or callable, default="gaussian"
        How alike subjects are by their metadata: "cauchy", "epanechnikov",
        "exponential" or "gaussian" for numbers, "delta" for classes, "jaccard" for sets
        of labels; a list with one for each column, whose product is taken; or a function
        of a tensor (..., n_samples, n_columns) that gives weights (..., n_samples,
        n_samples).
    bandwidth : {"scott", "silverman", "median"}, float or list of float, default="scott"
        Distance at which numbers begin to differ, in their units, for all columns or for
        each; or the rule by which `skmmcl.kernels.estimate_bandwidth` finds it for the
        training subjects. Classes and sets of labels have none.
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
    bandwidth_ : ndarray of shape (n_columns,)
        Bandwidth of each column of the metadata; 1 where the kernel has none.
    metadata_names_ : list of str
        Names of the columns of the metadata.
    n_features_in_ : int
        Number of numbers per subject, over all modalities.
    feature_names_in_ : ndarray of str
        Names of the columns; only if fitted on a DataFrame.

    See Also
    --------
    YAwareEmbedder : Attraction by a kernel, repulsion of all alike.
    EpsSupInfoNCEEmbedder : For classes, and can be kept from a bias such as the site.

    Notes
    -----
    A subject of whom the target is unknown, NaN or None, attracts its own modalities alone.
    The memory of "exp" and "threshold" grows with the square of ``batch_size``.

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
    metadata: str | Sequence[str] | None = None
    kernel: str | Sequence[str] | Callable[..., torch.Tensor] = "gaussian"
    bandwidth: Literal["scott", "silverman", "median"] | float | Sequence[float] = "scott"
    temperature: float = 0.1
    projection_dim: int | None = None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseKernelEmbedder._parameter_constraints,  # noqa: SLF001
        "loss": [StrOptions(set(LOSSES))],
        "metadata": COLUMNS,
        "kernel": KERNEL,
        "bandwidth": BANDWIDTH,
        "temperature": POSITIVE,
    }

    def _is_on_sphere(self) -> bool:
        return self.loss == "y-aware"

    def _make_objective(self) -> list[Term]:
        loss = LOSSES[self.loss](self.temperature, **self._of_kernel())
        return [Term("regression", loss, on=OF_METADATA)]
