"""Classes and functions that a model file may name."""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from torch import nn

from skmmcl.exceptions import ModelFileError

# Rooms whose classes and functions neither read nor write nor download files.
ROOMS = (
    "augmentation", "base", "cluster", "contrastive", "cross_decomposition", "data._layout",
    "decomposition", "ensemble", "kernels", "losses", "model_selection", "networks",
    "preprocessing", "solvers", "training",
)  # fmt: skip
# Names in older files, and present names, of classes and functions that have moved.
MOVED: dict[str, str] = {}
CLOSED = ("networks._weights", "training._checkpoint", "training._stored")
# Modules of scikit-learn whose estimators have a state of numbers and text.
OF_SKLEARN = (
    "calibration", "cluster._kmeans", "compose", "covariance", "cross_decomposition",
    "decomposition", "discriminant_analysis", "dummy", "feature_selection", "frozen", "impute",
    "kernel_approximation", "linear_model", "mixture", "multiclass", "multioutput", "naive_bayes",
    "pipeline", "preprocessing", "random_projection", "svm",
)  # fmt: skip
NAMES = {
    "builtins.dict",
    "builtins.float",
    "builtins.int",
    "builtins.list",
    "builtins.print",
    "builtins.str",
    "collections.OrderedDict",
    "collections.defaultdict",
    "skorch.callbacks.logging.PrintLog",
    "skorch.callbacks.lr_scheduler.LRScheduler",
    "skorch.callbacks.regularization.GradientNormClipping",
    "skorch.callbacks.training.EarlyStopping",
    "skorch.dataset.Dataset",
    "skorch.dataset.ValidSplit",
    "skorch.history.History",
    "skorch.setter.optimizer_setter",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.compose._column_transformer._RemainderColsList",
    "sklearn.feature_selection._mutual_info.mutual_info_classif",
    "sklearn.feature_selection._mutual_info.mutual_info_regression",
    "sklearn.feature_selection._univariate_selection.chi2",
    "sklearn.feature_selection._univariate_selection.f_classif",
    "sklearn.feature_selection._univariate_selection.f_regression",
    "sklearn.utils._bunch.Bunch",
    "sklearn.utils._metadata_requests.MetadataRequest",
    "sklearn.utils._metadata_requests.MethodMetadataRequest",
    "torch.utils.data.dataloader.DataLoader",
}
# Losses of linear models and curves of splines, constructed from numbers and arrays.
MADE = re.compile(
    r"sklearn\._loss\._loss\.Cy\w+|sklearn\.linear_model\._sgd_fast\.[A-Z]\w+|"
    r"scipy\.interpolate\._bsplines\.BSpline"
)
OF_LOSSES = re.compile(r"sklearn\._loss\.(loss|link)\.[A-Z]\w+")
TORCH = re.compile(r"torch\.(nn\.modules\.\w+|optim\.(?!_)\w+)\.\w+")


def name_of(value: Any) -> str:
    """Return the full name of a class or function.

    Raises
    ------
    ModelFileError
        For a lambda, and for what is defined inside a function: no other process can find it.
    """
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if isinstance(value, np.ufunc):
        module, name = "numpy", value.__name__
    if not module or not name:
        raise ModelFileError(f"{value!r} has no name under which it could be found again")
    if "<" in name:
        raise ModelFileError(
            f"{module}.{name} is a lambda or is defined inside a function, and a model file holds "
            "no code; define it in a module, under a name"
        )
    return f"{module}.{name}"


def is_allowed(name: str) -> bool:
    """Return whether a model file may name something without the user's trust."""
    root, _, rest = name.partition(".")
    if root == "skmmcl":
        return _is_within(rest, ROOMS) and not _is_within(rest, CLOSED)
    return name in NAMES or any(
        (
            root == "sklearn" and _is_within(rest, OF_SKLEARN),
            MADE.fullmatch(name),
            OF_LOSSES.fullmatch(name),
            TORCH.fullmatch(name),
            root == "numpy" and _is_of_numpy(getattr(np, rest, None)),
        )
    )


def by_name(trusted: Iterable[Any] | Mapping[str, Any]) -> dict[str, Any]:
    """Return what the user trusts, by its full name and by its short name."""
    if isinstance(trusted, Mapping):
        return dict(trusted)
    full = {name_of(item): item for item in trusted}
    return full | {name.rpartition(".")[2]: item for name, item in full.items()}


def find(name: str, trusted: Mapping[str, Any]) -> Any:
    """Return the class or function of a name, if it may be named.

    Raises
    ------
    ModelFileError
        If it is neither allowed nor trusted, or if there is none of that name.
    """
    name = MOVED.get(name, name)
    for known in (name, name.rpartition(".")[2]):
        if known in trusted:
            return trusted[known]
    if not is_allowed(name):
        raise ModelFileError(
            f"it names {name!r}, which is neither of skmmcl nor known to be harmless. If you know "
            "it and trust the file, import it and pass it: load_model(path, trusted=[...])"
        )
    module, _, qualname = name.rpartition(".")
    try:
        found = getattr(import_module(module), qualname)
    except (ImportError, AttributeError) as error:
        raise ModelFileError(
            f"it names {name!r}, which cannot be imported: the file was written by other versions, "
            f"or needs a package that is missing ({error})"
        ) from error
    if not _is_what_is_meant(found, name):
        raise ModelFileError(f"it names {name!r}, which is not a part of a model")
    return found


def _is_within(name: str, rooms: Iterable[str]) -> bool:
    return any(name.startswith(f"{room}.") for room in rooms)


def _is_of_numpy(found: Any) -> bool:
    """Return whether it is a function of numbers or a type of numbers."""
    return isinstance(found, np.ufunc) or (
        isinstance(found, type) and issubclass(found, np.generic)
    )


def _is_what_is_meant(found: Any, name: str) -> bool:
    """Return whether it is defined under this name, and of a kind that is allowed."""
    if _is_of_numpy(found):
        return True
    if not isinstance(found, type | types.FunctionType | types.BuiltinFunctionType):
        return False
    if name.startswith("sklearn.") and _is_within(name.removeprefix("sklearn."), OF_SKLEARN):
        if name in NAMES or MADE.fullmatch(name):
            return name_of(found) == name
        return isinstance(found, type) and issubclass(found, BaseEstimator)
    if name.startswith("torch.nn."):
        return isinstance(found, type) and issubclass(found, nn.Module)
    return name_of(found) == name
