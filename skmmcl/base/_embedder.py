"""Parameters and public methods that all embedders share."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skmmcl.base._decorator import embedder
from skmmcl.base._engine import EngineMixin
from skmmcl.base._input import check_finite, check_subjects
from skmmcl.base._solution import Solution
from skmmcl.data import MultimodalData
from skmmcl.training import represent
from skmmcl.utils._sklearn import (
    HasMethods,
    Interval,
    StrOptions,
    check_feature_names_in,
    fit_context,
    get_output_config,
)


def _trains(estimator: BaseEmbedder) -> bool:
    """Whether there is `partial_fit`: closed forms do not go on from where they stand."""
    if estimator.solver == "closed_form":
        raise AttributeError("solver='closed_form' has no partial_fit; solver='gradient' has.")
    return True


@embedder
class BaseEmbedder(EngineMixin, TransformerMixin, BaseEstimator):
    """Base of the transformers that train one encoder per modality.

    A method says what its network is (`_make_network`) and what its objective is
    (`_make_objective`); everything else is done here.

    Parameters
    ----------
    modalities : dict, list of str or None, default=None
        For a table, the columns of each modality:
        ``{"smri": slice(0, 100), "fc": "fc_*", "clinical": ["age", "iq"]}``. For
        multimodal input, the names of the modalities to use; None for all.
    n_components : int, default=16
        Width of each modality's representation. Columns of supervised terms that are solved
        have the width of their target instead.
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
    input_noise : float, default=0.0
        Standard deviation of normal noise that is added to vectors and matrices in each batch
        of the training, drawn anew for each view, in units of each feature's standard
        deviation. Symmetric matrices stay symmetric; what is absent, volumes, and what
        ``augment`` changes get none. See :ref:`input_noise`.
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
    solver : {"auto", "closed_form", "gradient"}, default="gradient"
        How the objective is minimized. "gradient" trains a network. "closed_form" solves
        each term, by a discriminant of each modality and of all jointly that regresses onto
        the optimum of the loss; it needs no network and takes milliseconds. "auto" solves
        the terms with a known optimum and trains others where that helps. Training
        subjects get leave-one-out columns from `fit_transform`.
    kernel_features : {"auto", "exact"} or int, default="auto"
        Number of random features that stand for the Gaussian kernel of the closed form.
        With them the fitted estimator holds no subject's data. "auto" is 1,000, and 448
        above 4,000 labeled subjects. With "exact" it holds the training subjects' values.
    groups : str, default=None
        Column of ``X.meta`` that says which subjects belong together, such as scans of one
        person or siblings. The closed form leaves them out together.
    invariant_to : str, default=None
        Column of ``X.meta``, such as the site, whose effect at a given target the closed
        form removes.
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
        same result; None takes one from numpy's generator. Torch's is left alone. Random
        features of the closed form are the same for None each time.

    Attributes
    ----------
    net_ : skorch net or None
        The trained network, ``net_.module_``, with its ``history``; None where all terms
        were solved.
    modalities_ : list of str
        Names of the modalities.
    shapes_ : dict of str to tuple
        Shape of one subject in each modality.
    mean_representation_ : ndarray of shape (n_views, n_components)
        Mean of the training subjects, which replaces that of an absent modality; only with
        a network.
    history_ : dict of str to ndarray
        Loss and terms, by epoch.
    n_iter_ : int
        Number of epochs that were run.
    n_features_in_ : int
        Number of numbers per subject, over all modalities.
    feature_names_in_ : ndarray of str
        Names of the columns; only if fitted on a DataFrame.

    Examples
    --------
    >>> from skmmcl.base import BaseEmbedder, embedder
    >>> from skmmcl.losses import PairwiseCMCLoss
    >>> from skmmcl.training import Term
    >>> @embedder
    ... class PairwiseEmbedder(BaseEmbedder):
    ...     temperature: float = 0.1
    ...
    ...     def _make_objective(self):
    ...         return [Term("nce", PairwiseCMCLoss(self.temperature), on=("z", "mask"))]
    >>> from skmmcl.datasets import make_cohort
    >>> X, _, _ = make_cohort(n_subjects=20, random_state=0)
    >>> PairwiseEmbedder(max_epochs=2, random_state=0).fit_transform(X).shape
    (20, 80)
    """

    modalities: Mapping[str, Any] | Sequence[str] | None = None
    n_components: int = 16
    encoders: Any = "auto"
    standardize: bool = True
    input_components: int | None = 60
    input_noise: float = 0.0
    augment: Any = None
    impute: Literal["mean", "ridge"] = "mean"
    on_empty: Literal["error", "nan"] = "error"
    solver: Literal["auto", "closed_form", "gradient"] = "gradient"
    kernel_features: Literal["auto", "exact"] | int = "auto"
    groups: str | None = None
    invariant_to: str | None = None
    max_epochs: int = 100
    batch_size: int = 64
    sampler: Literal["stratified", "balanced"] = "stratified"
    lr: float = 1e-3
    weight_decay: float = 1e-3
    optimizer: Any = "adam"
    lr_schedule: Literal["cosine", "onecycle"] | None = None
    gradient_clip: float | None = None
    validation_fraction: float | None = None
    n_iter_no_change: int | None = 20
    monitor: Literal["loss", "probe"] = "loss"
    callbacks: Sequence[Any] | None = None
    warm_start: bool = False
    checkpoint: Any = None
    device: str = "auto"
    dtype: Literal["float32", "float64", "auto"] = "float32"
    verbose: int = 0
    random_state: Any = None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "modalities": [None, dict, list, tuple],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "encoders": [str, dict, callable, torch.nn.Module],
        "standardize": ["boolean"],
        "input_components": [Interval(Integral, 1, None, closed="left"), None],
        "input_noise": [Interval(Real, 0, None, closed="left")],
        "augment": [dict, None],
        "impute": [StrOptions({"mean", "ridge"})],
        "on_empty": [StrOptions({"error", "nan"})],
        "solver": [StrOptions({"auto", "closed_form", "gradient"})],
        "kernel_features": [
            StrOptions({"auto", "exact"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "groups": [str, None],
        "invariant_to": [str, None],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "sampler": [StrOptions({"stratified", "balanced"})],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "optimizer": [StrOptions({"adam", "adamw", "radam", "sgd"}), callable],
        "lr_schedule": [StrOptions({"cosine", "onecycle"}), None],
        "gradient_clip": [Interval(Real, 0, None, closed="neither"), None],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), None],
        "monitor": [StrOptions({"loss", "probe"})],
        "callbacks": [list, tuple, None],
        "warm_start": ["boolean"],
        "checkpoint": [None, str, HasMethods("__fspath__")],
        "device": [str, torch.device],
        "dtype": [StrOptions({"float32", "float64", "auto"})],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, *, sample_weight: Any = None) -> Self:
        """Fit to the training subjects.

        Parameters
        ----------
        X : MultimodalData, mapping, list of records, DataFrame or array
            The modalities of n_samples subjects. A table needs ``modalities``.
        y : array-like of shape (n_samples,) or (n_samples, n_columns), default=None
            What the method is to know of the subjects, for most a class label; -1, NaN or
            None where a subject is unlabeled.
        sample_weight : array-like of shape (n_samples,), default=None
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        resume = self.warm_start and getattr(self, "net_", None) is not None
        return self._fit(
            X, y, sample_weight, n_epochs=self.max_epochs, resume=resume, solver=self.solver
        )

    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Any, y: Any = None, *, sample_weight: Any = None) -> np.ndarray:
        """Fit, and represent the training subjects.

        Where terms are solved in closed form this differs from ``fit(X, y).transform(X)`` by
        design: each subject's columns come from a discriminant that has not seen the subject's
        target (leave-one-out), so that what is learned on top of them is not optimistic.

        Parameters
        ----------
        X : MultimodalData, mapping, list of records, DataFrame or array
            The modalities of n_samples subjects. A table needs ``modalities``.
        y : array-like of shape (n_samples,) or (n_samples, n_columns), default=None
            What the method is to know of the subjects, for most a class label; -1, NaN or
            None where a subject is unlabeled.
        sample_weight : array-like of shape (n_samples,), default=None
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        ndarray of shape (n_samples, n_columns)
            The representations.
        """
        self._training_columns = []  # filled by fit, and not kept
        try:
            weight = {} if sample_weight is None else {"sample_weight": sample_weight}
            self.fit(X, y, **weight)
            found = self._training_columns
        finally:
            del self._training_columns
        if not found:
            return self.transform(X)
        return self._transformed(self._read(X, reset=False), *found)

    @available_if(_trains)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None, *, sample_weight: Any = None) -> Self:
        """Train for one epoch more; the first call fixes scaling, shapes and classes.

        A pickle or a copy of an estimator goes on as the estimator itself would only if it was
        made with ``warm_start=True``: otherwise it holds no moments of the optimizer, which
        then begin anew, with a warning.

        Parameters
        ----------
        X : MultimodalData, mapping, list of records, DataFrame or array
            The modalities of n_samples subjects. A table needs ``modalities``.
        y : array-like of shape (n_samples,) or (n_samples, n_columns), default=None
            What the method is to know of the subjects, for most a class label; -1, NaN or
            None where a subject is unlabeled.
        sample_weight : array-like of shape (n_samples,), default=None
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        resume = getattr(self, "net_", None) is not None
        if hasattr(self, "net_") and not resume:
            warnings.warn(
                f"This {type(self).__name__} was solved in closed form, from which partial_fit "
                "cannot go on: it begins to train a network, as with solver='gradient'.",
                UserWarning,
                stacklevel=3,
            )
        return self._fit(X, y, sample_weight, n_epochs=1, resume=resume, solver="gradient")

    def transform(self, X: Any) -> np.ndarray:
        """Represent subjects.

        Parameters
        ----------
        X : MultimodalData, mapping, list of records, DataFrame or array
            The modalities that were seen in fit; any of them may be absent.

        Returns
        -------
        ndarray of shape (n_samples, n_columns)
            The representations of all modalities, side by side.
        """
        check_is_fitted(self, "net_")
        return self._transformed(self._read(X, reset=False))

    def _transformed(
        self, data: MultimodalData, rows: Any = (), columns: np.ndarray | None = None
    ) -> np.ndarray:
        """What `transform` gives for subjects that have been read.

        Rows of training subjects get the columns that were solved for them.
        """
        check_subjects(data, self._dtype, empty_allowed=self.on_empty == "nan")
        parts = []
        if self._solution is not None:
            parts.append(self._solved(self._solution, data, rows, columns))
        if self.net_ is not None:
            parts.append(self._represented(data) * self._scale)
        out = np.hstack(parts).astype(self._dtype, copy=False)
        check_finite(out, data)
        out[~data.mask.any(axis=1)] = np.nan
        if data.index is None or get_output_config("transform", self)["dense"] != "pandas":
            return out
        import pandas as pd

        index = data.index if data.axis is None else data.axis
        return pd.DataFrame(out, index=index, columns=self.get_feature_names_out())

    @staticmethod
    def _solved(
        solution: Solution, data: MultimodalData, rows: Any, columns: np.ndarray | None
    ) -> np.ndarray:
        """The columns of solved terms; those of training subjects are known."""
        if columns is not None and len(columns) == len(data):
            return columns
        solved = solution.transform(data)
        if columns is not None:  # not of subjects of weight 0
            solved[rows] = columns
        return solved

    def _represented(self, data: MultimodalData) -> np.ndarray:
        """The network's representation of all modalities, side by side."""
        subjects = self._subjects(self.net_, data)
        h = represent(self.net_, subjects)
        present = self._present_blocks(data).T
        h = np.where(present[..., None], h, self.mean_representation_[:, None])
        if self.impute == "ridge" and self._imputation is not None:
            h = self._imputation.fill(self.net_, subjects, h)
        return h.transpose(1, 0, 2).reshape(len(data), -1)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns of `transform`.

        These are ``fc_0``, ``fc_1``, ... of a network, and ``fc_css_0``, ``joint_css_0``, ... of a
        term that is solved, by its name.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Checked against ``feature_names_in_``, otherwise unused.

        Returns
        -------
        ndarray of str
            One name per column.
        """
        check_is_fitted(self, "net_")
        check_feature_names_in(self, input_features)
        solved = [] if self._solution is None else self._solution.names()
        return np.asarray([*solved, *self._names_of_network()], dtype=object)

    def _names_of_network(self) -> list[str]:
        if self.net_ is None:
            return []
        n_views = {name: self.net_.module_.views.count(name) for name in self.modalities_}
        width = self.mean_representation_.shape[1]
        # What is trained needs no name of its own where nothing else stands next to it.
        terms = [] if self._solution is None else [t.name for t in self.net_.criterion_.terms]
        names = ["_".join([m, *terms]) for m in self.modalities_]
        return [
            f"{name}_{i}"
            for m, name in zip(self.modalities_, names, strict=True)
            for i in range(n_views[m] * width)
        ]

    @property
    def history_(self) -> dict[str, np.ndarray]:
        """Mean of the loss and of each term in each epoch; empty where nothing was trained."""
        check_is_fitted(self, "net_")
        if self.net_ is None:
            return {}
        rows = [row for row in self.net_.history if "train_loss" in row]
        last = rows[-1] if rows else {"train_loss": np.nan}  # none if cut off in the first epoch
        names = [k for k, v in last.items() if isinstance(v, float) and k != "dur"]
        return {name: np.array([row.get(name, np.nan) for row in rows]) for name in names}

    @property
    def n_iter_(self) -> int:
        """Number of epochs that were run."""
        return len(self.history_.get("train_loss", ()))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.dict = True
        tags.target_tags.required = self._requires_y()
        tags.transformer_tags.preserves_dtype = (
            ["float64", "float32"] if self.dtype == "auto" else [self.dtype]
        )
        return tags
