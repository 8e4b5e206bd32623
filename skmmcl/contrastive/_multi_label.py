"""Supervised contrast of subjects who have several labels each."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from numbers import Real
from typing import Any, ClassVar, Literal

import numpy as np

from skmmcl.base import embedder
from skmmcl.contrastive._columns import as_codes, as_labels_of_sets
from skmmcl.contrastive._guided import COLUMNS, OF_METADATA, POSITIVE
from skmmcl.contrastive._metadata import BaseMetadataEmbedder
from skmmcl.exceptions import DataError
from skmmcl.losses import JaccardSupConLoss, MulSupConLoss
from skmmcl.training import Term
from skmmcl.utils._sklearn import Interval, StrOptions


@embedder
class MultiLabelSupConEmbedder(BaseMetadataEmbedder):
    """Supervised contrast of subjects who have several labels each.

    One encoder per modality is trained so that subjects who share labels are near each
    other. Labels are the columns of ``y``, zeros and ones, such as diagnoses; or the classes
    of each column of metadata, such as sex and site; or the one class in a ``y`` of one
    dimension.

    Read more in the :ref:`User Guide <guided>`.

    Parameters
    ----------
    weighting : {"jaccard", "labels"}, default="jaccard"
        Whether subjects attract by the Jaccard index of their sets of labels, or once for
        each label that they share.
    threshold : float, default=0.3
        With "jaccard", the least index of a positive.
    metadata : str, list of str or None, default=None
        Columns of the side data of X, ``X.meta``, that guide the contrast; ``y`` is then
        not needed. None takes ``y``.
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
    metadata_names_ : list of str
        Names of the columns of the metadata.
    n_features_in_ : int
        Number of numbers per subject, over all modalities.
    feature_names_in_ : ndarray of str
        Names of the columns; only if fitted on a DataFrame.

    See Also
    --------
    SupConEmbedder : For one class a subject.
    skmmcl.preprocessing.metadata_labels : Makes such labels of columns of metadata.
    skmmcl.losses.JaccardSupConLoss : The loss by the Jaccard index.
    skmmcl.losses.MulSupConLoss : The loss label by label.

    Notes
    -----
    A subject with -1 or NaN among its labels is unlabelled, and attracts its own modalities
    alone.

    References
    ----------
    .. [1] Takaya E., Inamori R. (2025). ModAn-MulSupCon. arXiv 2508.18613.
    .. [2] Zhang P., Wu M. (2024). Multi-label supervised contrastive learning. AAAI.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.contrastive import MultiLabelSupConEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, y, _ = make_cohort(n_subjects=60, random_state=0)
    >>> diagnoses = np.column_stack([y, 1 - y, np.arange(60) % 2])
    >>> embedder = MultiLabelSupConEmbedder(max_epochs=5, random_state=0)
    >>> embedder.fit_transform(X, diagnoses).shape
    (60, 80)
    """

    weighting: Literal["jaccard", "labels"] = "jaccard"
    threshold: float = 0.3
    metadata: str | Sequence[str] | None = None
    temperature: float = 0.1
    projection_dim: int | None = None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMetadataEmbedder._parameter_constraints,  # noqa: SLF001
        "weighting": [StrOptions({"jaccard", "labels"})],
        "threshold": [Interval(Real, 0, 1, closed="right")],
        "metadata": COLUMNS,
        "temperature": POSITIVE,
    }

    def _as_numbers(self, columns: dict[str, np.ndarray]) -> np.ndarray:
        if self.metadata is None and len(columns) > 1:
            return as_labels_of_sets(columns)
        of_columns = [one_hot(as_codes(values, name)) for name, values in columns.items()]
        return np.column_stack(of_columns)

    def _learn_values(self, values: np.ndarray, sample_weight: np.ndarray | None) -> None:
        known = values[~np.isnan(values).any(1)]
        empty = np.sum(~known.any(1))
        if empty:
            raise DataError(
                f"{empty} of {len(values)} subjects have no label at all, every entry is 0. Leave "
                "them out, give them a label of their own, or mark them unlabelled by -1."
            )
        n_sets = len(np.unique(known, axis=0))
        if n_sets < 2:
            raise DataError(
                f"{type(self).__name__} needs at least two different sets of labels, found "
                f"{n_sets}, with {len(values) - len(known)} unlabelled subjects."
            )

        lone = int((known.sum(0) == 1).sum())
        if lone:
            warnings.warn(
                f"{lone} of the {known.shape[1]} labels are borne by a single subject.",
                UserWarning,
                stacklevel=4,
            )

    def _make_objective(self) -> list[Term]:
        loss = (
            JaccardSupConLoss(self.temperature, threshold=self.threshold)
            if self.weighting == "jaccard"
            else MulSupConLoss(self.temperature)
        )
        return [Term("multi_label", loss, on=OF_METADATA)]


def one_hot(codes: np.ndarray) -> np.ndarray:
    """A column of zeros and ones for each class; NaN where the code is."""
    classes = np.unique(codes[~np.isnan(codes)])
    return np.where(np.isnan(codes)[:, None], np.nan, codes[:, None] == classes)
