"""Realizability: whether embeddings on the sphere can have the similarities of given weights."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from skmmcl.losses._parts._info_nce import weighted_info_nce

# Eigenvalue tolerance per subject, in units of machine epsilon.
ROUNDING = 100
MIN_INFORMATION = 1e-3
N_RESTARTS = 4
MAX_ITERATIONS = 500


class Realizability(NamedTuple):
    """Result of `sphere_realizability`.

    Parameters
    ----------
    realizable : bool
        Whether some embeddings have exactly the similarities that the weights ask for.
    smallest_eigenvalue : float
        Smallest eigenvalue of the cosines that are asked for; below zero, no embeddings have
        them. ``-inf`` where weights are zero, which ask for similarities of ``-inf``.
    entropy : float
        Mean entropy of the weights, the lower bound of the loss.
    gap : float
        Difference between the smallest loss that is possible and the entropy.

    Examples
    --------
    >>> from skmmcl.losses import Realizability
    >>> Realizability(True, 0.5, 1.0, 0.0).realizable
    True
    """

    realizable: bool
    smallest_eigenvalue: float
    entropy: float
    gap: float


def sphere_realizability(
    weights: ArrayLike | Tensor,
    temperature: float = 0.1,
    *,
    n_components: int | None = None,
    self_pairs: bool = True,
) -> Realizability:
    """Return whether weighted InfoNCE can reach its lower bound on the sphere.

    It does where the cosines are ``temperature * log(weights)`` plus a constant
    :cite:p:`vock2026`. A Gaussian kernel asks for an isometric copy of the labels on the sphere:
    three different ages have none.

    Parameters
    ----------
    weights : array-like of shape (n_samples, n_samples)
        Symmetric and not negative, such as a kernel of the labels.
    temperature : float, default=0.1
        Temperature of the loss.
    n_components : int, optional
        Number of components of the embeddings; by default as many as could be needed.
    self_pairs : bool, default=True
        Whether subjects are positives of themselves, as they are by their other views.

    Returns
    -------
    Realizability
        Named tuple of ``realizable``, ``smallest_eigenvalue``, ``entropy`` and ``gap``.

    Raises
    ------
    ValueError
        If the weights are not symmetric, negative or, with ``self_pairs``, zero on the
        diagonal.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.kernels import gaussian
    >>> from skmmcl.losses import sphere_realizability
    >>> found = sphere_realizability(gaussian(torch.tensor([0.0, 1.0, 2.0])), temperature=1.0)
    >>> found.realizable, round(found.gap, 6)
    (False, 0.004485)
    """
    w = torch.as_tensor(weights).detach().cpu()
    precision = torch.finfo(w.dtype if w.is_floating_point() else torch.float64).eps
    w = w.double()
    if w.ndim != 2 or not torch.allclose(w, w.mT) or (w < 0).any():
        raise ValueError("Weights must be a symmetric matrix without negative entries.")
    if self_pairs and (w.diagonal() == 0).any():
        raise ValueError("With self_pairs, no weight on the diagonal may be zero.")
    n_components = n_components or len(w)
    eigenvalues = _eigenvalues(w, temperature, self_pairs)
    tolerance = ROUNDING * precision * len(w)
    realizable = bool(
        eigenvalues[0] >= -tolerance and (eigenvalues > tolerance).sum() <= n_components
    )
    entropy = _entropy(w if self_pairs else w - torch.diag(w.diagonal()))
    gap = 0.0
    if not realizable:
        gap = max(0.0, _smallest_loss(w, temperature, n_components, self_pairs) - entropy)
    return Realizability(realizable, eigenvalues[0].item(), entropy, gap)


def unmet_share(weights: Tensor, temperature: float, *, tolerated: float = 0.0) -> float:
    """Return the fraction of the information in the weights that the sphere cannot represent.

    It is the gap over the information of the weights, their divergence from uniform ones:
    0 where they can be met, 1 where embeddings can do no better than to collapse. Values
    below ``tolerated`` are upper bounds, which are cheap to compute. Weights and temperature
    are those of `sphere_realizability`, with ``self_pairs``.
    """
    w = weights.detach().cpu().double()
    entropy = _entropy(w)
    information = math.log(len(w)) - entropy
    if information <= MIN_INFORMATION:
        return 0.0
    loss = _loss(_nearest(w, temperature), w, temperature, self_pairs=True).item()
    if loss - entropy > tolerated * information:
        loss = min(loss, _smallest_loss(w, temperature, len(w), self_pairs=True))
    return max(0.0, loss - entropy) / information


def _nearest(w: Tensor, temperature: float) -> Tensor:
    """Return embeddings whose products are about the cosines that are asked for."""
    own = w.diagonal().clamp_min(torch.finfo(w.dtype).tiny)
    asked = 1 + temperature * (w / own[:, None]).log()
    values, vectors = torch.linalg.eigh(asked.clamp(-1, 1))
    return vectors * values.clamp_min(0).sqrt()


def _eigenvalues(w: Tensor, temperature: float, self_pairs: bool) -> Tensor:
    """Return those of the cosines asked for, with the best constant where it is free; ascending."""
    none = torch.full((len(w),), -torch.inf, dtype=w.dtype)
    if self_pairs:
        cosines = 1 + temperature * (w.log() - w.diagonal().log()[:, None])
        if not torch.isfinite(cosines).all() or not torch.allclose(cosines, cosines.mT):
            return none
        return torch.linalg.eigvalsh(cosines)
    apart = 1 - torch.eye(len(w), dtype=w.dtype)
    logs = torch.where(apart > 0, w.log(), 0)
    if not torch.isfinite(logs).all():
        return none

    def at(constant: float) -> Tensor:
        return torch.linalg.eigvalsh(torch.eye(len(w)) + temperature * (logs + constant) * apart)

    # The smallest eigenvalue is a concave function of the constant.
    reach = logs.abs().max().item() + len(w) / temperature
    low, high = -reach, reach
    for _ in range(200):
        third = (high - low) / 3
        if at(low + third)[0] < at(high - third)[0]:
            low += third
        else:
            high -= third
    return at((low + high) / 2)


def _entropy(w: Tensor) -> float:
    total = w.sum(-1, keepdim=True)
    counted = total[:, 0] > 0
    share = (w / total)[counted]
    return -(torch.special.xlogy(share, share)).sum(-1).mean().item()


def _smallest_loss(w: Tensor, temperature: float, n_components: int, self_pairs: bool) -> float:
    """Minimize over free embeddings, which is convex in their products if there is room for all."""
    generator = torch.Generator().manual_seed(0)
    n_starts = 1 if n_components >= len(w) else N_RESTARTS
    return min(
        _descend(w, temperature, self_pairs, torch.randn(len(w), n_components, generator=generator))
        for _ in range(n_starts)
    )


def _descend(w: Tensor, temperature: float, self_pairs: bool, start: Tensor) -> float:
    z = start.to(torch.float64).requires_grad_()
    optimizer = torch.optim.LBFGS(
        [z],
        max_iter=MAX_ITERATIONS,
        tolerance_grad=1e-9,
        tolerance_change=1e-13,
        line_search_fn="strong_wolfe",
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = _loss(z, w, temperature, self_pairs)
        value.backward()
        return value

    optimizer.step(loss)
    value = loss().item()
    return value if math.isfinite(value) else math.inf


def _loss(z: Tensor, w: Tensor, temperature: float, self_pairs: bool) -> Tensor:
    u = z / torch.linalg.vector_norm(z, dim=-1, keepdim=True)
    return weighted_info_nce(u @ u.mT / temperature, w, self_pairs=self_pairs)
