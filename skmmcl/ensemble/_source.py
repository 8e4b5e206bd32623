"""Embedder from which fine-tuning starts: given, fitted on other subjects, or new."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from skmmcl.base import BaseEmbedder
from skmmcl.base._reuse import check_has_network, is_fitted, untrained


def embedder_to_tune(
    model: Any, X: Any, y: Any, sample_weight: Any, seed: int
) -> tuple[BaseEmbedder, bool]:
    """Return a fitted embedder, and whether it was trained.

    Parameters
    ----------
    model : BaseFineTuned
        Its ``estimator`` and ``pretrain`` say which.
    X, y, sample_weight : Any
        Subjects by which an untrained embedder is scaled.
    seed : int
        Random state of an embedder that has none of its own.

    Returns
    -------
    embedder : BaseEmbedder
        Embedder of the model if it is fitted, else a clone.
    is_trained : bool
        False if its weights were only drawn.
    """
    given = model.estimator
    if isinstance(given, FrozenEstimator):
        given = given.estimator
        _check_is_embedder(given)
    if given is not None and is_fitted(given):
        if model.pretrain is not None:
            raise ValueError(
                f"The estimator, a {type(given).__name__}, is fitted already, and pretrain is "
                "given as well. Omit pretrain, or pass clone(estimator)."
            )
        check_has_network(given)
        return given, True
    made = clone(model._default() if given is None else given)  # noqa: SLF001
    if made.random_state is None:
        made.set_params(random_state=seed)
    if model.pretrain is None:
        return untrained(made, X, model._numbers(y), sample_weight), False  # noqa: SLF001
    fit_on(made, model.pretrain)
    check_has_network(made)
    return made, True


def fit_on(embedder: BaseEmbedder, pretrain: Any) -> BaseEmbedder:
    """Fit an embedder on (X, y), or on X."""
    return embedder.fit(*(pretrain if isinstance(pretrain, tuple) else (pretrain,)))


def _check_is_embedder(estimator: Any) -> None:
    if not isinstance(estimator, BaseEmbedder):
        raise TypeError(
            f"An embedder of skmmcl is needed, got {type(estimator).__name__}. From a pipeline, "
            "pass the embedder, model[-1], and put the steps before it, frozen, before this "
            "estimator."
        )
