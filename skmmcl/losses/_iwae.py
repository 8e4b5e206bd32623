"""Bound on the likelihood of a mixture of experts."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def looser_iwae_bound(log_joint: Tensor, log_posterior: Tensor) -> Tensor:
    """Importance-weighted bound on the log-likelihood, averaged over experts outside the log.

    Parameters
    ----------
    log_joint : Tensor of shape (n_experts, n_draws, n_samples)
        ``log p(z) + sum_m log p(x_m | z)`` of latent draws of each expert.
    log_posterior : Tensor of shape (n_experts, n_draws, n_samples)
        ``log q(z | x)`` of the same draws under the mixture of the experts.

    Returns
    -------
    Tensor of shape (n_samples,)
        The bound, to be made as large as possible.

    References
    ----------
    .. [1] Shi Y., Siddharth N., Paige B., Torr P. (2019). Variational mixture-of-experts
       autoencoders for multi-modal deep generative models. NeurIPS 32.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import looser_iwae_bound
    >>> looser_iwae_bound(torch.zeros(2, 5, 3), torch.ones(2, 5, 3))
    tensor([-1., -1., -1.])
    """
    log_weights = log_joint - log_posterior
    n_draws = log_weights.shape[1]
    return (torch.logsumexp(log_weights, dim=1) - math.log(n_draws)).mean(0)


def log_mixture(log_densities: Tensor) -> Tensor:
    """Log-density of the mixture of equally probable experts.

    Parameters
    ----------
    log_densities : Tensor of shape (n_experts, ...)
        Under each expert.

    Returns
    -------
    Tensor of shape (...)
        Under their mixture.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import log_mixture
    >>> log_mixture(torch.zeros(3, 2))
    tensor([0., 0.])
    """
    return torch.logsumexp(log_densities, dim=0) - math.log(len(log_densities))
