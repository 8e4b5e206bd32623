"""K-means, optionally balanced, and soft assignments to its clusters."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

N_STARTS, N_ITERATIONS = 10, 100
EPSILON, N_SINKHORN = 0.05, 15
TINY = 1e-8


def responsibilities(x: Tensor, centers: Tensor) -> Tensor:
    """Return soft assignments in proportion to the inverse squared distances from centers.

    Parameters
    ----------
    x : Tensor of shape (n_samples, n_features)
        Features of the subjects.
    centers : Tensor of shape (n_clusters, n_features)
        Centers of the clusters.

    Returns
    -------
    Tensor of shape (n_samples, n_clusters)
        Rows sum to 1.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks._soft_clusters import responsibilities
    >>> responsibilities(torch.tensor([[1.0]]), torch.tensor([[0.0], [3.0]]))
    tensor([[0.8000, 0.2000]])
    """
    closeness = 1 / (_squared_distances(x, centers) + TINY)
    return closeness / closeness.sum(1, keepdim=True)


def k_means(
    x: Tensor,
    n_clusters: int,
    rng: np.random.Generator,
    *,
    weight: Tensor | None = None,
    balanced: bool = False,
) -> tuple[Tensor, Tensor]:
    """Cluster subjects from several starts, and return the most compact clustering.

    Parameters
    ----------
    x : Tensor of shape (n_samples, n_features)
        Features of the subjects, who are at least ``n_clusters``.
    n_clusters : int
        Number of clusters.
    rng : numpy Generator
        Source of the random starts.
    weight : Tensor of shape (n_samples,), optional
        A subject of weight w counts as w identical subjects.
    balanced : bool, default=False
        Whether Sinkhorn iterations give the clusters nearly equal sizes.

    Returns
    -------
    centers : Tensor of shape (n_clusters, n_features)
        Centers of the clusters.
    labels : Tensor of int64 (n_samples,)
        Cluster of each subject.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from skmmcl.networks._soft_clusters import k_means
    >>> centers, _ = k_means(torch.tensor([[0.0], [1.0], [9.0]]), 2, np.random.default_rng(0))
    >>> centers.sort(0).values.flatten().tolist()
    [0.5, 9.0]
    """
    weight = x.new_ones(len(x)) if weight is None else weight
    found = [_from_start(x, weight, n_clusters, rng, balanced) for _ in range(N_STARTS)]
    _, centers, labels = min(found, key=lambda one: one[0])
    return centers, labels


def _from_start(
    x: Tensor, weight: Tensor, n_clusters: int, rng: np.random.Generator, balanced: bool
) -> tuple[float, Tensor, Tensor]:
    """Return inertia, centers and labels from one start of k-means++."""
    centers = _spread(x, weight, n_clusters, rng)
    labels = torch.full((len(x),), -1, device=x.device)
    for _ in range(N_ITERATIONS):
        distances = _squared_distances(x, centers)
        before, labels = labels, _assigned(distances, weight, balanced)
        if torch.equal(before, labels):
            break
        members = torch.nn.functional.one_hot(labels, n_clusters).to(x.dtype) * weight[:, None]
        size = members.sum(0)[:, None]
        means = members.mT @ x / size.clamp_min(TINY)
        centers = torch.where(size > 0, means, centers)
    inertia = (weight * distances.gather(1, labels[:, None])[:, 0]).sum()
    return float(inertia), centers, labels


def _spread(x: Tensor, weight: Tensor, n_clusters: int, rng: np.random.Generator) -> Tensor:
    """Draw centers far from one another, as k-means++ does."""
    chance = weight.double().cpu().numpy()
    rows = [int(rng.choice(len(x), p=chance / chance.sum()))]
    for _ in range(1, n_clusters):
        nearest = _squared_distances(x, x[rows]).amin(1).double().cpu().numpy() * chance
        nearest = nearest if nearest.sum() > 0 else chance
        rows.append(int(rng.choice(len(x), p=nearest / nearest.sum())))
    return x[rows]


def _assigned(distances: Tensor, weight: Tensor, balanced: bool) -> Tensor:
    """Return the cluster of each subject."""
    if not balanced:
        return distances.argmin(1)
    scores = -distances / (distances.mean() * EPSILON + TINY)
    plan = (scores - scores.amax(1, keepdim=True)).exp() * weight[:, None]
    for _ in range(N_SINKHORN):
        plan = plan / (plan.sum(0, keepdim=True) + TINY)
        plan = plan / (plan.sum(1, keepdim=True) + TINY) * weight[:, None]
    return plan.argmax(1)


def _squared_distances(x: Tensor, centers: Tensor) -> Tensor:
    return (x[:, None] - centers).square().sum(-1)
