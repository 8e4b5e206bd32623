"""Cases of metrics and kernels: odd arrays and odd parameters of functions."""

from __future__ import annotations

import contextlib
import warnings
from functools import partial
from inspect import Parameter, signature
from typing import Any

import numpy as np
import torch

from skmmcl import kernels, metrics
from skmmcl.metrics import AgeBias
from tests.fuzz.odd import COLUMNS, FORMS, VALUES, WEIGHTS, Draw, labels, pick
from tests.fuzz.outcomes import Case

N = 20
FUNCTIONS = [getattr(metrics, name) for name in metrics.__all__ if name != "site_scorer"]
KERNELS = [getattr(kernels, name) for name in kernels.__all__]
MATRICES = {"X", "Y", "a", "b"}
NUMBERS = {"y_true", "y_pred"}
CLASSES = {"sites", "groups"}
SPECIAL: dict[str, list[Any]] = {
    "bandwidth": [0, -1, np.nan, np.inf, 1e-300, 1e300, [1.0], torch.ones(1), torch.ones(2),
    torch.ones(3),
                  torch.zeros(2), torch.tensor(torch.nan), torch.ones(2, 2),
                  torch.ones(2).to(torch.int64), 2,
                  torch.ones(2) * 1j, (1.0, 2.0), np.ones(2)],
    "kernel": ["gaussian", "delta", "jaccard", "cauchy", "cosine", "tri", ["gaussian", "delta"],
    ["gaussian"], [],
               [3], ("delta", "delta"), lambda y: y, lambda y: 1.0,
               lambda y: y @ y.mT * torch.nan, int, print],
    "rule": ["deviation", "scott", "silverman", "median", "mean", 3],
    "missing": ["isolate", "ignore", "a"],
    "cv": [2, 5, 1, 0, -1, 99, "a", None, 2.5, [], True, [(np.arange(10), np.arange(10, 20))],
    [([0], [1])]],
    "variance": [0.5, 1, 0, 1.5, -1, 99],
    "method": ["residual", "rescale", "a"],
    "bias": [AgeBias(0.5, 3.0), AgeBias(0.0, 3.0), AgeBias(1e-300, 0.0), AgeBias(-1.0, 1e300), 3],
    "random_state": [0, -1, "a", 1.5, np.random.RandomState(0)],
    "n_jobs": [None, 1, 0, "a", 1.5],
    "site_balanced_accuracy": [0.0, 0.5, 1.0, 50, -0.1],
    "alpha": [1e-300, 1e300, 1, 2],
    "t": [1e-300, 1e300, 1e5, 2],
}  # fmt: skip


def draw(rng: Draw) -> Case:
    """A call of a metric or of a kernel."""
    return _metric(rng) if rng.random() < 0.6 else _kernel(rng)


def _metric(rng: Draw) -> Case:
    function = pick(rng, FUNCTIONS)
    given: dict[str, Any] = {}
    told: list[str] = []
    for name, parameter in signature(function).parameters.items():
        if parameter.kind is Parameter.VAR_KEYWORD:
            continue
        odd = rng.random() < 0.5
        if name in MATRICES | NUMBERS | CLASSES | {"sample_weight"}:
            form, given[name] = _values(rng, name, odd=odd)
        elif (odd and rng.random() < 0.7) or parameter.default is Parameter.empty:
            options = SPECIAL.get(name, VALUES) if rng.random() < 0.7 else VALUES
            given[name] = 0.5 if not odd else pick(rng, options)
            form = repr(given[name])[:60]
        else:
            continue
        if odd:
            told.append(f"{name}: {form}")
    if rng.random() < 0.7 and "groups" in given:
        del given["groups"]
    label = f"{function.__name__}({', '.join(told)})"
    inputs = {key: value for key, value in given.items() if key != "random_state"}
    return Case(label, partial(_called, function, given), inputs, frozenset(given))


def _called(function: Any, given: dict[str, Any]) -> Any:
    result = function(**given)
    return (result.slope, result.intercept) if isinstance(result, AgeBias) else result


def _values(rng: Draw, name: str, *, odd: bool) -> tuple[str, Any]:
    if name in CLASSES:
        form = pick(rng, list(COLUMNS)) if odd else "as it is"
        return form, COLUMNS[form](labels(rng, N))
    if name == "sample_weight":
        form = pick(rng, list(WEIGHTS)) if odd else "none"
        return form, WEIGHTS[form](np.ones(N))
    form = pick(rng, list(FORMS)) if odd else "as it is"
    shape = (N,) if name in NUMBERS else (N, 3)
    return form, FORMS[form](rng.normal(size=shape))


def _kernel(rng: Draw) -> Case:
    function = pick(rng, KERNELS)
    names = list(signature(function).parameters)
    shape = (6, 4, 2) if "anatomy" in function.__name__ else (6, 2)
    form = pick(rng, list(FORMS)) if rng.random() < 0.7 else "as it is"
    values: Any = rng.normal(size=shape)
    if function.__name__ in ("delta", "jaccard"):
        values = (values > 0).astype(float)
    first: Any = FORMS[form](values)
    is_tensor = function.__name__ != "estimate_bandwidth"
    if is_tensor and rng.random() < 0.85:
        with contextlib.suppress(Exception), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            first = torch.as_tensor(first)
    given, told = {names[0]: first}, [form, type(first).__name__]
    for name in names[1:]:
        if rng.random() < 0.5:
            if name == "sample_weight":
                form = pick(rng, list(WEIGHTS))
                given[name] = WEIGHTS[form](np.ones(6))
            else:
                given[name] = pick(
                    rng, SPECIAL.get(name, VALUES) if rng.random() < 0.75 else VALUES
                )
            told.append(f"{name}={given[name]!r}"[:70])
    label = f"{function.__name__}({', '.join(told)})"
    return Case(label, partial(function, **given), dict(given), frozenset(given))
