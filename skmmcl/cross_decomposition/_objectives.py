"""Objectives of Deep InfoMax, by name."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from torch import Tensor

from skmmcl.exceptions import ModalityError
from skmmcl.losses import CCALoss, DeepInfoMaxLoss, ReconstructionLoss
from skmmcl.networks._mlp import embedding_width
from skmmcl.training import Term, class_aware_batches

OBJECTIVES = ("L", "CL", "CS", "S", "AE", "CCA")
LOCAL = ("L", "CL", "CS")  # compare local maps
CROSS_MODAL = ("CL", "CS", "S", "CCA")  # need two modalities
OTHER_NAMES = {"DCCAE": ("AE", "CCA")}


def parse_objectives(objectives: str | Sequence[str]) -> tuple[str, ...]:
    """Return the objectives one by one, from a published name or from several.

    Examples
    --------
    >>> from skmmcl.cross_decomposition._objectives import parse_objectives
    >>> parse_objectives("L-CCA"), parse_objectives(("S", "DCCAE"))
    (('L', 'CCA'), ('S', 'AE', 'CCA'))
    """
    given = objectives.split("-") if isinstance(objectives, str) else list(objectives)
    unknown = [name for name in given if name not in (*OBJECTIVES, *OTHER_NAMES)]
    if unknown or not given:
        raise ValueError(
            f"Unknown objectives {unknown} in {objectives!r}; known are {list(OBJECTIVES)}, any of "
            "them joined by hyphens as 'S-AE', and 'DCCAE' for 'AE-CCA'."
        )
    names = tuple(part for name in given for part in OTHER_NAMES.get(name, (name,)))
    if len(set(names)) < len(names):
        raise ValueError(f"objectives={objectives!r} names an objective twice.")
    return names


def used_objectives(
    objectives: str | Sequence[str], weights: Mapping[str, float] | None
) -> dict[str, float]:
    """Return the weight of each objective, of those with a weight above 0."""
    names, given = parse_objectives(objectives), dict(weights or {})
    unknown = [name for name in given if name not in names]
    if unknown:
        raise ValueError(f"weights names {unknown}; the objectives are {list(names)}.")
    for name, weight in given.items():
        if not isinstance(weight, Real) or not 0 <= weight < float("inf"):
            raise ValueError(
                f"The weight of {name!r} must be a number of 0 or more, not {weight!r}."
            )
    used = {name: float(given.get(name, 1.0)) for name in names if given.get(name, 1.0) > 0}
    if not used:
        raise ValueError(f"weights={weights!r} leaves none of the objectives {list(names)}.")
    return used


def check_paired(names: Iterable[str], modalities: Sequence[str]) -> None:
    """Raise if objectives relate modalities and there is a single one."""
    crossing = [name for name in names if name in CROSS_MODAL]
    if crossing and len(modalities) == 1:
        raise ModalityError(
            f"The objectives {crossing} relate modalities to one another, but there is one, "
            f"{modalities[0]!r}; 'L' and 'AE' do with one. To say which columns of a table are "
            "which modality, set modalities={'smri': slice(0, 100), 'fc': 'fc_*'}."
        )


def make_terms(weights: Mapping[str, float], settings: Any, n_samples: int) -> list[Term]:
    """Make the terms of objectives by the parameters that an estimator has for them."""
    if "CCA" in weights:
        _warn_of_small_batches(settings, n_samples)
    seed = 0
    if "CS" in weights:  # the one that draws
        seed = check_random_state(settings.random_state).randint(np.iinfo(np.int32).max)
    return [
        Term(name.lower(), *_loss_of(name, settings, seed), weight)
        for name, weight in weights.items()
    ]


def _loss_of(name: Any, settings: Any, seed: int) -> tuple[Any, tuple[str, ...]]:
    """Return the loss of an objective, and the names of what it is computed on."""
    of_subjects = ("mask", "sample_weight")
    if name == "AE":
        return ReconstructionLoss(), ("x_hat", "x_seen", *of_subjects)
    if name == "CCA":
        return CCALoss(norm=settings.cca_norm, ridge=settings.ridge), ("z", *of_subjects)
    options = {key: getattr(settings, key) for key in ("clip", "penalty", "estimator")}
    loss = DeepInfoMaxLoss(name, seed=seed, **options)
    if name == "S":  # on embeddings alone: the network makes no local maps
        return partial(_of_embeddings, loss), ("z", *of_subjects)
    return loss, ("z", "local", *of_subjects)


def _of_embeddings(
    loss: DeepInfoMaxLoss, z: Tensor, mask: Tensor | None, sample_weight: Tensor | None
) -> Tensor:
    return loss(z, None, mask, sample_weight)


def _warn_of_small_batches(settings: Any, n_samples: int) -> None:
    """Warn if batches are too small for canonical correlations to mean something."""
    width = embedding_width(settings.n_components, settings.projection_dim)
    n_trained = n_samples - round((settings.validation_fraction or 0) * n_samples)
    codes, rng = np.full(n_trained, -1), np.random.default_rng(0)
    smallest = min(map(len, class_aware_batches(codes, settings.batch_size, rng)))
    if smallest > width:
        return
    warnings.warn(
        f"'CCA' is computed on batches of {smallest} subjects, with {width} components: where "
        "subjects are no more than components, any two modalities correlate nearly perfectly, and "
        f"the value shows the effect of ridge={settings.ridge}, not what modalities share. Take "
        "fewer components, or larger batches.",
        UserWarning,
        stacklevel=6,
    )
