"""Deep UCSL: classification of patients and controls within each subtype."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from skmmcl.losses._parts._stacking import Loss, loss_parameters
from skmmcl.losses._subjects import over_subjects, term


@loss_parameters
class DeepUCSLLoss(Loss):
    """The terms of Deep UCSL's objective, each a method.

    Parameters
    ----------
    class_weights : tuple of float, default=(1.0, 1.0)
        Weights of controls and of patients.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.losses import DeepUCSLLoss
    >>> target = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.5, 0.5]])
    >>> DeepUCSLLoss().conditional(torch.zeros(2, 2), target)
    tensor(0.3466)
    """

    class_weights: tuple[float, float] = (1.0, 1.0)

    @term
    def conditional(
        self, logits: Tensor, target: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Return the cross-entropy of being a patient, within each subtype.

        A mean over subjects and subtypes, in which each counts by its probability.

        Parameters
        ----------
        logits : Tensor of shape (n_samples, n_clusters)
            Log odds of being a patient, within each subtype.
        """
        known, is_patient = ~target[:, 0].isnan(), target[:, 0] == 1
        label = is_patient.to(logits.dtype)[:, None].expand_as(logits)
        entropy = F.binary_cross_entropy_with_logits(logits, label, reduction="none")
        of_controls, of_patients = self.class_weights
        factor = of_patients * label[:, 0] + of_controls * (1 - label[:, 0])
        values = (entropy * target[:, 1:].nan_to_num()).mean(1) * factor
        return over_subjects(values, known, sample_weight)

    @term
    def of_patients(
        self, log_p: Tensor, target: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Return the cross-entropy of the expected subtypes of patients.

        A mean over patients and subtypes, 0 in a batch without patients.

        Parameters
        ----------
        log_p : Tensor of shape (n_samples, n_clusters)
            Log-probabilities of the subtypes.
        """
        values = -(target[:, 1:].nan_to_num() * log_p).mean(1)
        return self.class_weights[1] * over_subjects(values, target[:, 0] == 1, sample_weight)

    @term
    def of_controls(
        self, log_p: Tensor, target: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Return the cross-entropy of equally probable subtypes, for controls.

        It removes from the subtypes the variation that patients share with controls. A mean over
        controls and subtypes, 0 in a batch without controls.

        Parameters
        ----------
        log_p : Tensor of shape (n_samples, n_clusters)
            Log-probabilities of the subtypes.
        """
        values = -log_p.mean(1) / log_p.shape[1]
        return self.class_weights[0] * over_subjects(values, target[:, 0] == 0, sample_weight)
