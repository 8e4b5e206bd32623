"""Parameters and public methods that all embedders share."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted
from torch import nn

from skmmcl.augmentation import augmented_names, check_augment
from skmmcl.base._decorator import embedder
from skmmcl.base._encoders import encoders_by_modality
from skmmcl.base._guide import Guide
from skmmcl.base._input import check_finite, check_subjects, read_input
from skmmcl.base._known import Known, read_training
from skmmcl.base._noise import check_noise_is_known, noise_of
from skmmcl.base._reuse import encoder_of
from skmmcl.base._solution import Solution, divide, warn_of_untrained
from skmmcl.base._trained import Trained, input_stage
from skmmcl.base._views import check_views, contrasts_views, made_copies, made_with
from skmmcl.data import MultimodalData
from skmmcl.data._layout import Layout
from skmmcl.data._seen import subject_keys
from skmmcl.networks._multiview import MultiviewNetwork
from skmmcl.networks._standardize import InputStage
from skmmcl.training import Term, check_settings, make_net
from skmmcl.utils._optional import import_pandas
from skmmcl.utils._site import PAGE
from skmmcl.utils._sklearn import check_feature_names_in, fit_context, get_output_config


def _trains(estimator: BaseEmbedder) -> bool:
    """Whether there is `partial_fit`: closed forms do not go on from where they stand."""
    if estimator.solver == "closed_form":
        raise AttributeError("solver='closed_form' has no partial_fit; solver='gradient' has.")
    return True


@embedder
class BaseEmbedder(TransformerMixin, BaseEstimator):
    """Base of the transformers that train one encoder per modality.

    A method says what its objective is (`_make_objective`) and, where it is not the usual one,
    what its network is (`_make_network`), what guides it besides the modalities
    (`_make_guide`), which modality each view reads (`_make_views`), and how a modality is
    scaled (`_make_stage`). Everything else is done here.

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
    encoders: Any = "auto"
    standardize: bool | Literal["image"] = True
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
    lr_schedule: Any = None
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

    _aligns: ClassVar[bool] = False  # whether modalities of one subject are to agree
    _of_training: ClassVar[tuple[str, ...]] = ()  # own parameters that closed forms do not heed
    _doc_link_module, _doc_link_template = "skmmcl", PAGE  # of the "?" in notebooks

    _training_columns: list[Any] | None = field(default=None, init=False)  # fit_transform's
    _guide: Any = field(init=False)
    _solution: Solution | None = field(init=False)
    _trained: Trained | None = field(init=False)
    _layout: Layout = field(init=False)
    _dtype: str = field(init=False)
    _n_samples: int = field(init=False)
    _subject_keys: np.ndarray | None = field(init=False)  # who was seen; None if not known

    if TYPE_CHECKING:

        @classmethod
        def from_paper(cls, **params: Any) -> Self:
            """Given by `embedder` to classes with a recipe, ``_paper``."""

    # What a method says of itself

    @abstractmethod
    def _make_objective(self) -> list[Term]:
        """Return the terms of the objective."""

    def _make_network(self, **layout: Any) -> partial:
        """Return a function without arguments that builds the network."""
        head = {"projection_dim": self.projection_dim} if hasattr(self, "projection_dim") else {}
        return partial(MultiviewNetwork, n_components=self.n_components, **head, **layout)

    def _make_guide(self, y: Any) -> Guide:
        """Return what guides the objective besides the modalities; ``y`` as the user gave it."""
        return Guide()

    def _make_views(self) -> list[str]:
        """Return the modality that each encoder reads.

        A lone one is read by two encoders, unless copies of it are the views.
        """
        if len(self.modalities_) > 1 or contrasts_views(self):
            return self.modalities_
        warnings.warn(
            f"{type(self).__name__} was given one modality, {self.modalities_[0]!r}, and trains "
            "two encoders on it as two views. To say which columns of a table are which modality, "
            "set modalities={'smri': slice(0, 100), 'fc': 'fc_*'}.",
            UserWarning,
            stacklevel=7,
        )
        return self.modalities_ * 2

    def _make_stage(
        self, name: str, array: Any, present: np.ndarray, sample_weight: np.ndarray | None
    ) -> InputStage:
        """Return how a modality is scaled and restricted to principal components."""
        return input_stage(self, name, array, present, sample_weight)

    # What every method does alike

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
        resume = self.warm_start and getattr(self, "_trained", None) is not None
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
        return self._transformed(read_input(self, X, reset=False), *found)

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
        resume = getattr(self, "_trained", None) is not None
        if hasattr(self, "_trained") and not resume:
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
        return self._transformed(read_input(self, X, reset=False))

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, *, n_epochs: int, resume: bool, solver: str
    ) -> Self:
        if not resume:
            self.__dict__.pop("_trained", None)
        check_settings(self)
        data, known, counted = read_training(self, X, y, sample_weight, reset=not resume)
        earlier = getattr(self, "_subject_keys", None) if resume else None
        self._subject_keys = subject_keys(data.index, earlier)
        solved, trained = divide(self._make_objective(), solver, self)
        self._solution = Solution() if solved else None
        if self._solution is not None:
            wanted = self._training_columns is not None
            columns = self._solution.fit(solved, self, data, known, columns_wanted=wanted)
            if self._training_columns is not None:
                self._training_columns += [counted, columns]
        self._train(data, trained, known, n_epochs=n_epochs, resume=resume)
        return self

    def _train(
        self, data: MultimodalData, terms: list[Term], known: Known, *, n_epochs: int, resume: bool
    ) -> None:
        """Train the network by the terms that are not solved."""
        if not terms:
            warn_of_untrained(self)
            self._trained = None
            return
        check_augment(self.augment, self.shapes_)
        check_views(self)
        sample_weight = known["sample_weight"]
        if resume and self._trained is not None:
            check_noise_is_known(self._trained.net, self.input_noise)
            self._trained.check_made_with(made_with(self))
            trained = self._trained.resumed(self.lr, type(self).__name__)
        else:
            trained = self._untrained(data, terms, sample_weight)
        trained.fit(self, data, known, n_epochs)
        if self._solution is not None:
            trained.learn_scale(data, sample_weight)
        self._trained = trained

    def _untrained(
        self, data: MultimodalData, terms: list[Term], sample_weight: np.ndarray | None
    ) -> Trained:
        """Scale the modalities, and draw the weights of the network."""
        present = dict(zip(data.modalities, data.mask.T, strict=True))
        stages = {
            name: self._make_stage(name, array, present[name], sample_weight)
            for name, array in data.items()
        }
        trained = Trained(stages, augmented_names(self.augment, self.modalities_), self._dtype)
        stages = trained.seen(stages)
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
        """What `transform` gives for subjects that have been read.

        Rows of training subjects get the columns that were solved for them.
        """
        check_subjects(data, self._dtype, empty_allowed=self.on_empty == "nan")
        parts = []
        if self._solution is not None:
            parts.append(self._solved(self._solution, data, rows, columns))
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
        trained = [] if self._trained is None else self._trained.names(beside=bool(solved))
        return np.asarray([*solved, *trained], dtype=object)

    def encoder(self, modality: str) -> nn.Module:
        """Return a copy of the trained encoder of a modality, to hand to another estimator.

        Parameters
        ----------
        modality : str
            One of ``modalities_``; where two encoders read it, the first counts.

        Returns
        -------
        Module
            Maps subjects of shape ``(n_samples, *shape)``, scaled as in this fit, to their
            representation. Where the modality was restricted to principal components, those
            belong to the encoder.

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
        """Mean representation of the training subjects, which replaces that of what is absent."""
        if self._trained is None:
            raise AttributeError("Nothing was trained; solver='gradient' trains a network.")
        return self._trained.mean_representation

    @property
    def categories_(self) -> dict[str, dict[str | int, list]]:
        """What the codes of categories stand for, by modality and column."""
        return self._layout.named_categories()

    @property
    def history_(self) -> dict[str, np.ndarray]:
        """Mean of the loss and of each term in each epoch; empty where nothing was trained."""
        check_is_fitted(self, "net_")
        return {} if self._trained is None else self._trained.history()

    @property
    def n_iter_(self) -> int:
        """Number of epochs that were run."""
        return len(self.history_.get("train_loss", ()))

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the moments of the optimizer unless training is to go on."""
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
