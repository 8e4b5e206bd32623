"""SepVAE: variation common to patients and controls, and variation salient in patients."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from skmmcl.losses._parts._batch import at_least_single
from skmmcl.losses._parts._stacking import Loss, loss_parameters
from skmmcl.losses._subjects import over_subjects, term


def gaussian_kl(mu: Tensor, log_var: Tensor, prior_variance: float = 1.0) -> Tensor:
    """Return the divergence of normal distributions from one around 0, summed over dimensions.

    Parameters
    ----------
    mu, log_var : Tensor of shape (..., n_components)
        Means and logarithms of the variances.
    prior_variance : float, default=1.0
        Variance of the distribution around 0.

    Returns
    -------
    Tensor of shape (...)
        In nats.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import gaussian_kl
    >>> gaussian_kl(torch.tensor([[1.0, 2.0]]), torch.zeros(1, 2))
    tensor([2.5000])
    """
    mu, log_var = at_least_single(mu), at_least_single(log_var)
    ratio = log_var - math.log(prior_variance)
    return 0.5 * (mu.square() / prior_variance + ratio.exp() - ratio - 1).sum(-1)


@loss_parameters
class SepVAELoss(Loss):
    """The terms of SepVAE's objective, each a method.

    Parameters
    ----------
    precision : float, default=40.0
        Inverse variance of the prior of the salient variables of controls.
    reduction : {"mean", "sum"}, default="mean"
        Reduction over the subjects. The paper has the sum, which grows with the batch.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import SepVAELoss
    >>> target = torch.tensor([[0.0], [1.0], [1.0], [1.0]])
    >>> SepVAELoss(precision=10.0).salient_prior(torch.ones(4, 2), torch.zeros(4, 2), target)
    tensor(3.2500)
    """

    precision: float = 40.0
    reduction: Literal["mean", "sum"] = "mean"

    @term
    def reconstruction(
        self,
        x_hat: Mapping[Any, Tensor],
        x: Mapping[Any, Tensor],
        mask: Tensor | None,
        target: Tensor,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Return the squared errors, summed over entries and present modalities.

        Parameters
        ----------
        x_hat, x : dict of Tensor ``(n_samples, *shape)``
            Reconstructions and data, in the order of the columns of ``mask``.
        mask : Tensor of shape (n_samples, n_views) or None
            True where the subject has the modality.
        """
        total = torch.zeros_like(target[:, 0])
        for k, (name, found) in enumerate(x_hat.items()):
            errors = (at_least_single(found) - x[name]).square().flatten(1).sum(1)
            total = total + (errors if mask is None else torch.where(mask[:, k], errors, 0.0))
        return self._over_subjects(total, target, sample_weight)

    @term
    def common_prior(
        self, mu: Tensor, log_var: Tensor, target: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Return the divergence of the common variables from standard normal ones.

        Parameters
        ----------
        mu, log_var : Tensor of shape (n_samples, n_components)
            Means and log-variances of the posterior.
        """
        return self._over_subjects(gaussian_kl(mu, log_var), target, sample_weight)

    @term
    def salient_prior(
        self, mu: Tensor, log_var: Tensor, target: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Return the divergence of the salient variables from their priors.

        The prior is standard normal for patients, and concentrated near 0 for controls. The
        posterior variance of controls is fixed, so that only their means enter the divergence.

        Parameters
        ----------
        mu, log_var : Tensor of shape (n_samples, n_components)
            Means and log-variances of the posterior.
        """
        of_controls = 0.5 * self.precision * at_least_single(mu).square().sum(-1)
        divergence = torch.where(target[:, 0] == 0, of_controls, gaussian_kl(mu, log_var))
        return self._over_subjects(divergence, target, sample_weight)

    @term
    def shared_information(
        self, joint_logits: Tensor, target: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Return an estimate of the mutual information of both parts; never negative.

        The log odds estimate the logarithm of the ratio of the joint density to the product of the
        marginal densities.

        Parameters
        ----------
        joint_logits : Tensor of shape (n_samples,)
            Log odds that both parts belong to one subject, for parts that do.
        """
        return self._over_subjects(joint_logits.relu(), target, sample_weight)

    @term
    def discrimination(
        self,
        joint_logits: Tensor,
        product_logits: Tensor,
        target: Tensor,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Return the cross-entropy of the discriminator.

        Parameters
        ----------
        joint_logits : Tensor of shape (n_samples,)
            Log odds that both parts belong to one subject, for parts that do.
        product_logits : Tensor of shape (n_samples,)
            The same for parts of different subjects.
        """
        entropy = 0.5 * (F.softplus(-joint_logits) + F.softplus(product_logits))
        return self._over_subjects(entropy, target, sample_weight)

    @term
    def classification(
        self, logits: Tensor, target: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Return the cross-entropy of the classifier.

        Parameters
        ----------
        logits : Tensor of shape (n_samples,)
            Log odds of being a patient.
        """
        is_patient = target[:, 0].nan_to_num()
        entropy = F.binary_cross_entropy_with_logits(
            logits, is_patient.to(logits.dtype), reduction="none"
        )
        return self._over_subjects(entropy, target, sample_weight)

    def _over_subjects(
        self, values: Tensor, target: Tensor, sample_weight: Tensor | None
    ) -> Tensor:
        known = ~target[:, 0].isnan()
        return over_subjects(values, known, sample_weight, reduction=self.reduction)
