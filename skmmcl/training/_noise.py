"""Noise that is added to the network's input in training."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from skmmcl.augmentation import augmented_names
from skmmcl.augmentation._base import normal_like
from skmmcl.training._copies import copies_of


@dataclass(frozen=True)
class InputNoise:
    """Normal noise of a modality, in units of each feature.

    Parameters
    ----------
    spread : Tensor
        Factor of the noise: the deviation of each entry, ``(*shape)``, or the matrix (n_axes,
        n_axes) that maps independent numbers to the noise of component scores.
    kind : {"entries", "symmetric", "scores"}, default="entries"
        Numbers that are drawn: one for each entry, the same above and below the diagonal of a
        matrix, or one for each component.
    std : float, default=1.0
        Standard deviation, in these units.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.training._noise import InputNoise
    >>> noise = InputNoise(torch.tensor([1.0, 0.0]))  # the second feature is constant
    >>> noise(torch.ones(4, 2), torch.Generator().manual_seed(0))[:, 1]
    tensor([1., 1., 1., 1.])
    """

    spread: Tensor
    kind: Literal["entries", "symmetric", "scores"] = "entries"
    std: float = 1.0

    def to(self, like: Tensor) -> InputNoise:
        """Return the noise for batches of a tensor's dtype and device."""
        return replace(self, spread=self.spread.to(like))

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Add noise to a batch (n_samples, ...), by a generator of the CPU."""
        drawn = normal_like(x, generator)
        if self.kind == "scores":
            return torch.addmm(x, drawn, self.spread, alpha=self.std)
        if self.kind == "symmetric":
            drawn = drawn.triu() + drawn.triu(1).mT
        return torch.addcmul(x, drawn, self.spread, value=self.std)


def noise_of_entries(scale: np.ndarray, *, symmetric: bool = False) -> InputNoise:
    """Return the noise of a modality that is not reduced to component scores.

    Parameters
    ----------
    scale : ndarray ``(*shape)``
        Standard deviation of each entry over the training subjects.
    symmetric : bool, default=False
        Whether subjects are symmetric matrices, and stay so.

    Returns
    -------
    InputNoise
    """
    return InputNoise(torch.tensor(scale), "symmetric" if symmetric else "entries")


def noise_of_scores(weight: Tensor, scale: np.ndarray, *, symmetric: bool = False) -> InputNoise:
    """Return the noise of component scores that equals noise on each entry.

    It is drawn in the space of the scores, which are few. Its covariance is that of the noise on
    the entries, projected onto the axes; for z-scores it is a multiple of the identity. A symmetric
    matrix contains each connection twice, so that the noise of its scores has twice the variance.

    Parameters
    ----------
    weight : Tensor of shape (n_entries, n_axes)
        Maps centered subjects to scores.
    scale : ndarray ``(*shape)``
        Standard deviation of each entry over the training subjects.
    symmetric : bool, default=False
        Whether subjects are symmetric matrices.

    Returns
    -------
    InputNoise
    """
    reach = weight.detach().cpu().double().numpy().reshape(*scale.shape, -1) * scale[..., None]
    if symmetric:  # add the effects of a connection's two entries
        above, below = np.triu_indices(len(scale), 1)
        twice = reach[above, below] + reach[below, above]
        reach = np.concatenate([twice, np.diagonal(reach).T])
    reach = reach.reshape(-1, reach.shape[-1])
    values, vectors = np.linalg.eigh(reach.T @ reach)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return InputNoise(torch.as_tensor(root), "scores")


def is_noisy(net: Any) -> bool:
    """Return whether noise is added to a modality in a copy of the batch."""
    return any(changes(net, augmented=augmented)[0] for augmented in copies_of(net.module_))


def changes(net: Any, *, augmented: bool) -> tuple[dict[str, InputNoise], Mapping[Any, Any]]:
    """Return the noise and the augmentations of a copy; what is augmented gets no noise."""
    augment = (net.augment_ or {}) if augmented else {}
    known = augmented_names(augment)
    return {
        name: each for name, each in (net.noise_ or {}).items() if each.std and name not in known
    }, augment


def warn_of_unused_noise(net: Any, settings: Any) -> None:
    """Warn if noise was asked for, and no modality gets any."""
    if settings.input_noise in (0, type(settings).input_noise) or is_noisy(net):
        return
    warnings.warn(
        f"input_noise={settings.input_noise!r} has no effect: only vectors and matrices that are "
        "not augmented get noise, and there are none. For other modalities, add noise by augment.",
        UserWarning,
        stacklevel=10,
    )
