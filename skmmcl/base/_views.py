"""The views of a contrast: modalities, augmented copies of each, or both."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from skmmcl.augmentation import augmented_names
from skmmcl.exceptions import ModalityError

Views: TypeAlias = Literal["auto", "modality", "augmentation", "both"]


def contrasts_views(settings: Any) -> bool:
    """Return whether an estimator has a choice of views."""
    return hasattr(settings, "views")


def asks_for_copies(settings: Any) -> bool:
    """Return whether a user asks for augmented copies by name."""
    return getattr(settings, "views", "auto") in ("augmentation", "both")


def resolve_views(settings: Any) -> Views:
    """Return the views of an estimator that has read its data, with "auto" resolved."""
    if not contrasts_views(settings):
        return "modality"
    if settings.views != "auto":
        return settings.views
    return "modality" if len(settings.modalities_) > 1 else "augmentation"


def made_copies(settings: Any) -> dict[str, Any]:
    """Return the parameters of a network on copies of the subjects; {} for none."""
    views = resolve_views(settings)
    if views == "modality":
        return {}
    apart = views == "augmentation" and len(settings.modalities_) > 1
    return {"copies": (True,) * settings.n_views, "apart": apart}


def check_views(settings: Any) -> None:
    """Raise before training if the views that are asked for cannot be made.

    Parameters
    ----------
    settings : BaseEmbedder
        Estimator that has read its data.

    Raises
    ------
    ModalityError
        If modalities are asked for and there is one, or if nothing changes the copies of one.
    ValueError
        If a single copy is asked for, or ``augment="auto"`` of a method without copies.
    """
    views = resolve_views(settings)
    user = type(settings).__name__
    if settings.augment == "auto" and type(settings).augment != "auto":
        raise ValueError(
            f"augment='auto' is for methods that contrast augmented copies; give {user} an "
            "augmentation of each modality, such as augment={'t1': default_augmentation()}."
        )
    if not contrasts_views(settings):
        return
    if views == "modality":
        _check_several(settings)
        return
    if settings.n_views < 2:
        raise ValueError(
            f"n_views={settings.n_views}: {user} contrasts augmented copies of each subject with "
            "one another, and needs two or more."
        )
    if unchanged := _unchanged(settings):
        raise ModalityError(
            f"{user} contrasts {settings.n_views} augmented copies of each subject "
            f"(views={settings.views!r}), and nothing changes those of {unchanged}: "
            f"augment={settings.augment!r}, input_noise={settings.input_noise!r}. With "
            "augment='auto' each modality is augmented by its kind; or give an augmentation for "
            f"each, such as augment={{{unchanged[0]!r}: default_augmentation(...)}}."
        )


def warn_of_lone_modality(user: str, name: str) -> None:
    """Warn that two encoders are trained on one modality."""
    warnings.warn(
        f"{user} was given one modality, {name!r}, and trains two encoders on it as two views. "
        "To say which columns of a table are which modality, set "
        "modalities={'smri': slice(0, 100), 'fc': 'fc_*'}.",
        UserWarning,
        stacklevel=8,
    )


def _check_several(settings: Any) -> None:
    if len(settings.modalities_) == 1:
        raise ModalityError(
            f"views='modality' contrasts the modalities of a subject, and there is one, "
            f"{settings.modalities_[0]!r}. With views='augmentation' augmented copies of it are "
            "contrasted. To say which columns of a table are which modality, set "
            "modalities={'smri': slice(0, 100), 'fc': 'fc_*'}."
        )


def _unchanged(settings: Any) -> list[str]:
    """Return the modalities that neither augmentation nor noise changes."""
    if settings.augment == "auto":
        return []
    changed = set(augmented_names(settings.augment, settings.modalities_))
    if settings.input_noise:
        changed |= {name for name, shape in settings.shapes_.items() if len(shape) in (1, 2)}
    return [name for name in settings.modalities_ if name not in changed]


def made_with(settings: Any) -> Mapping[str, Any]:
    """Return the settings of a network that must stay the same while training goes on."""
    own = settings._make_network(encoders={}).keywords
    if not contrasts_views(settings):
        return own
    return {**own, "views": resolve_views(settings), "n_views": settings.n_views}
