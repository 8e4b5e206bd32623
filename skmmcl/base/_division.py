"""Division of an objective into terms that are solved and terms that are trained."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

from skmmcl.base._views import asks_for_copies
from skmmcl.losses import has_target
from skmmcl.training import Term

# Parameters with an effect only where a network is trained.
OF_TRAINING = (
    "encoders", "standardize", "augment", "input_components", "input_noise", "impute",
    "projection_dim", "normalize", "max_epochs", "batch_size", "sampler", "lr", "weight_decay",
    "optimizer", "lr_schedule", "gradient_clip", "validation_fraction", "n_iter_no_change",
    "monitor", "callbacks", "warm_start", "checkpoint", "device",
)  # fmt: skip

OF_COPIES = ("views", "n_views")  # where a method has them


def can_train(settings: Any) -> bool:
    """Return whether there is `partial_fit`: closed forms cannot be trained further."""
    if settings.solver == "closed_form":
        raise AttributeError("solver='closed_form' has no partial_fit; solver='gradient' has.")
    return True


def warn_of_new_network(user: str) -> None:
    """Warn that `partial_fit` begins a network where the last fit trained none."""
    warnings.warn(
        f"This {user} was solved in closed form, from which partial_fit cannot go on: it begins "
        "to train a network, as with solver='gradient'.",
        UserWarning,
        stacklevel=4,
    )


def is_cross_view(term: Term) -> bool:
    """Return whether the loss of a term only aligns the modalities of a subject."""
    return getattr(term.loss, "is_cross_view", False)


def divide(terms: Iterable[Term], solver: str, settings: Any) -> tuple[list[Term], list[Term]]:
    """Divide an objective into the terms that are solved and those that are trained.

    Parameters
    ----------
    terms : iterable of Term
        The objective; terms of weight 0 are left out.
    solver : {"auto", "closed_form", "gradient"}
        Parameter of the estimator.
    settings : BaseEmbedder
        Estimator whose data have been read.

    Returns
    -------
    solved, trained : list of Term

    Raises
    ------
    ValueError
        If all terms are to be solved and one has no known optimum, or if a parameter has an effect
        on solved terms alone and there are none.
    """
    terms = [term for term in terms if term.weight]
    if not terms:
        raise ValueError("The objective has no term with a weight other than 0.")
    with_target = [term for term in terms if has_target(term.loss)]
    if solver == "gradient" or (solver == "auto" and not with_target):
        _refuse_what_only_solvers_heed(settings)
        return [], terms
    others = [term for term in terms if term not in with_target]
    views = [term for term in others if is_cross_view(term)]
    if settings.invariant_to is not None:
        _refuse_what_keeps_the_nuisance(with_target, others, settings)
        return with_target, []
    if solver == "closed_form":
        _refuse_copies(settings)
        return with_target + _solvable_views(others, views, settings), []
    if _asks_for_training(settings) or views != others:
        return with_target, others
    return with_target + (views if len(settings.modalities_) > 1 else []), []


def _asks_for_training(settings: Any) -> bool:
    """Return whether a parameter asks for something that only a network can do."""
    asked = settings.encoders != "auto" or settings.augment not in (None, "auto")
    return asked or asks_for_copies(settings)


def _refuse_copies(settings: Any) -> None:
    if asks_for_copies(settings):
        raise ValueError(
            f"views={settings.views!r} contrasts augmented copies of each subject, which do not "
            "exist for solver='closed_form': it aligns modalities and regresses onto targets. "
            "solver='gradient' trains a network on copies; or leave views='auto'."
        )


def _solvable_views(others: list[Term], views: list[Term], settings: Any) -> list[Term]:
    name = type(settings).__name__
    unknown = [term.name for term in others if term not in views]
    if unknown:
        raise ValueError(
            f"solver='closed_form': no closed form is known for the term(s) {unknown} of {name}. "
            "solver='gradient' trains them."
        )
    if views and len(settings.modalities_) == 1:
        raise ValueError(
            f"solver='closed_form': {[term.name for term in views]} of {name} aligns modalities, "
            f"and there is one, {settings.modalities_[0]!r}. Give several, or weight 0 to this "
            "term."
        )
    return views


def _refuse_what_keeps_the_nuisance(
    with_target: list[Term], others: list[Term], settings: Any
) -> None:
    """Raise if there are terms besides discriminants, which alone can be invariant."""
    if not with_target or _asks_for_training(settings) or not all(map(is_cross_view, others)):
        raise ValueError(
            f"invariant_to={settings.invariant_to!r} applies to solved supervised terms only, and "
            f"this {type(settings).__name__} has others: {[term.name for term in others]}. Give "
            "these weight 0, and leave encoders, augment and views at their defaults."
        )


def _refuse_what_only_solvers_heed(settings: Any) -> None:
    defaults = {"groups": None, "invariant_to": None, "kernel_features": "auto"}
    for name, default in defaults.items():
        if (value := getattr(settings, name)) != default:
            raise ValueError(
                f"{name}={value!r} has no effect on training by gradient: it needs "
                "solver='closed_form', or 'auto' with a term that can be solved."
            )


def warn_of_untrained(settings: Any) -> None:
    """Warn of parameters of training that were set where nothing is trained."""
    kind = type(settings)
    given = {
        name: (getattr(settings, name), getattr(kind, name))
        for name in (*OF_TRAINING, *OF_COPIES, *settings._of_training)
        if hasattr(kind, name)
    }
    unused = [
        name
        for name, (value, default) in given.items()
        if value is not default and value != default
        if not (name.endswith("_weight") and value == 0)  # no such term
        if not (name == "standardize" and value == "image")  # applied when data are read
    ]
    if unused:
        warnings.warn(
            f"{kind.__name__} solved its objective in closed form (solver="
            f"{settings.solver!r}), so that {', '.join(unused)} had no effect. solver='gradient' "
            "trains a network.",
            UserWarning,
            stacklevel=6,
        )
