"""Bound on the likelihood of a mixture of experts."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from skmmcl.losses._similarity import at_least_single, over


class MMVAELoss(nn.Module):
    """Negative looser importance-weighted bound of a mixture of experts, over the subjects.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import MMVAELoss
    >>> log_joint, log_posteriors = torch.zeros(2, 5, 3), torch.ones(2, 2, 5, 3)
    >>> MMVAELoss()(log_joint, log_posteriors)
    tensor(1.)
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(
        self,
        log_joint: Tensor,
        log_posteriors: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Mean over the subjects, in nats.

        Parameters
        ----------
        log_joint : Tensor of shape (n_experts, n_draws, n_samples)
            ``log p(z) + sum_m log p(x_m | z)`` of latent draws of each expert, the sum over
            the modalities that the subject has.
        log_posteriors : Tensor of shape (n_experts, n_experts, n_draws, n_samples)
            ``log q_m(z | x_m)`` under each expert, of the same draws of each.
        mask : Tensor of shape (n_samples, n_experts), optional
            True where the subject has the modality of the expert.
        sample_weight : Tensor of shape (n_samples,), optional
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        Tensor
            A scalar.
        """
        present = None if mask is None else mask.T
        log_posterior = log_mixture(at_least_single(log_posteriors), present)
        bound = looser_iwae_bound(at_least_single(log_joint), log_posterior, present)
        weight = torch.ones_like(bound) if sample_weight is None else sample_weight.to(bound.dtype)
        return -(bound * over(weight, weight.sum())).sum()


def looser_iwae_bound(
    log_joint: Tensor, log_posterior: Tensor, present: Tensor | None = None
) -> Tensor:
    """Importance-weighted bound on the log-likelihood, averaged over experts outside the log.

    Parameters
    ----------
    log_joint : Tensor of shape (n_experts, n_draws, n_samples)
        ``log p(z) + sum_m log p(x_m | z)`` of latent draws of each expert.
    log_posterior : Tensor of shape (n_experts, n_draws, n_samples)
        ``log q(z | x)`` of the same draws under the mixture of the experts.
    present : Tensor of bool (n_experts, n_samples), optional
        Which experts a subject has, at least one; None for all.

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
    of_experts = torch.logsumexp(log_weights, dim=1) - math.log(n_draws)
    if present is None:
        return of_experts.mean(0)
    return torch.where(present, of_experts, 0.0).sum(0) / present.sum(0)


def log_mixture(log_densities: Tensor, present: Tensor | None = None) -> Tensor:
    """Log-density of the mixture of equally probable experts.

    Parameters
    ----------
    log_densities : Tensor of shape (n_experts, ...)
        Under each expert.
    present : Tensor of bool (n_experts, n_samples), optional
        Which experts a subject, along the last axis, has, at least one; None for all.

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
    if present is None:
        return torch.logsumexp(log_densities, dim=0) - math.log(len(log_densities))
    between = [1] * (log_densities.dim() - 2)
    absent = ~present.reshape(len(present), *between, -1)
    total = torch.logsumexp(log_densities.masked_fill(absent, -torch.inf), dim=0)
    return total - present.sum(0).to(total.dtype).log()
