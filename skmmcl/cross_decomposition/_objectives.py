"""The objectives of Deep InfoMax by name."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from numbers import Real
from typing import Any

import numpy as np
from torch import Tensor

from skmmcl.losses import CCALoss, DeepInfoMaxLoss, ReconstructionLoss
from skmmcl.networks._mlp import embedding_width
from skmmcl.training import Term, class_aware_batches

OBJECTIVES = ("L", "CL", "CS", "S", "AE", "CCA")
LOCAL = ("L", "CL", "CS")  # compare local maps
CROSS_MODAL = ("CL", "CS", "S", "CCA")  # need two modalities
OTHER_NAMES = {"DCCAE": ("AE", "CCA")}


def parse_objectives(objectives: str | Sequence[str]) -> tuple[str, ...]:
    """Objectives one by one, from a published name or from several.

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


def check_weights(weights: Mapping[str, float] | None, names: Sequence[str]) -> dict[str, float]:
    """Weight of each objective."""
    given = dict(weights or {})
    unknown = [name for name in given if name not in names]
    if unknown:
        raise ValueError(f"weights names {unknown}; the objectives are {list(names)}.")
    for name, weight in given.items():
        if not isinstance(weight, Real) or not 0 <= weight < float("inf"):
            raise ValueError(
                f"The weight of {name!r} must be a number of 0 or more, not {weight!r}."
            )
    if names and all(given.get(name, 1.0) == 0 for name in names):
        raise ValueError(f"weights={weights!r} leaves none of the objectives {list(names)}.")
    return {name: float(given.get(name, 1.0)) for name in names}


def make_term(name: str, weight: float, settings: Any, seed: int) -> Term:
    """Make the term of one objective, with the parameters that an estimator has for it."""
    of_subjects = ("mask", "sample_weight")
    loss: Any
    on: tuple[str, ...]
    if name == "AE":
        loss, on = ReconstructionLoss(), ("x_hat", "x_seen", *of_subjects)
    elif name == "CCA":
        loss, on = CCALoss(norm=settings.cca_norm, ridge=settings.ridge), ("z", *of_subjects)
    else:
        edge: Any = name
        loss, on = (
            DeepInfoMaxLoss(
                edge,
                clip=settings.clip,
                penalty=settings.penalty,
                estimator=settings.estimator,
                seed=seed,
            ),
            ("z", "local", *of_subjects),
        )
    if name == "S":  # of embeddings alone: the network makes no local maps
        loss, on = partial(_of_embeddings, loss), ("z", *of_subjects)
    return Term(name.lower(), loss, on, weight)


def _of_embeddings(
    loss: DeepInfoMaxLoss, z: Tensor, mask: Tensor | None, sample_weight: Tensor | None
) -> Tensor:
    return loss(z, None, mask, sample_weight)


def warn_of_small_batches(settings: Any, n_samples: int) -> None:
    """Warn if an estimator's batches are too small for correlations to mean something."""
    width = embedding_width(settings.n_components, settings.projection_dim)
    n_trained = n_samples - round((settings.validation_fraction or 0) * n_samples)
    codes, rng = np.full(n_trained, -1), np.random.default_rng(0)
    smallest = min(map(len, class_aware_batches(codes, settings.batch_size, rng)))
    if smallest > width:
        return
    warnings.warn(
        f"'CCA' is computed on batches of {smallest} subjects, with {width} components: no more "
        "subjects than components correlate nearly perfectly whatever they are, and its value "
        f"then says what ridge={settings.ridge} leaves of that, not what modalities share. Take "
        "fewer components, or larger batches.",
        UserWarning,
        stacklevel=5,
    )
