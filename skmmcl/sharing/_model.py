"""Saving and loading of models, without pickle."""

from __future__ import annotations

import os
import platform
import re
import reprlib
import warnings
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

import skmmcl
from skmmcl.exceptions import ModelFileError
from skmmcl.sharing._allowed import by_name
from skmmcl.sharing._file import read_about, read_file, write_file
from skmmcl.sharing._read import Reader
from skmmcl.sharing._trial import check_fits_together
from skmmcl.sharing._write import Writer
from skmmcl.utils._named import named

# What every description of a model has.
ABOUT = {
    "class": str, "parameters": dict, "scores": dict, "versions": dict, "holds_subjects": bool,
    "subjects_in": list, "trusts": list,
}  # fmt: skip
PACKAGES = ("numpy", "scikit-learn", "torch", "skorch")
# Errors that malformed content may raise when a model is assembled.
ODD = (
    ArithmeticError, AttributeError, ImportError, LookupError, MemoryError, RecursionError,
    RuntimeError, TypeError, ValueError,
)  # fmt: skip


def save_model(
    model: BaseEstimator,
    path: str | os.PathLike[str],
    *,
    scores: Mapping[str, float] | None = None,
    include_subjects: bool = False,
) -> None:
    """Write an estimator to one file, which holds no code.

    Arrays and weights are in the body of a safetensors file, all else is JSON in its header. An
    existing file is replaced as a whole or, if the computer stops meanwhile, not at all.

    Parameters
    ----------
    model : estimator
        Fitted or unfitted estimator: any of this package, a ``Pipeline`` with them, or one of
        scikit-learn's linear models, scalers, encoders and similar ones.
    path : str or path
        File to write, such as ``"model.skmmcl"``.
    scores : mapping of str to float, optional
        Scores of the model, as information for its users.
    include_subjects : bool, default=False
        Whether data of training subjects may be written. By default a model that cannot do without
        them is refused, and what it does not need for predictions is left out: ``labels_`` of
        subtypes, for example, and digests of identifiers, without which a fine-tuned model cannot
        recognize subjects of its pretraining (``on_overlap``).

    Raises
    ------
    ModelFileError
        If a part of the model is code (a lambda, a hook), has a type that cannot be written, or is
        data of subjects.
    ValueError
        If a score is not a finite number.

    Examples
    --------
    >>> import os, tempfile
    >>> from skmmcl import CMCCSSEmbedder, load_model, save_model
    >>> from skmmcl.datasets import make_cohort
    >>> X, y, _ = make_cohort(40, random_state=0)
    >>> embedder = CMCCSSEmbedder(random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.skmmcl")
    ...     save_model(embedder, path, scores={"balanced_accuracy": 0.81})
    ...     loaded = load_model(path)
    >>> bool((loaded.transform(X) == embedder.transform(X)).all())
    True
    """
    if not isinstance(model, BaseEstimator):
        raise TypeError(f"save_model takes an estimator, got {type(model).__name__}.")
    writer = Writer(include_subjects=include_subjects)
    try:
        content = writer.write(model)
        about = _about(model, scores) | {
            "holds_subjects": bool(writer.of_subjects),
            "subjects_in": sorted(writer.of_subjects),
            "trusts": sorted(writer.foreign),
        }
        write_file(path, about, content, writer.arrays)
    except RecursionError as error:
        raise ModelFileError("The model cannot be saved: it is nested too deep.") from error


def load_model(
    path: str | os.PathLike[str], *, trusted: Iterable[Any] | Mapping[str, Any] = ()
) -> Any:
    """Read an estimator from a file of `save_model`, without executing code of the file.

    Parameters
    ----------
    path : str or path
        The file. A model that was trained on a GPU is loaded to the CPU.
    trusted : sequence of classes and functions, or mapping of str to these, default=()
        Classes and functions of your own that the model uses, such as an encoder. A mapping is by
        their names in the file.

    Returns
    -------
    estimator
        The model as it was saved; its outputs are the same to the last bit.

    Raises
    ------
    ModelFileError
        If the file is damaged, names a class that is not allowed, or its parts do not fit together.

    Examples
    --------
    >>> import os, tempfile
    >>> from sklearn.linear_model import Ridge
    >>> from skmmcl import load_model, save_model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "ridge.skmmcl")
    ...     save_model(Ridge(alpha=2.0).fit([[0.0], [1.0]], [0.0, 1.0]), path)
    ...     load_model(path).predict([[3.0]]).round(6)
    array([1.])
    """
    try:
        _, content, arrays = read_file(path)
        reader = Reader(arrays, by_name(trusted))
        model = _put_together(reader, content)
        if unused := sorted(arrays.keys() - reader.read_arrays):
            raise ModelFileError(f"it has arrays that no part uses, such as {unused[0]!r:.80}")
        if not isinstance(model, BaseEstimator):
            raise ModelFileError(f"it holds a {type(model).__name__}, which is no estimator")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check_fits_together(model)
    except ModelFileError as error:
        raise ModelFileError(f"{os.fspath(path)!r} cannot be loaded: {error}.") from error
    return model


def model_info(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the facts that a file of `save_model` states about its model, without loading it.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    dict
        ``class``, ``parameters``, ``modalities``, ``feature_names``, ``classes``, ``versions`` and
        ``scores``; ``holds_subjects``, whether data of training subjects are in it, and
        ``subjects_in``, where; ``trusts``, classes and functions that `load_model` needs as
        ``trusted``.

    Examples
    --------
    >>> import os, tempfile
    >>> from sklearn.linear_model import Ridge
    >>> from skmmcl import model_info, save_model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "ridge.skmmcl")
    ...     save_model(Ridge(alpha=2.0), path, scores={"r2": 0.4})
    ...     about = model_info(path)
    >>> about["class"], about["parameters"]["alpha"], about["scores"], about["holds_subjects"]
    ('sklearn.linear_model._ridge.Ridge', 2.0, {'r2': 0.4}, False)
    """
    try:
        about = read_about(path)
        odd = [name for name, kind in ABOUT.items() if type(about.get(name)) is not kind]
        if odd or not re.fullmatch(r"\w+(\.\w+)*", about["class"]):
            raise ModelFileError(f"its description of the model is malformed at {odd or ['class']}")
    except ModelFileError as error:
        raise ModelFileError(f"{os.fspath(path)!r} cannot be read: {error}.") from error
    return about


def _put_together(reader: Reader, content: Any) -> Any:
    try:
        return reader.read(content)
    except ModelFileError:
        raise
    except ODD as error:
        text = f"{type(error).__name__}: {error}"
        raise ModelFileError(f"its parts do not fit together ({text:.300})") from error


def _about(model: Any, scores: Mapping[str, float] | None) -> dict[str, Any]:
    cls = type(model)
    about = {
        "class": f"{cls.__module__}.{cls.__qualname__}",
        "parameters": {name: _shown(v) for name, v in sorted(model.get_params().items())},
        "modalities": _attribute(model, "modalities_"),
        "shapes": _attribute(model, "shapes_"),
        "n_features": _attribute(model, "n_features_in_"),
        "feature_names": _attribute(model, "feature_names_in_"),
        "classes": _attribute(model, "classes_"),
        "scores": {name: _finite(value, name) for name, value in (scores or {}).items()},
        "versions": {"python": platform.python_version(), "skmmcl": skmmcl.__version__}
        | {name: version(name) for name in PACKAGES},
    }
    return {name: value for name, value in about.items() if value is not None}


def _finite(value: Any, name: str) -> float:
    with named(f"scores[{name!r}]", "a number"):
        if not np.isfinite(number := float(value)):
            raise ValueError("it is NaN or infinite")
    return number


def _attribute(model: Any, name: str) -> Any:
    """Return an attribute of a model or, where a pipeline has none, of its first step."""
    first = model.steps[0][1] if hasattr(model, "steps") else model
    value = getattr(model, name, getattr(first, name, None))
    return None if value is None else _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return _shown(value)


def _shown(value: Any) -> Any:
    """Return a value in a form that JSON can hold, for readers."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and np.isfinite(value):
        return value
    return reprlib.repr(value) if not isinstance(value, BaseEstimator) else type(value).__name__
