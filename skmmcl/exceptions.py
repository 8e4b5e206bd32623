"""Errors and warnings that skmmcl raises; all errors are also `ValueError`."""

__all__ = ["DataError", "FitInterruptedWarning", "ModalityError", "TrainingError"]


class DataError(ValueError):
    """The values of a modality cannot be used: NaN, infinite, text, empty, of another length."""


class ModalityError(ValueError):
    """The modalities are not the expected ones: unknown, missing, extra, or of another shape."""


class TrainingError(RuntimeError):
    """Training went wrong, for example a loss term that is no longer finite."""


class FitInterruptedWarning(UserWarning):
    """Training was stopped by Ctrl-C; the estimator is usable as it stands."""
