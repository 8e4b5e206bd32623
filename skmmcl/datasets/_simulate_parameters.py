"""The parameters of `make_cohort`, checked."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils import check_scalar

from skmmcl.exceptions import ModalityError

KINDS = ("functional", "structural")

_BOUNDS: dict[str, tuple] = {  # name: (type, lowest, highest, which bounds are allowed)
    "n_subjects": (numbers.Integral, 2, None, "left"),
    "n_rois": (numbers.Integral, 2, None, "left"),
    "n_features": (numbers.Integral, 1, None, "left"),
    "prevalence": (numbers.Real, 0, 1, "neither"),
    "class_sep": (numbers.Real, 0, None, "left"),
    "n_shared": (numbers.Integral, 1, None, "left"),
    "n_subtypes": (numbers.Integral, 1, None, "left"),
    "complementarity": (numbers.Real, 0, 1, "both"),
    "interaction": (numbers.Real, 0, 1, "left"),
    "n_private": (numbers.Integral, 0, None, "left"),
    "private_scale": (numbers.Real, 0, None, "left"),
    "noise": (numbers.Real, 0, None, "left"),
    "n_sites": (numbers.Integral, 1, None, "left"),
    "site_effect": (numbers.Real, 0, None, "left"),
    "age_effect": (numbers.Real, 0, None, "left"),
    "label_noise": (numbers.Real, 0, 1, "both"),
    "unlabeled": (numbers.Real, 0, 1, "left"),
}


def check_bounds(params: Mapping[str, Any], bounds: Mapping[str, tuple]) -> None:
    """Raise unless all numbers are within their bounds, and `dtype` is one of floats."""
    for name, (kind, low, high, boundaries) in bounds.items():
        check_scalar(
            params[name], name, kind, min_val=low, max_val=high, include_boundaries=boundaries
        )
    if np.dtype(params["dtype"]) not in (np.float32, np.float64):
        raise ValueError(f"dtype={params['dtype']!r}; expected 'float32' or 'float64'.")


def check_scalars(params: Mapping[str, Any]) -> None:
    """Raise unless all numbers of `make_cohort` are within their bounds."""
    check_bounds(params, _BOUNDS)
    if params["n_subtypes"] > params["n_shared"]:
        raise ValueError(
            f"n_subtypes={params['n_subtypes']} needs as many shared factors: raise "
            f"n_shared={params['n_shared']} or lower n_subtypes."
        )


def modality_specs(modalities: Any, n_rois: int, n_features: int) -> dict[str, tuple]:
    """Return what one subject has, by modality: a shape, or (kind of connectome, n_rois)."""
    default: dict[str, Any] = {
        "smri": (n_rois, n_features),
        "sc": "structural",
        "fc": "functional",
        "t2": (64,),
        "clinical": (20,),
    }
    chosen = default if modalities is None else modalities
    if not isinstance(chosen, dict):
        if unknown := [name for name in chosen if name not in default]:
            raise ModalityError(
                f"Unknown modalities {unknown}; those known by name are {list(default)}. For "
                "others give a dict from name to shape."
            )
        chosen = {name: default[name] for name in chosen}
    if not chosen:
        raise ModalityError("A cohort needs at least one modality; modalities= names none.")
    return {name: _spec(name, spec, n_rois) for name, spec in chosen.items()}


def _spec(name: str, spec: Any, n_rois: int) -> tuple:
    if isinstance(spec, str) and spec in KINDS:
        return spec, n_rois
    if is_shape(spec):
        return spec
    raise ModalityError(
        f"Modality {name!r} is {spec!r}; expected the shape of one subject, a tuple of positive "
        f"integers, or one of {KINDS}."
    )


def is_shape(spec: Any) -> bool:
    """Return whether this is a tuple of positive integers."""
    sizes = spec if isinstance(spec, tuple) else ()
    return bool(sizes) and all(isinstance(n, numbers.Integral) and int(n) > 0 for n in sizes)


def missing_rates(missing: Any, names: list[str]) -> np.ndarray:
    """Return the proportion of subjects without each modality."""
    rates = missing if isinstance(missing, dict) else dict.fromkeys(names, missing)
    if unknown := [name for name in rates if name not in names]:
        raise ModalityError(f"missing= names {unknown}, but the modalities are {names}.")
    for name, rate in rates.items():
        check_scalar(
            rate,
            f"missing[{name!r}]",
            numbers.Real,
            min_val=0,
            max_val=1,
            include_boundaries="left",
        )
    return np.array([rates.get(name, 0.0) for name in names])
