"""MMVAE: bound on the likelihood of a mixture of experts."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from skmmcl.losses._parts._batch import at_least_single, mean_of_subjects
from skmmcl.losses._parts._stacking import Loss, loss_parameters


@loss_parameters
class MMVAELoss(Loss):
    """Negative looser importance-weighted bound of a mixture of experts, over the subjects.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import MMVAELoss
    >>> log_joint, log_posteriors = torch.zeros(2, 5, 3), torch.ones(2, 2, 5, 3)
    >>> MMVAELoss()(log_joint, log_posteriors)
    tensor(1.)
    """

    def forward(
        self,
        log_joint: Tensor,
        log_posteriors: Tensor,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Return the mean over the subjects, in nats.

        ``log_joint`` is that of `looser_iwae_bound`; ``log_posteriors`` (n_experts, n_experts,
        n_draws, n_samples) is ``log q_m(z | x_m)`` under each expert, of the same draws of each.
        """
        present = None if mask is None else mask.T
        log_posterior = log_mixture(at_least_single(log_posteriors), present)
        bound = looser_iwae_bound(at_least_single(log_joint), log_posterior, present)
        return -mean_of_subjects(bound, sample_weight)


def looser_iwae_bound(
    log_joint: Tensor, log_posterior: Tensor, present: Tensor | None = None
) -> Tensor:
    """Return the importance-weighted bound on the log-likelihood, averaged over experts.

    ``1/M sum_m log 1/K sum_k p(z_m^k, x) / q(z_m^k | x)``, the looser bound of
    :cite:t:`shi2019variational`: the experts are averaged outside the logarithm.

    Parameters
    ----------
    log_joint : Tensor of shape (n_experts, n_draws, n_samples)
        ``log p(z) + sum_m log p(x_m | z)`` of latent draws of each expert, the sum over the
        modalities that the subject has.
    log_posterior : Tensor of shape (n_experts, n_draws, n_samples)
        ``log q(z | x)`` of the same draws under the mixture of the experts.
    present : Tensor of bool (n_experts, n_samples), optional
        True for experts that a subject has, at least one; None for all.

    Returns
    -------
    Tensor of shape (n_samples,)
        The bound, which is maximized.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import looser_iwae_bound
    >>> looser_iwae_bound(torch.zeros(2, 5, 3), torch.ones(2, 5, 3))
    tensor([-1., -1., -1.])
    """
    log_weights = log_joint - log_posterior
    of_experts = torch.logsumexp(log_weights, dim=1) - math.log(log_weights.shape[1])
    if present is None:
        return of_experts.mean(0)
    return torch.where(present, of_experts, 0.0).sum(0) / present.sum(0)


def log_mixture(log_densities: Tensor, present: Tensor | None = None) -> Tensor:
    """Return the log-density of the mixture of equally probable experts.

    Parameters
    ----------
    log_densities : Tensor of shape (n_experts, ...)
        Log-density under each expert.
    present : Tensor of bool (n_experts, n_samples), optional
        True for experts that a subject, along the last axis, has, at least one; None for all.

    Returns
    -------
    Tensor of shape (...)
        Log-density under their mixture.

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
