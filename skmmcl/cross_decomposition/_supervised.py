"""Supervised encoders: the reference for encoders trained without labels."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Literal

from skmmcl.base import BaseEmbedder, Guide, embedder
from skmmcl.cross_decomposition._predicted import TargetGuide, TaskClasses, task_of
from skmmcl.cross_decomposition._recipes import SUPERVISED
from skmmcl.losses import AbsoluteErrorLoss, CrossEntropyLoss, SquaredErrorLoss
from skmmcl.networks._multiview import PredictionNetwork
from skmmcl.training import Term
from skmmcl.utils._sklearn import StrOptions


@embedder
class SupervisedEmbedder(BaseEmbedder):
    """Encoders of the modalities, each trained to predict ``y`` by a linear layer.

    This is the supervised reference for encoders that are trained without ``y``, or by contrast:
    one encoder per modality, each with a linear layer of its own, trained by cross-entropy or by
    the error of a regression. `transform` returns the representations before that layer, side by
    side.

    Read more in the :ref:`User Guide <deep_info_max>`.

    Parameters
    ----------
    task : {"auto", "classification", "regression"}, default="auto"
        Task. "auto" is "regression" for numbers with fractions, and "classification" for all else,
        with a warning if there are more than ten different numbers. Set "regression" for an age in
        whole years.
    class_weight : {"balanced"} or None, default=None
        With "balanced", every class of a batch has the same weight, whatever its size.
    error : {"squared", "absolute"}, default="squared"
        Error of a regression: squared, or absolute, which is less sensitive to outliers.

    Attributes
    ----------
    task_ : {"classification", "regression"}
        Task of the training.
    target_mean_, target_scale_ : ndarray of shape (n_columns,)
        Mean and standard deviation of the training subjects' ``y``, by which it is scaled; only
        for a regression.

    See Also
    --------
    DeepInfoMaxEmbedder : The same encoders trained without ``y``.
    skmmcl.contrastive.SupConEmbedder : Brings subjects of a class together.

    Notes
    -----
    A subject whose class is -1, NaN or None, or whose number is NaN or None, takes no part.

    ``from_paper()`` trains volumes of 32, 64 or 128 voxels a side as the paper trains all its
    models, each class as often as the largest; a regression needs ``sampler="stratified"``. Its
    flips and crops, the same for both modalities of a subject, are ``augment={("t1", "falff"):
    published_augmentation("fedorov")}``. The data, OASIS-3, are available on request.

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
    error: Literal["squared", "absolute"] = "squared"

    _paper: ClassVar[dict[str, Any]] = SUPERVISED
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "task": [StrOptions({"auto", "classification", "regression"})],
        "class_weight": [StrOptions({"balanced"}), None],
        "error": [StrOptions({"squared", "absolute"})],
    }

    def _make_guide(self, y: Any) -> Guide:
        is_open = self.task == "auto"
        task: str = ("classification" if y is None else task_of(y)) if is_open else self.task
        if task == "regression":
            return TargetGuide(type(self).__name__)
        return TaskClasses(is_guessed=is_open)

    def _make_views(self) -> list[str]:
        return self.modalities_

    def _make_network(self, **layout: Any) -> partial:
        n_outputs = len(self.classes_ if self._guide.of_classes else self.target_mean_)
        return partial(
            PredictionNetwork, n_components=self.n_components, n_outputs=n_outputs, **layout
        )

    def _make_objective(self) -> list[Term]:
        on = ("mask", "sample_weight")
        if self._guide.of_classes:
            loss = CrossEntropyLoss(balanced=self.class_weight == "balanced")
            return [Term("cross_entropy", loss, on=("z", "y", *on))]
        center, scale = (tuple(x.tolist()) for x in (self.target_mean_, self.target_scale_))
        error = SquaredErrorLoss if self.error == "squared" else AbsoluteErrorLoss
        return [Term(f"{self.error}_error", error(center, scale), on=("z", "targets", *on))]
