"""Errors and warnings of skmmcl; errors of the input are also a `ValueError`."""

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
    """The checkpoint of a fit cannot be read or written; the fit itself goes on."""


class DataError(ValueError):
    """The values of a modality cannot be used: NaN, infinite, text, empty, of another length."""


class ModalityError(ValueError):
    """The modalities are not the expected ones: unknown, missing, extra, or of another shape."""


class ModelFileError(ValueError):
    """A model cannot be saved, or a file holds no model that can be loaded safely."""


class TrainingError(RuntimeError):
    """Training went wrong, for example a loss term that is no longer finite; no `ValueError`."""


class FitInterruptedWarning(UserWarning):
    """Training was stopped by Ctrl-C; the estimator can be used as it stands."""


class LeakageWarning(UserWarning):
    """Cross-validation scores are too good, for example because a person is in both parts."""
