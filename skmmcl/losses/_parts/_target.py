"""Targets: the geometry of a loss's optimum, in closed form.

A target is computed on the different rows of the labels, each as often as it occurs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

# Columns whose eigenvalue is a smaller fraction of the largest are negligible.
MIN_EIGENVALUE = 1e-3
MAX_COLUMNS = 64
# Above this number of different rows, an eigenproblem takes seconds; landmarks replace all then.
MAX_ROWS = 2000
N_LANDMARKS = 1000
# Landmarks among rows of more columns are found along their largest principal axes.
MAX_AXES = 8
MAX_CLASSES = 1000
ROUNDING = 1e-12
# Entries of an eigenvector that differ by less are a tie, which rounding must not decide.
TIE = 1e-6

# Matrix (m, m) of rows (m, q) and how often each counts (m,).
PairFunction = Callable[[Tensor, Tensor], Tensor]


def has_target(loss: Callable[..., Tensor]) -> bool:
    """Return whether the geometry of the optimum is known for a loss with its settings.

    Parameters
    ----------
    loss : nn.Module or callable
        Any loss. It has a target if it has a method ``target``, unless an attribute
        ``has_target`` is False.

    Returns
    -------
    bool
        Whether ``loss.target(...)`` can be called.

    Examples
    --------
    >>> from skmmcl.losses import CMCLoss, SoftSupConLoss, SupConLoss, has_target
    >>> has_target(SupConLoss()), has_target(CMCLoss())
    (True, False)
    >>> has_target(SoftSupConLoss(epsilon=1.0))  # asks all classes for one place
    False
    """
    return hasattr(loss, "target") and bool(getattr(loss, "has_target", True))


def single_number(value: float | Tensor) -> float:
    """Return a hyperparameter as a number; raise if each of several stacked fits has its own."""
    if isinstance(value, Tensor) and value.numel() != 1:
        raise ValueError(
            f"A target is that of one loss, but this one is of {value.numel()} stacked fits with "
            "values of their own. Ask the losses before they are merged."
        )
    return float(value)


def min_count(count: Tensor) -> Tensor:
    """Return the smallest positive weight, which those without a weight have as well."""
    return count[count > 0].min()


def as_rows(y: Any, codes: bool | Sequence[bool] = False) -> Tensor:
    """Return metadata as float64 (n_samples, n_columns) with NaN where missing.

    Negative integers are missing, and so are negative numbers in columns of ``codes``.
    """
    if isinstance(y, Tensor):
        y = y.detach().cpu()
    else:
        y = np.asarray(y)
        if y.dtype.kind not in "biuf":
            raise ValueError(f"A target is of numbers or codes of classes, got {y.dtype} entries.")
        y = torch.tensor(y)
    signed = not y.is_floating_point() and y.dtype != torch.bool
    rows = y.double().reshape(len(y), math.prod(y.shape[1:]))
    if rows.isinf().any():
        raise ValueError("A target is of finite numbers, but some of the labels are infinite.")
    return rows.masked_fill((rows < 0) & (torch.tensor(codes) | signed), torch.nan)


def simplex(rows: Tensor, sample_weight: Any = None, *, cosine: float = -1.0) -> Tensor:
    """Return vertices of a regular simplex, one for each different row; NaN where unknown.

    They are unit vectors of cosine -1 / (n_classes - 1), in n_classes - 1 columns; of a
    greater ``cosine``, the simplex shrinks until its distances are those of unit vectors at
    that cosine. A row that no subject of positive weight has is unknown.
    """
    places, of_subject, weight = _different(rows, sample_weight)
    present = weight > 0
    n_classes = int(present.sum())
    if n_classes > MAX_CLASSES:
        raise ValueError(
            f"Found {n_classes} classes in {len(rows)} subjects, at most {MAX_CLASSES} are "
            "supported. If they are numbers, take a loss with a kernel, such as YAwareLoss."
        )
    k = torch.arange(1, n_classes, dtype=torch.float64)
    helmert = torch.ones(n_classes, n_classes - 1, dtype=torch.float64).triu().neg()
    helmert[1:].diagonal().copy_(k)
    height = max(cosine, -1 / (n_classes - 1))
    vertices = helmert * ((1 - height) / (k * (k + 1))).sqrt()
    coordinates = vertices.new_full((len(places), n_classes - 1), torch.nan)
    coordinates[present] = vertices
    return _of_subjects(coordinates, of_subject)


def log_mds(
    rows: Tensor, log_weights: PairFunction, temperature: float, sample_weight: Any = None
) -> Tensor:
    """Return the optimum of weighted InfoNCE on the sphere, for weights W with a diagonal of 1.

    The cosines that the weights ask for, ``G = max(1 + temperature * log W, -1)``, are rarely
    those of any vectors; their principal coordinates are the nearest that are.
    """

    def cosines(x: Tensor, count: Tensor) -> Tensor:
        logs = log_weights(x, count)
        own = logs.diagonal() / 2
        own = own.masked_fill(own.isinf(), 0)  # of a set without labels
        asked = 1 + temperature * (logs - own - own[:, None])
        return asked.clamp_min_(-1).fill_diagonal_(1)

    return kernel_components(rows, cosines, sample_weight)


def kernel_components(rows: Tensor, kernel: PairFunction, sample_weight: Any = None) -> Tensor:
    """Return principal coordinates of a kernel of the rows: H K H = T T', H centers.

    Columns come by decreasing variance, with the sign that makes the largest entry positive.
    Up to `MAX_ROWS` different rows they are exact; of more, `N_LANDMARKS` that lie far from
    each other replace all (the Nystrom method). Squared distances of 3,000 subjects are then
    wrong by .0002, .008 and .04 of the largest at most, for one, two and three columns of
    Gaussian metadata, and by .00005, .002 and .006 in the root mean square.
    """
    places, of_subject, weight = _different(rows, sample_weight)
    chosen = weight.nonzero()[:, 0]
    count = weight[chosen]
    if len(chosen) > MAX_ROWS:
        few, count = _landmarks(places[chosen], count)
        chosen = chosen[few]
    coordinates = _coordinates(places, chosen, count, kernel)
    coordinates -= (weight @ coordinates) / weight.sum()
    return _of_subjects(coordinates, of_subject)


def _different(rows: Tensor, sample_weight: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Return the different rows, sorted; the one of each subject (-1 for none); their weights."""
    known = ~rows.isnan().any(1)
    weight = torch.ones(len(rows), dtype=torch.float64)
    if sample_weight is not None:
        weight = as_rows(sample_weight).flatten()
        if weight.shape != (len(rows),) or not (weight >= 0).all():
            raise ValueError(
                f"sample_weight must be {len(rows)} numbers that are not negative, one a row."
            )
    places, inverse = torch.unique(rows[known], dim=0, return_inverse=True)
    of_subject = torch.full((len(rows),), -1)
    of_subject[known] = inverse
    total = weight.new_zeros(len(places)).index_add_(0, inverse, weight[known])
    n_found = int((total > 0).sum())
    if n_found < 2:
        raise ValueError(
            "A target needs at least two different labels among the subjects of positive weight, "
            f"found {n_found} in {len(rows)} subjects, {int((~known).sum())} of them unknown."
        )
    return places, of_subject, total


def _of_subjects(coordinates: Tensor, of_subject: Tensor) -> Tensor:
    found = coordinates[of_subject.clamp_min(0)]
    return found.masked_fill(of_subject[:, None] < 0, torch.nan)


def _landmarks(rows: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Choose different rows that lie far from each other; sum the weights of those nearest to each.

    Each is the row farthest from those chosen before, so that none of the others is far from
    all, and nothing is drawn.
    """
    x = rows - rows.mean(0)
    deviation = x.square().mean(0).sqrt()
    x = x / torch.where(deviation > 0, deviation, 1)
    if x.shape[1] > MAX_AXES:
        x = x @ torch.linalg.eigh(x.mT @ x)[1][:, -MAX_AXES:]
    distance = torch.full_like(weight, torch.inf)
    nearest = torch.zeros(len(x), dtype=torch.long)
    chosen: list[int] = []
    farthest = int(x.square().sum(1).argmax())
    while len(chosen) < N_LANDMARKS and distance[farthest] > 0:
        to_this = (x - x[farthest]).square_().sum(1)
        nearest.masked_fill_(to_this < distance, len(chosen))
        torch.minimum(distance, to_this, out=distance)
        chosen.append(farthest)
        farthest = int(distance.argmax())
    count = weight.new_zeros(len(chosen)).index_add_(0, nearest, weight)
    return torch.tensor(chosen), count


def _coordinates(places: Tensor, chosen: Tensor, count: Tensor, kernel: PairFunction) -> Tensor:
    few, share, root = places[chosen], count / count.sum(), count.sqrt()
    k = kernel(few, count).double()
    mean = k @ share

    def centered(k: Tensor) -> Tensor:
        return k - mean - (k @ share)[:, None] + share @ mean

    values, vectors = _largest(root[:, None] * centered(k) * root, count)
    found = vectors.new_empty(len(places), len(values))
    found[chosen] = vectors * values.sqrt() / root[:, None]
    others = torch.ones(len(places), dtype=torch.bool).index_fill_(0, chosen, False)
    basis = root[:, None] * vectors / values.sqrt()
    for part in others.nonzero()[:, 0].split(N_LANDMARKS):
        both = torch.cat([few, places[part]])
        counts = torch.cat([count, count.new_zeros(len(part))])
        across = kernel(both, counts).double()[len(few) :, : len(few)]
        found[part] = centered(across) @ basis
    return found


def _largest(matrix: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
    """Return the largest eigenvalues with their vectors, of a sign independent of rounding."""
    values, vectors = torch.linalg.eigh(matrix)
    values, vectors = values.flip(0)[:MAX_COLUMNS], vectors.flip(1)[:, :MAX_COLUMNS]
    if not values[0] > ROUNDING * count.sum():
        raise ValueError(
            "The labels differ, but not for this loss: it asks all subjects for the same place. "
            "Check the bandwidth or the temperature."
        )
    kept = values > MIN_EIGENVALUE * values[0]
    values, vectors = values[kept], vectors[:, kept]
    size = (vectors / count.sqrt()[:, None]).abs()
    largest = size >= (1 - TIE) * size.amax(0)
    last = len(size) - 1 - largest.flip(0).int().argmax(0)
    return values, vectors * vectors.gather(0, last[None]).sign()
