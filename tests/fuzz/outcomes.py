"""What a call comes to: a result, a clear error, or one of the faults that are counted."""

from __future__ import annotations

import contextlib
import io
import os
import random
import re
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import sklearn
import torch
from scipy.sparse import issparse
from sklearn.exceptions import NotFittedError

import skmmcl
from skmmcl import MultimodalData
from skmmcl.exceptions import DataError, ModalityError, TrainingError

# What is imported when it is first needed adds filters of warnings.
for late in ("sympy", "nilearn.datasets"):
    with contextlib.suppress(ImportError):
        import_module(late)

PACKAGE = Path(skmmcl.__file__).parent
OK, CLEAR = "ok", "clear error"
BAD = (
    "unclear error",
    "error after training began",
    "non-finite result",
    "altered input",
    "moved generator",
    "changed setting",
)


@dataclass
class Case:
    """A call with odd input.

    Parameters
    ----------
    label : str
        Says what the case is, such that it can be read in a list.
    call : callable
        Runs it; gives what has to be finite.
    inputs : mapping
        What must be the same afterwards.
    names : set of str
        Words by which a clear error may name what is wrong: parameters and modalities.
    also : tuple of type
        Further errors that are expected if they say what is wrong, as IndexError of ``X[9]``.
    """

    label: str
    call: Callable[[], Any]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    also: tuple[type[Exception], ...] = ()


@dataclass
class Outcome:
    """Outcome of a case, with the details of a fault."""

    kind: str
    case: Case
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.case.label}\n    {self.detail}"


def outcome(case: Case, began: Callable[[], bool] = lambda: False) -> Outcome:
    """Run a case. ``began`` says whether training has begun since the case was."""
    said = io.StringIO()
    quiet = contextlib.redirect_stdout(said), contextlib.redirect_stderr(said)
    with warnings.catch_warnings(), quiet[0], quiet[1]:
        warnings.simplefilter("ignore")
        before = [_hashes(case.inputs), _generators(), _settings()]
        kind, detail = _called(case, began)
        if kind in (OK, CLEAR):
            for fault, old, new in zip(
                BAD[3:], before, [_hashes(case.inputs), _generators(), _settings()], strict=True
            ):
                changed = [name for name in old if old[name] != new[name]]
                if changed:
                    return Outcome(fault, case, f"{changed}, after {kind} {detail}")
    return Outcome(kind, case, detail)


def _called(case: Case, began: Callable[[], bool]) -> tuple[str, str]:
    try:
        result = case.call()
    except Exception as error:  # noqa: BLE001
        text = f"{type(error).__name__}: {error}"[:400]
        if not is_clear(error, case):
            *_, last = traceback.extract_tb(error.__traceback__)
            return BAD[0], f"{text}\n    {last.filename}:{last.lineno}"
        in_fit = "in fit" in getattr(error, "__notes__", ())
        late = in_fit and began() and not isinstance(error, TrainingError)
        return (BAD[1] if late else CLEAR), text
    odd = non_finite(result)
    return (BAD[2], odd) if odd else (OK, "")


def is_clear(error: Exception, case: Case) -> bool:
    """Return whether an error is of a kind that users expect, and names its cause."""
    if isinstance(error, (DataError, ModalityError, TrainingError, NotFittedError)):
        return True
    if isinstance(error, UnicodeError | np.linalg.LinAlgError):
        return False
    if not isinstance(error, (TypeError, ValueError, ImportError, *case.also)):
        return False
    said = any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", str(error)) for name in case.names)
    return said or _is_ours(error)


def _is_ours(error: Exception) -> bool:
    """Return whether the package itself raised an error, not a function that it called."""
    *_, last = traceback.extract_tb(error.__traceback__)
    return PACKAGE in Path(last.filename).parents and (last.line or "").startswith("raise ")


def non_finite(result: Any, name: str = "result") -> str:
    """Return where a result is not finite; empty if it is."""
    if isinstance(result, MultimodalData):
        present = dict(zip(result.modalities, result.mask.T, strict=True))
        parts = {key: np.asarray(values)[present[key]] for key, values in result.items()}
        return non_finite(parts, name)
    if isinstance(result, Mapping):
        found = (non_finite(value, f"{name}[{key!r}]") for key, value in result.items())
        return next((odd for odd in found if odd), "")
    if isinstance(result, (tuple, list)):
        return non_finite(dict(enumerate(result)), name)
    if issparse(result):
        result = result.toarray()
    if isinstance(result, torch.Tensor):
        result = result.detach().cpu().numpy()
    array = np.asarray(result)
    if array.dtype.kind not in "fc" or np.isfinite(array).all():
        return ""
    return f"{name} of shape {array.shape}: {int(np.sum(~np.isfinite(array)))} not finite"


def _hashes(inputs: Mapping[str, Any]) -> dict[str, str]:
    return {name: _hash(value) for name, value in inputs.items()}


def _hash(value: Any) -> str:
    try:
        return joblib.hash(_plain(value))
    except Exception:  # noqa: BLE001  what cannot be pickled
        return repr(type(value))


def _plain(value: Any) -> Any:
    """The content of tables, whose caches come and go."""
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().numpy()
    if isinstance(value, pd.DataFrame):
        return [_plain(value.iloc[:, k]) for k in range(value.shape[1])]
    if isinstance(value, pd.Series | pd.Index | pd.Categorical):
        index = _plain(value.index) if isinstance(value, pd.Series) else None
        return repr(list(value)), index, str(value.dtype), str(getattr(value, "name", ""))
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    return value


def _generators() -> dict[str, str]:
    numpy = np.random.get_state()  # noqa: NPY002
    return {
        "numpy": joblib.hash(numpy),
        "torch": joblib.hash(torch.get_rng_state().numpy()),
        "python": joblib.hash(random.getstate()),
    }


def _settings() -> dict[str, Any]:
    return {
        "threads": torch.get_num_threads(),
        "dtype": torch.get_default_dtype(),
        "grad": torch.is_grad_enabled(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "sklearn": sklearn.get_config(),
        "numpy errors": np.geterr(),
        "filters": list(warnings.filters),
        "environment": dict(os.environ),
        "folder": str(Path.cwd()),
    }
