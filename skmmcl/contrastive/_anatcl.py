"""AnatCL: contrast guided by the anatomy of regions and by age."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from torch import Tensor

from skmmcl.base import embedder
from skmmcl.contrastive._columns import measures_of_regions
from skmmcl.contrastive._guided import COLUMNS, NOT_NEGATIVE, OF_METADATA, POSITIVE
from skmmcl.contrastive._metadata import BaseKernelEmbedder
from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError
from skmmcl.losses import AnatCLLoss, YAwareLoss
from skmmcl.training import Term
from skmmcl.utils._sklearn import StrOptions


class AnatCLOfTargets(AnatCLLoss):
    """The loss of targets that hold the age and then all measures, side by side."""

    def __init__(self, shape: tuple[int, ...], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.shape = shape

    def forward(self, z: Tensor, targets: Tensor, *others: Tensor | None) -> Tensor:
        """Sum of the two terms, each a mean over the anchors."""
        measures = targets[..., 1:].unflatten(-1, self.shape)
        return super().forward(z, measures, targets[..., 0], *others)


@embedder
class AnatCLEmbedder(BaseKernelEmbedder):
    """Contrast that attracts subjects of like anatomy and of like age.

    One encoder per modality is trained so that the embeddings of subjects are the nearer to
    each other, the more alike measures of their brain regions are, and the nearer their
    ages are.

    Read more in the :ref:`User Guide <guided>`.

    Parameters
    ----------
    measures : str, list of str or None, default=None
        Tables of the side data of X, ``X.meta``, or modalities, of shape (n_regions,) or
        (n_regions, n_measures) per subject: cortical thickness, volume and surface of the
        same regions. None takes every table of the side data; where there is none, age
        alone guides.
    anatomy : {"local", "global"}, default="local"
        Whether regions are compared one by one, by the angle between their measures, or
        all at once in each measure.
    anatomy_weight : float, default=1.0
        Weight of the contrast by anatomy beside that by age.
    sharpness : float, default=None
        Anatomies are much alike; if given, a likeness a becomes ``exp(sharpness * (a -
        1))``.
    metadata : str or None, default=None
        Column of ``X.meta`` that holds the age; ``y`` is then not needed. None takes ``y``.
    bandwidth : {"scott", "silverman", "median"} or float, default="scott"
        Distance at which ages begin to differ, in years; or the rule by which
        `skmmcl.kernels.estimate_bandwidth` finds it for the training subjects.
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
    YAwareEmbedder : By age, or other metadata, alone.
    skmmcl.losses.AnatCLLoss : The loss.

    Notes
    -----
    Measures guide the training alone, new subjects need none; those that are a modality are
    an input besides. A subject some of whose measures are unknown (NaN), or whose age is,
    attracts its own modalities alone in that term.

    References
    ----------
    .. [1] Barbano C. A. et al. (2024). Anatomical foundation models for brain MRIs.
       arXiv 2408.07079.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl import MultimodalData
    >>> from skmmcl.contrastive import AnatCLEmbedder
    >>> rng = np.random.default_rng(0)
    >>> X = MultimodalData(
    ...     t1=rng.normal(size=(60, 30)),
    ...     fc=rng.normal(size=(60, 10, 10)),
    ...     meta={
    ...         "age": rng.uniform(20, 80, 60),
    ...         "thickness": rng.uniform(1, 4, (60, 68)),
    ...         "volume": rng.uniform(1e3, 1e4, (60, 68)),
    ...     },
    ... )
    >>> embedder = AnatCLEmbedder(
    ...     measures=["thickness", "volume"], metadata="age", max_epochs=5, random_state=0
    ... )
    >>> embedder.fit_transform(X).shape
    (60, 32)
    """

    measures: str | Sequence[str] | None = None
    anatomy: Literal["local", "global"] = "local"
    anatomy_weight: float = 1.0
    sharpness: float | None = None
    metadata: str | None = None
    bandwidth: Literal["scott", "silverman", "median"] | float = "scott"
    temperature: float = 0.1
    projection_dim: int | None = None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseKernelEmbedder._parameter_constraints,  # noqa: SLF001
        "measures": COLUMNS,
        "anatomy": [StrOptions({"local", "global"})],
        "anatomy_weight": NOT_NEGATIVE,
        "sharpness": [*POSITIVE, None],
        "metadata": [str, None],
        "bandwidth": [StrOptions({"scott", "silverman", "median"}), *POSITIVE],
        "temperature": POSITIVE,
    }

    def _kernel_used(self) -> str:
        return "gaussian"

    def _read_values(self, y: Any, data: MultimodalData) -> np.ndarray | None:
        age = super()._read_values(y, data)
        if age is None or age.shape[1] != 1:
            raise DataError(f"Age is one column, found {self.metadata_names_}.")
        measures = measures_of_regions(data, self.measures)
        found = None if measures is None else measures.shape[1:]
        if not hasattr(self, "net_"):
            self._table: tuple[int, ...] | None = found
        elif found != self._table:
            raise DataError(
                f"The measures have shape {found} per subject, but {type(self).__name__} was "
                f"fitted on {self._table}."
            )
        return age if measures is None else np.c_[age, measures.reshape(len(data), -1)]

    def _learn_values(self, values: np.ndarray, sample_weight: np.ndarray | None) -> None:
        super()._learn_values(values[:, :1], sample_weight)
        if values.shape[1] > 1 and np.isnan(values[:, 1:]).any(1).all():
            raise DataError(f"None of the {len(values)} subjects has all measures of all regions.")

    def _make_objective(self) -> list[Term]:
        if self._table is None:
            return [Term("y_aware", YAwareLoss(self.temperature, **self._of_kernel()), OF_METADATA)]
        loss = AnatCLOfTargets(
            self._table,
            self.temperature,
            anatomy=self.anatomy,
            bandwidth=float(self.bandwidth_[0]),
            anatomy_weight=self.anatomy_weight,
            sharpness=self.sharpness,
        )
        return [Term("anat_cl", loss, on=OF_METADATA)]
