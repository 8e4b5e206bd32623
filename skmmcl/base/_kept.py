"""Folder and file name of the state of a fit."""

from __future__ import annotations

import warnings
from pickle import PicklingError
from typing import Any

from skmmcl.data import MultimodalData
from skmmcl.exceptions import CheckpointWarning
from skmmcl.training import EmbeddingNet, checkpoint_folder, fingerprint, open_folder
from skmmcl.utils._fingerprint import describe_modules

# Parameters in which fits of one checkpoint may differ.
NOT_OF_THE_FIT = {
    "verbose", "device", "checkpoint", "callbacks", "impute", "on_empty", "normalize",
}  # fmt: skip


def where_kept(
    settings: Any, net: EmbeddingNet, data: MultimodalData, *job: Any
) -> tuple[Any, str] | None:
    """Return the folder and fingerprint of a fit to be kept; trouble with them is no error."""
    if (folder := checkpoint_folder(settings.checkpoint)) is None:
        return None
    try:
        open_folder(folder)
        params = settings.get_params(deep=False)
        params = {name: value for name, value in params.items() if name not in NOT_OF_THE_FIT}
        # A notebook may have edited them.
        callbacks = [_describe_callback(each) for each in settings.callbacks or ()]
        code = type(settings), net.criterion_.terms, describe_modules(net.module_), callbacks
        return folder, fingerprint(code, params, data.to_dict(), data.mask, *job, net.seed_)
    except (PicklingError, AttributeError, TypeError, RecursionError) as error:
        trouble = f"One of the parameters cannot be written: {error}"
    except (OSError, ValueError) as error:
        trouble = str(error)
    text = f"This fit is not kept in the folder for checkpoints, and goes on. {trouble}"
    warnings.warn(text, CheckpointWarning, stacklevel=7)
    return None


def _describe_callback(callback: Any) -> Any:
    """Return the class and the plain settings of a callback; its state may be anything."""
    callback = callback[1] if isinstance(callback, tuple) else callback
    if isinstance(callback, type):
        return callback
    plain = (bool, int, float, str, type(None))
    return type(callback), {
        name: value
        for name, value in vars(callback).items()
        if isinstance(value, plain) and not name.endswith("_")
    }
