"""Supervised encoders: the reference for what is trained without labels."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
from sklearn.utils.multiclass import type_of_target

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError
from skmmcl.losses import CrossEntropyLoss, SquaredErrorLoss
from skmmcl.networks import PredictionNetwork
from skmmcl.training import Term
from skmmcl.utils._sklearn import StrOptions
from skmmcl.utils._targets import is_unlabeled


@embedder
class SupervisedEmbedder(BaseEmbedder):
    """Encoders that are each trained to predict ``y`` by a linear layer.

    It is the supervised reference beside which encoders are put that were trained without
    ``y``, or by contrast: one encoder per modality, each with a linear layer of its own,
    trained by cross-entropy or squared error. The representations before that layer, side
    by side, are what `transform` gives.

    Read more in the :ref:`User Guide <deep_info_max>`.

    Parameters
    ----------
    task : {"auto", "classification", "regression"}, default="auto"
        What is predicted. "auto" takes floats with fractions for numbers to regress on, and
        everything else for classes; say "regression" for an age in whole years.
    class_weight : {"balanced"} or None, default=None
        With "balanced", every class of a batch counts alike, however many subjects it has.
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
    task_ : {"classification", "regression"}
        What was predicted.
    classes_ : ndarray
        The classes; only of a classification, or with a probe.
    target_mean_, target_scale_ : ndarray of shape (n_columns,)
        Mean and standard deviation of the training subjects' ``y``, by which it is scaled;
        only of a regression.
    n_features_in_ : int
        Number of numbers per subject, over all modalities.
    feature_names_in_ : ndarray of str
        Names of the columns; only if fitted on a DataFrame.

    See Also
    --------
    DeepInfoMaxEmbedder : The same encoders trained without ``y``.
    skmmcl.contrastive.SupConEmbedder : Brings subjects of a class together.

    Notes
    -----
    A subject whose class is -1, NaN or None, or whose number is NaN or None, takes no part.

    References
    ----------
    .. [1] Fedorov A. et al. (2021). On self-supervised multimodal representation learning:
       an application to Alzheimer's disease. ISBI.

    Examples
    --------
    >>> from skmmcl.cross_decomposition import SupervisedEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, y, _ = make_cohort(n_subjects=60, random_state=0)
    >>> SupervisedEmbedder(max_epochs=5, random_state=0).fit_transform(X, y).shape
    (60, 80)
    """

    task: Literal["auto", "classification", "regression"] = "auto"
    class_weight: Literal["balanced"] | None = None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseEmbedder._parameter_constraints,  # noqa: SLF001
        "task": [StrOptions({"auto", "classification", "regression"})],
        "class_weight": [StrOptions({"balanced"}), None],
    }

    def _requires_y(self) -> bool:
        return True

    def _uses_classes(self) -> bool:
        return getattr(self, "task_", "classification") == "classification"

    def _check_y(self, y: Any, data: MultimodalData) -> None:
        super()._check_y(y, data)
        if not hasattr(self, "net_"):
            self.task_ = _task_of(y) if self.task == "auto" else self.task

    def _read_values(self, y: Any, data: MultimodalData) -> np.ndarray | None:
        if self._uses_classes():
            return None
        values = _as_numbers(y)
        if hasattr(self, "net_") and values.shape[1] != len(self.target_mean_):
            raise DataError(
                f"y has {values.shape[1]} columns, but {type(self).__name__} was fitted on "
                f"{len(self.target_mean_)}."
            )
        return values

    def _learn_values(self, values: np.ndarray, sample_weight: np.ndarray | None) -> None:
        weight = np.ones(len(values)) if sample_weight is None else sample_weight
        known = ~np.isnan(values)
        weights, filled = weight[:, None] * known, np.where(known, values, 0)
        total = np.maximum(weights.sum(0), np.finfo(float).tiny)
        mean = (weights * filled).sum(0) / total
        scale = np.sqrt((weights * (filled - mean) ** 2).sum(0) / total)
        if not (scale > 0).all():
            raise DataError(
                f"y must take at least two values to be regressed on; column {scale.argmin()} of "
                f"{values.shape[1]} does not, with {(~known[:, scale.argmin()]).sum()} of "
                f"{len(values)} unknown."
            )
        self.target_mean_, self.target_scale_ = mean, scale

    def _make_views(self) -> list[str]:
        return self.modalities_

    def _make_network(self, **layout: Any) -> partial:
        n_outputs = len(self.classes_ if self._uses_classes() else self.target_mean_)
        return partial(
            PredictionNetwork, n_components=self.n_components, n_outputs=n_outputs, **layout
        )

    def _make_objective(self) -> list[Term]:
        on = ("mask", "sample_weight")
        if self._uses_classes():
            loss = CrossEntropyLoss(balanced=self.class_weight == "balanced")
            return [Term("cross_entropy", loss, on=("z", "y", *on))]
        center, scale = (tuple(x.tolist()) for x in (self.target_mean_, self.target_scale_))
        return [Term("squared_error", SquaredErrorLoss(center, scale), on=("z", "targets", *on))]


def _task_of(y: Any) -> str:
    """What ``y`` is to be taken for."""
    array = np.asarray(y)
    known = array[~is_unlabeled(array)]
    known = np.array(known.tolist()) if known.dtype == object else known
    is_continuous = len(known) > 0 and type_of_target(known).startswith("continuous")
    return "regression" if is_continuous else "classification"


def _as_numbers(y: Any) -> np.ndarray:
    """Columns of numbers (n_samples, n_columns), NaN where unknown."""
    array = np.array(y, dtype=object)
    if array.ndim not in (1, 2) or (array.ndim == 2 and not array.shape[1]):
        raise DataError(
            f"y has shape {array.shape}; expected (n_samples,) or (n_samples, n_columns)."
        )
    try:
        values = np.where(is_unlabeled(array, None), np.nan, array).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"y holds no numbers to regress on: {error}") from error
    if np.isinf(values).any():
        raise DataError("y holds infinite numbers.")
    return values.reshape(len(values), -1)
