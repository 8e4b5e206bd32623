"""Errors and warnings that skmmcl raises; what is wrong with the input is also a `ValueError`."""

__all__ = [
    "CheckpointWarning",
    "DataError",
    "FitInterruptedWarning",
    "LeakageWarning",
    "ModalityError",
    "ModelFileError",
    "TrainingError",
]


class CheckpointWarning(UserWarning):
    """The state of a fit cannot be read or kept; the fit itself goes on."""


class DataError(ValueError):
    """The values of a modality cannot be used: NaN, infinite, text, empty, of another length."""


class ModalityError(ValueError):
    """The modalities are not the expected ones: unknown, missing, extra, or of another shape."""


class ModelFileError(ValueError):
    """A model cannot be saved, or a file holds no model that can be loaded safely."""


class TrainingError(RuntimeError):
    """Training went wrong, for example a loss term that is no longer finite; no `ValueError`."""


class FitInterruptedWarning(UserWarning):
    """Training was stopped by Ctrl-C; the estimator is usable as it stands."""


class LeakageWarning(UserWarning):
    """Something makes the scores of a cross-validation too good, such as people in both parts."""
