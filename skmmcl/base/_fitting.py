"""The course of every fit: reading, solving, training."""

from __future__ import annotations

import warnings
from pickle import PicklingError
from typing import TYPE_CHECKING, Any

from skmmcl.augmentation import check_augment
from skmmcl.base._division import divide, warn_of_untrained
from skmmcl.base._known import Known, read_training
from skmmcl.base._solution import Solution
from skmmcl.base._trained import Trained
from skmmcl.base._views import check_views
from skmmcl.data import MultimodalData
from skmmcl.data._seen import subject_keys
from skmmcl.exceptions import CheckpointWarning
from skmmcl.training import Term, check_settings, checkpoint_folder, fingerprint, open_folder
from skmmcl.utils._fingerprint import describe_modules

if TYPE_CHECKING:
    from skmmcl.base._embedder import BaseEmbedder

PLAIN = (bool, int, float, str, type(None))

# Parameters of which a training that goes on takes new values, or whose change raises.
TAKEN_UP = {
    "modalities", "solver", "kernel_features", "groups", "invariant_to", "input_noise", "augment",
    "views", "impute", "on_empty", "normalize", "max_epochs", "batch_size", "sampler", "lr",
    "weight_decay", "validation_fraction", "warm_start", "checkpoint", "verbose", "random_state",
    "metadata", "positive", "site",
}  # fmt: skip

# Parameters in which fits of one checkpoint may differ.
NOT_OF_THE_FIT = {
    "verbose", "device", "checkpoint", "callbacks", "impute", "on_empty", "normalize",
}  # fmt: skip


def fit_embedder(
    estimator: BaseEmbedder,
    X: Any,
    y: Any,
    sample_weight: Any,
    *,
    n_epochs: int,
    resume: bool,
    solver: str,
) -> Any:
    """Fit an embedder.

    Parameters
    ----------
    estimator : BaseEmbedder
        Its parameters have been validated.
    X, y, sample_weight : Any
        As `BaseEmbedder.fit` takes them.
    n_epochs : int
        Number of epochs, if a network is trained.
    resume : bool
        Whether training goes on with the network of the last fit.
    solver : {"auto", "closed_form", "gradient"}
        As the parameter of the estimator.

    Returns
    -------
    BaseEmbedder
        The estimator.
    """
    if not resume:
        estimator.__dict__.pop("_trained", None)
    check_settings(estimator)
    data, known, counted = read_training(estimator, X, y, sample_weight, reset=not resume)
    earlier = getattr(estimator, "_subject_keys", None) if resume else None
    estimator._subject_keys = subject_keys(data.index, earlier)
    solved, trained = divide(estimator._make_objective(), solver, estimator)
    estimator._solution = Solution() if solved else None
    if estimator._solution is not None:
        wanted = estimator._training_columns is not None
        columns = estimator._solution.fit(solved, estimator, data, known, columns_wanted=wanted)
        if estimator._training_columns is not None:
            estimator._training_columns += [counted, columns]
    earlier = estimator._trained if resume else None
    estimator._trained = _train(estimator, earlier, data, trained, known, n_epochs)
    return estimator


def _train(
    estimator: BaseEmbedder,
    trained: Trained | None,
    data: MultimodalData,
    terms: list[Term],
    known: Known,
    n_epochs: int,
) -> Trained | None:
    """Train a network, that of an earlier fit or a new one, by the terms that are not solved."""
    if not terms:
        warn_of_untrained(estimator)
        return None
    check_augment(estimator.augment, estimator.shapes_)
    check_views(estimator)
    sample_weight = known["sample_weight"]
    if trained is None:
        trained = estimator._untrained(data, terms, sample_weight)
        trained.began_with = _lasting(estimator)
    else:
        trained.resume(estimator)
    kept_at = _where_kept(estimator, trained.net, data, known)
    trained.fit(estimator, data, known, n_epochs, kept_at)
    if estimator._solution is not None:
        trained.learn_scale(data, sample_weight)
    return trained


def _lasting(settings: Any) -> dict[str, Any]:
    """Return the plain settings of an estimator that hold as long as its training goes on."""
    params = settings.get_params(deep=False).items()
    return {k: value for k, value in params if k not in TAKEN_UP and isinstance(value, PLAIN)}


def _where_kept(
    settings: Any, net: Any, data: MultimodalData, known: Known
) -> tuple[Any, str] | None:
    """Return the folder and fingerprint of a fit to be kept; trouble with them is no error."""
    if (folder := checkpoint_folder(settings.checkpoint)) is None:
        return None
    try:
        open_folder(folder)
        params = settings.get_params(deep=False)
        params = {name: value for name, value in params.items() if name not in NOT_OF_THE_FIT}
        # A notebook may have edited them.
        callbacks = [_describe_callback(each) for each in settings.callbacks or ()]
        code = type(settings), net.criterion_.terms, describe_modules(net.module_), callbacks
        subjects = data.to_dict(), data.mask, *known.values()
        return folder, fingerprint(code, params, *subjects, net.seed_)
    except (PicklingError, AttributeError, TypeError, RecursionError) as error:
        trouble = f"One of the parameters cannot be written: {error}"
    except (OSError, ValueError) as error:
        trouble = str(error)
    text = f"This fit is not kept in the folder for checkpoints, and goes on. {trouble}"
    warnings.warn(text, CheckpointWarning, stacklevel=6)
    return None


def _describe_callback(callback: Any) -> Any:
    """Return the class and the plain settings of a callback; its state may be anything."""
    callback = callback[1] if isinstance(callback, tuple) else callback
    if isinstance(callback, type):
        return callback
    plain = {k: value for k, value in vars(callback).items() if isinstance(value, PLAIN)}
    return type(callback), {k: value for k, value in plain.items() if not k.endswith("_")}
