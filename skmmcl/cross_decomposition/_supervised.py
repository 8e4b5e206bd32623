"""Supervised encoders: the reference for what is trained without labels."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError
from skmmcl.losses import CrossEntropyLoss, SquaredErrorLoss
from skmmcl.networks._multiview import PredictionNetwork
from skmmcl.training import Term
from skmmcl.utils._sklearn import StrOptions
from skmmcl.utils._targets import has_fractions, is_unlabeled


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
        everything else for classes, with a warning if they are more than ten different numbers;
        say "regression" for an age in whole years.
    class_weight : {"balanced"} or None, default=None
        With "balanced", every class of a batch counts alike, however many subjects it has.

    Attributes
    ----------
    task_ : {"classification", "regression"}
        What was predicted.
    classes_ : ndarray
        The classes; only of a classification, or with a probe.
    target_mean_, target_scale_ : ndarray of shape (n_columns,)
        Mean and standard deviation of the training subjects' ``y``, by which it is scaled;
        only of a regression.

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

    _without_classes: ClassVar[str] = (
        "Set task='regression' to predict the number, or task='classification' to predict classes."
    )
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

    def _warn_of_measured(self, known: np.ndarray) -> None:
        if self.task == "auto":
            super()._warn_of_measured(known)

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
    return "regression" if has_fractions(known) else "classification"


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
