"""Parameters and public methods that all embedders share."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted
from torch import nn

from skmmcl.base._decorator import embedder
from skmmcl.base._division import can_train, warn_of_new_network
from skmmcl.base._encoders import encoders_by_modality
from skmmcl.base._fitting import fit_embedder
from skmmcl.base._guide import Guide
from skmmcl.base._input import check_finite, check_subjects, read_input
from skmmcl.base._noise import noise_of
from skmmcl.base._reuse import encoder_of
from skmmcl.base._solution import Solution
from skmmcl.base._trained import Trained, input_stage
from skmmcl.base._views import contrasts_views, made_copies, made_with, warn_of_lone_modality
from skmmcl.data import MultimodalData
from skmmcl.data._layout import Layout
from skmmcl.networks._multiview import MultiviewNetwork
from skmmcl.networks._standardize import InputStage
from skmmcl.training import Term, make_net
from skmmcl.utils._optional import import_pandas
from skmmcl.utils._site import PAGE
from skmmcl.utils._sklearn import check_feature_names_in, fit_context, get_output_config

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from skmmcl.base._parameters import Augmentation
    from skmmcl.utils._typing import RandomState, SampleWeight, Subjects, Target


@embedder
class BaseEmbedder(TransformerMixin, BaseEstimator):
    """Base of the transformers that train one encoder per modality.

    A method defines its objective (`_make_objective`) and, where it is not the usual one, its
    network (`_make_network`), what guides it besides the modalities (`_make_guide`), the
    modality that each view reads (`_make_views`), and how a modality is scaled
    (`_make_stage`). Everything else is done here.

    Attributes
    ----------
    net_ : skorch net or None
        The trained network, ``net_.module_``, with its ``history``; None where all terms
        were solved.
    modalities_ : list of str
        Names of the modalities.
    shapes_ : dict of str to tuple
        Shape of one subject in each modality.
    mean_representation_ : ndarray of shape (n_modalities, n_components)
        Mean of the training subjects, which replaces that of an absent modality; one row where
        the network fuses the modalities. Only with a network.
    classes_ : ndarray
        Classes of ``y``; only where they guide the method, or ``monitor="probe"``.
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
    encoders: str | nn.Module | Callable[..., Any] | Mapping[Any, Any] = "auto"
    standardize: bool | Literal["image"] = True
    input_components: int | None = 60
    input_noise: float = 0.0
    augment: Augmentation = None
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
    optimizer: str | Callable[..., Any] = "adam"
    lr_schedule: str | Callable[..., Any] | None = None
    gradient_clip: float | None = None
    validation_fraction: float | None = None
    n_iter_no_change: int | None = 20
    monitor: Literal["loss", "probe"] = "loss"
    callbacks: Sequence[Any] | None = None
    warm_start: bool = False
    checkpoint: str | os.PathLike[str] | None = None
    device: str = "auto"
    dtype: Literal["float32", "float64", "auto"] = "float32"
    verbose: int = 0
    random_state: RandomState = None

    _aligns: ClassVar[bool] = False  # whether modalities of one subject are to agree
    _of_training: ClassVar[tuple[str, ...]] = ()  # own parameters without effect on closed forms
    _doc_link_module, _doc_link_template = "skmmcl", PAGE  # of the "?" in notebooks

    _training_columns: list[Any] | None = field(default=None, init=False)  # fit_transform's
    _guide: Any = field(init=False)
    _solution: Solution | None = field(init=False)
    _trained: Trained | None = field(init=False)
    _layout: Layout = field(init=False)
    _dtype: str = field(init=False)
    _n_samples: int = field(init=False)
    _subject_keys: np.ndarray | None = field(init=False)  # the subjects seen; None if not known

    if TYPE_CHECKING:

        @classmethod
        def from_paper(cls, **params: Any) -> Self:
            """Make an estimator with the settings of the paper, where `embedder` finds some."""

    # The hooks of a method

    @abstractmethod
    def _make_objective(self) -> list[Term]:
        """Return the terms of the objective."""

    def _make_network(self, **layout: Any) -> partial:
        """Return a function without arguments that builds the network."""
        head = {"projection_dim": self.projection_dim} if hasattr(self, "projection_dim") else {}
        return partial(MultiviewNetwork, n_components=self.n_components, **head, **layout)

    def _make_guide(self, y: Target) -> Guide:
        """Return what guides the objective besides the modalities; ``y`` as the user gave it."""
        return Guide()

    def _make_views(self) -> list[str]:
        """Return the modality that each encoder reads.

        A lone one is read by two encoders, unless copies of it are the views.
        """
        if len(self.modalities_) > 1 or contrasts_views(self):
            return self.modalities_
        warn_of_lone_modality(type(self).__name__, self.modalities_[0])
        return self.modalities_ * 2

    def _make_stage(
        self, name: str, array: Any, present: np.ndarray, sample_weight: np.ndarray | None
    ) -> InputStage:
        """Return how a modality is scaled and restricted to principal components."""
        return input_stage(self, name, array, present, sample_weight)

    # What all methods share

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Subjects, y: Target = None, *, sample_weight: SampleWeight = None) -> Self:
        """Fit to the training subjects.

        Parameters
        ----------
        X : MultimodalData, mapping, list of records, DataFrame or array
            The modalities of n_samples subjects. A table needs ``modalities``.
        y : array-like of shape (n_samples,) or (n_samples, n_columns), default=None
            Target of the subjects, for most methods a class label, with -1, NaN or None for
            unlabeled subjects.
        sample_weight : array-like of shape (n_samples,), default=None
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        resume = self.warm_start and getattr(self, "_trained", None) is not None
        return fit_embedder(
            self, X, y, sample_weight, n_epochs=self.max_epochs, resume=resume, solver=self.solver
        )

    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(
        self, X: Subjects, y: Target = None, *, sample_weight: SampleWeight = None
    ) -> np.ndarray:
        """Fit, and represent the training subjects.

        Where terms are solved in closed form this differs from ``fit(X, y).transform(X)`` by
        design: each subject's columns come from a discriminant that has not seen the subject's
        target (leave-one-out), so that estimates on top of them are not optimistic.

        Returns
        -------
        ndarray of shape (n_samples, n_columns)
            The representations.
        """
        self._training_columns = []  # filled by `fit_embedder`, and not kept
        try:
            weight = {} if sample_weight is None else {"sample_weight": sample_weight}
            self.fit(X, y, **weight)
            found = self._training_columns
        finally:
            del self._training_columns
        if not found:
            return self.transform(X)
        return self._transformed(read_input(self, X, reset=False), *found)

    @available_if(can_train)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Subjects, y: Target = None, *, sample_weight: SampleWeight = None
    ) -> Self:
        """Train for one more epoch; the first call fixes scaling, shapes and classes.

        A pickle or a copy of an estimator goes on as the original only with
        ``warm_start=True``. Otherwise it holds no moments of the optimizer, which then begin
        anew, with a warning.

        Returns
        -------
        self : object
            Fitted estimator.
        """
        resume = getattr(self, "_trained", None) is not None
        if hasattr(self, "_trained") and not resume:
            warn_of_new_network(type(self).__name__)
        return fit_embedder(self, X, y, sample_weight, n_epochs=1, resume=resume, solver="gradient")

    def transform(self, X: Subjects) -> np.ndarray:
        """Represent subjects.

        Parameters
        ----------
        X : MultimodalData, mapping, list of records, DataFrame or array
            The modalities that were seen in fit; any of them may be absent.

        Returns
        -------
        ndarray of shape (n_samples, n_columns)
            The representations of all modalities, one after the other.
        """
        check_is_fitted(self, "net_")
        return self._transformed(read_input(self, X, reset=False))

    def _untrained(
        self, data: MultimodalData, terms: list[Term], sample_weight: np.ndarray | None
    ) -> Trained:
        """Scale the modalities, and draw the weights of the network."""
        trained, stages = Trained.scaled_by(self, data, sample_weight)
        network = self._make_network(
            views=self._make_views(),
            shapes=self.shapes_,
            stages=stages,
            **encoders_by_modality(self.encoders, self.shapes_),
            **made_copies(self),
        )
        trained.made_with = made_with(self)
        trained.net = make_net(network, terms, self, dtype=getattr(torch, self._dtype))
        if self.input_noise:
            trained.net.noise_ = noise_of(data, stages)
        return trained

    def _transformed(
        self, data: MultimodalData, rows: Any = (), columns: np.ndarray | None = None
    ) -> np.ndarray:
        """Represent subjects that have been read; training subjects keep their solved columns."""
        check_subjects(data, self._dtype, empty_allowed=self.on_empty == "nan")
        parts = []
        if self._solution is not None:
            parts.append(self._solution.transform(data, rows, columns))
        if self._trained is not None:
            directions = getattr(self, "normalize", False)
            parts.append(self._trained.transform(data, self.impute, directions=directions))
        out = np.hstack(parts).astype(self._dtype, copy=False)
        check_finite(out, data)
        out[~data.mask.any(axis=1)] = np.nan
        if data.index is None or get_output_config("transform", self)["dense"] != "pandas":
            return out
        pd = import_pandas("Output as a DataFrame")
        index = data.index if data.axis is None else data.axis
        return pd.DataFrame(out, index=index, columns=self.get_feature_names_out())

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
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
        trained = [] if self._trained is None else self._trained.names(name_terms=bool(solved))
        return np.asarray([*solved, *trained], dtype=object)

    def encoder(self, modality: str) -> nn.Module:
        """Return a copy of the trained encoder of a modality, for use in another estimator.

        Parameters
        ----------
        modality : str
            One of ``modalities_``. Where two encoders read it, the first is copied.

        Returns
        -------
        Module
            Maps subjects of shape ``(n_samples, *shape)``, scaled as in this fit, to their
            representation. It contains the principal components to which the modality was
            reduced, if any.

        Examples
        --------
        >>> from skmmcl import SupConEmbedder, SupervisedEmbedder
        >>> from skmmcl.datasets import make_cohort
        >>> X, y, _ = make_cohort(n_subjects=40, random_state=0)
        >>> fitted = SupervisedEmbedder(max_epochs=2, random_state=0).fit(X, y)
        >>> other = SupConEmbedder(encoders={"smri": fitted.encoder("smri")}, max_epochs=2)
        >>> other.fit(X, y).n_iter_
        2
        """
        return encoder_of(self, modality)

    @property
    def net_(self) -> Any:
        """The trained skorch net; None where all terms were solved."""
        trained = self._trained  # raises AttributeError before fit, as fitted attributes do
        return None if trained is None else trained.net

    @property
    def mean_representation_(self) -> np.ndarray:
        """Mean representation of the training subjects, which replaces an absent one."""
        if self._trained is None:
            raise AttributeError("Nothing was trained; solver='gradient' trains a network.")
        return self._trained.mean_representation

    @property
    def categories_(self) -> dict[str, dict[str | int, list]]:
        """The categories that codes stand for, by modality and column."""
        return self._layout.named_categories()

    @property
    def history_(self) -> dict[str, np.ndarray]:
        """Mean of the loss and of each term in each epoch; empty where nothing was trained."""
        check_is_fitted(self, "net_")
        return {} if self._trained is None else self._trained.history()

    @property
    def n_iter_(self) -> int:
        """Number of epochs of training so far."""
        return len(self.history_.get("train_loss", ()))

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the moments of the optimizer unless ``warm_start`` asks for them."""
        state = dict(super().__getstate__())
        if state.get("_trained") is not None and not self.warm_start:
            state["_trained"] = state["_trained"].without_moments()
        return state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.dict = True
        tags.target_tags.required = self._make_guide(None).is_required
        tags.transformer_tags.preserves_dtype = (
            ["float64", "float32"] if self.dtype == "auto" else [self.dtype]
        )
        return tags
