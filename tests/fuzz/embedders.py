"""Cases of embedders: odd parameters, odd modalities, odd targets, odd weights, odd side data."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import skorch.callbacks
import torch
from torch import nn

from skmmcl import MultimodalData
from skmmcl.augmentation import Flip, GaussianNoise
from skmmcl.base import BaseEmbedder
from skmmcl.utils.discovery import all_estimators
from tests.fuzz.odd import COLUMNS, FORMS, VALUES, WEIGHTS, Draw, labels, pick
from tests.fuzz.outcomes import Case

EMBEDDERS = [cls for _, cls in all_estimators() if issubclass(cls, BaseEmbedder)]
N = 14
SHAPES = {"smri": (4,), "fc": (3, 3)}
SAID = frozenset({"X", "y", "sample_weight", "smri", "fc", "clinical", "age", "site", "roi"})


LEARNT = ("mean_representation_", "history_", "bandwidth_")


class Tuple(nn.Module):
    """An encoder that gives no tensor."""

    def __init__(self, shape: Any = None, n_components: Any = None) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> Any:
        return self.linear(x), x


class NotANumber(Tuple):
    """An encoder that gives NaN."""

    def forward(self, x: torch.Tensor) -> Any:
        return self.linear(x) * torch.nan


class Fails(Tuple):
    """An encoder that fails."""

    def forward(self, x: torch.Tensor) -> Any:
        return {}["absent"]


def fails(*args: Any) -> Any:
    """Fail as only a fault of the user's code does."""
    return list(args)[10**6]


SPECIAL: dict[str, list[Any]] = {
    "device": [
        "meta", "cuda", "cuda:7", "mps", "xpu", "cpu:3", "vulkan", "gpu", "CPU", "cpu", "hpu",
        torch.device("meta"), torch.device("cpu"), 0,
    ],
    "optimizer": [
        int, "lbfgs", "Adam", torch.optim.LBFGS, torch.optim.SGD, torch.optim.SparseAdam,
        torch.optim.Optimizer, torch.optim.RMSprop, torch.optim.Rprop, nn.Linear, print, dict,
        partial(torch.optim.SGD, momentum=-1), lambda params, **options: None,
        lambda params: torch.optim.SGD(params, lr=0.1), torch.optim.SGD([torch.ones(1)], lr=0.1),
        fails,
    ],
    "callbacks": [
        [3], [None], ["a"], [print], [int], 3, "a", [skorch.callbacks.Callback],
        [skorch.callbacks.Callback()], [("a", 3)], [("a", skorch.callbacks.Callback())],
        ("a", skorch.callbacks.Callback()), [skorch.callbacks.EpochScoring("accuracy")], [[]], {},
        [("a", skorch.callbacks.Callback)],
    ],
    "encoders": [
        3, None, "cnn", "", [], "linear", "small_cnn", "regions", "timm/absent", {"smri": 3},
        {"smri": None}, {"smri": ""}, {3: "mlp"}, {"pet": "mlp"}, {}, nn.Linear(4, 2),
        {"smri": nn.Linear(4, 2)}, {"smri": nn.Linear(4, 2).double()}, {"smri": nn.Linear(3, 2)},
        {"smri": nn.Linear(4, 2, device="meta")}, nn.Linear, nn.ReLU(), nn.Identity(), int, len,
        print,
        {"smri": lambda shape, n: "mlp"}, {"smri": lambda shape: nn.Linear(4, 2)}, {"smri": fails},
        {"smri": lambda shape, n: nn.Linear(n, n)}, {"smri": Tuple()}, {"smri": NotANumber()},
        {"smri": Fails()}, {"smri": NotANumber}, {"smri": Fails}, {"smri": ["mlp"]},
        {"smri": nn.Embedding(4, 2)}, {"smri": nn.BatchNorm1d(4)}, {"smri": {"fc": "mlp"}},
        {"smri": nn.LSTM(4, 2)}, {"smri": nn.Sequential()}, {"fc": nn.Flatten()},
    ],
    "augment": [
        {"pet": Flip()}, {"smri": 3}, {"smri": None}, {"smri": lambda x, g: x[:1]}, {"smri": fails},
        {"smri": lambda x: x}, {"smri": lambda x, g: None}, {"smri": lambda x, g: x.numpy()},
        {"smri": lambda x, g: x * torch.nan}, {"smri": lambda x, g: x.double()}, {3: Flip()},
        {("smri", "fc"): Flip()}, "auto", [], {"smri": [GaussianNoise()]}, {("smri",
        "pet"): Flip()},
        {(): Flip()}, {"smri": Flip()}, {"smri": Flip}, {"smri": nn.ReLU()}, {"fc": Flip()},
        {"smri": GaussianNoise()}, {None: Flip()}, {"smri": lambda x, g: x.mul_(2)}, {"smri": int},
        {"smri": lambda x, g: x.tolist()}, {"fc": GaussianNoise()}, {("smri",): GaussianNoise()},
    ],
    "kernel": [
        "tri", "cosine", "delta", "jaccard", ["gaussian"], ["gaussian", "delta"], [], [3], [None],
        ["jaccard"], lambda y: y, lambda y: y @ y.mT * torch.nan, lambda y: 1.0, fails,
        lambda y: -torch.ones(*y.shape[:-1], y.shape[-2]), lambda y: (y @ y.mT).numpy(), len, int,
        print, None, 3, lambda y: torch.ones(3), lambda a, b: a, ["cosine"], ("gaussian",), {},
        lambda y: torch.ones(*y.shape[:-1], y.shape[-2]) > 0, "Gaussian", ["gaussian"] * 3,
    ],
    "bandwidth": [
        0, -1, np.nan, np.inf, [1, 2], [1.0], [], ["a"], "a", [np.nan], [0], [[1]], 1e-300, 1e300,
        np.array([1.0]), torch.ones(1), None, True, "median", "silverman", [None], [np.inf], (2,),
        ["scott"], 1e30, [1e-30], [1j],
    ],
    "metadata": [
        "age", "site", "pet", ["age", "site"], [], 3, [3], [None], ["age", "age"], "roi", {"age"},
        ["pet"], "", ("age",), "smri",
    ],
    "measures": ["roi", "age", "smri", "fc", "site", [], ["pet"], 3, ["roi", "smri"], ["roi",
    "roi"]],
    "bias": ["site", "age", "pet", 3, "roi", ["site"]],
    "objectives": ["a", [], ["a"], [3], "LL", ["CC"], ("CL", "LL"), ["LL", "LL"], "XX", "cca"],
    "weights": [{"a": 1}, {"LL": -1}, {"LL": "a"}, {"LL": np.nan}, {}, {"CL": 2.0}, {"LL": None},
    {3: 1}],
    "prior": [int, 3, "pca", object(), print, nn.Linear(4, 2)],
    "modalities": [
        "fc", ["fc"], ["smri", "fc"], ["fc", "smri"], ["pet"], ["smri", "smri"], [3], [None], [],
        ("smri",), {"smri": [0]}, {"smri": slice(0, 2), "fc": slice(2, 4)}, {"smri": "a*"},
    ],
    "checkpoint": ["", 3, b"a", "absent/folder", "file.txt", [], True],
    "random_state": [-1, 2**40, "a", 1.5, np.random.default_rng(0), np.random.RandomState(0), True],
    "batch_size": [2, 3, 5, 10**9, 13, 14, 15, 2.0, "auto"],
    "n_components": [1, 3, 17, 2.0],
    "max_epochs": [1, 2, True],
    "validation_fraction": [0.01, 0.1, 0.5, 0.9, 0.99, 1, 0, 1e-30],
    "lr": [1e-30, 1e30, 1e300, 10, True],
    "weight_decay": [1e30, 1e300, 0],
    "lr_schedule": ["cosine", "onecycle", "step_decay", "warmup_cosine", "step", print],
    "gradient_clip": [1e-30, 1e30, 1.0, 1],
    "monitor": ["probe", "loss", "accuracy"],
    "sampler": ["balanced", "stratified", "random"],
    "dtype": ["float64", "auto", "float16", np.float32, torch.float32, float, "double"],
    "input_components": [1, 2, 3, 100, None],
    "impute": ["ridge", "mean", "median"],
    "on_empty": ["nan", "error"],
    "standardize": [False, True, 0, "a"],
    "verbose": [1, 2, -1, "a"],
    "n_iter_no_change": [1, None, 0],
    "task": ["classification", "regression", "auto"],
    "temperature": [1e-3, 1e-10, 1e-300, 1e10, 1e300],
    "projection_dim": [1, 3, None],
    "n_heads": [1, 2, 3, 5],
    "n_layers": [1, 2],
}  # fmt: skip


def draw(rng: Draw) -> Case:
    """A call of fit and transform with one to three odd things."""
    cls, n = pick(rng, EMBEDDERS), N
    params: dict[str, Any] = {"max_epochs": 1, "n_components": 2, "random_state": 0}
    parts: dict[str, Any] = {"arrays": _arrays(rng, n), "y": labels(rng, n), "weight": None}
    parts["meta"], parts["later"] = _meta(rng, n), None
    said, told = set(SAID), [cls.__name__]
    odd = rng.choice(
        ["parameter", "array", "y", "weight", "meta", "form", "later", "missing"],
        size=int(rng.integers(1, 4)), p=[0.4, 0.15, 0.12, 0.08, 0.08, 0.06, 0.06, 0.05],
    )  # fmt: skip
    for what in odd:
        if what == "parameter":
            name, value = _parameter(rng, cls)
            params[name] = value
            said.add(name)
            told.append(f"{name}={value!r}"[:80])
        else:
            told.append(CHANGES[what](rng, parts))
    X = _form(parts)
    return Case(
        ", ".join(told),
        partial(_fit_transform, cls, params, X, parts),
        {"X": X, "y": parts["y"], "weight": parts["weight"], "later": parts["later"]},
        frozenset(said),
    )


def _parameter(rng: Draw, cls: type) -> tuple[str, Any]:
    names = sorted(cls().get_params(deep=False))
    own = [name for name in names if name not in BaseEmbedder._parameter_constraints]
    hard = ["device", "optimizer", "callbacks", "encoders", "augment"]
    name = pick(rng, pick(rng, [names, own or names, hard]))
    options = SPECIAL.get(name, [])
    return name, pick(rng, options if options and rng.random() < 0.7 else VALUES)


def _arrays(rng: Draw, n: int) -> dict[str, Any]:
    return {name: rng.normal(size=(n, *shape)) for name, shape in SHAPES.items()}


def _meta(rng: Draw, n: int) -> dict[str, Any]:
    return {
        "age": rng.uniform(20, 80, size=n),
        "site": np.array(["a", "b"])[np.arange(n) % 2],
        "roi": rng.random(size=(n, 5)),
    }


def _odd_array(rng: Draw, parts: dict[str, Any]) -> str:
    name, form = pick(rng, list(SHAPES)), pick(rng, list(FORMS))
    parts["arrays"][name] = FORMS[form](_arrays(rng, N)[name])
    return f"{name}: {form}"


def _odd_y(rng: Draw, parts: dict[str, Any]) -> str:
    form = pick(rng, list(COLUMNS))
    parts["y"] = COLUMNS[form](labels(rng, N))
    return f"y: {form}"


def _odd_weight(rng: Draw, parts: dict[str, Any]) -> str:
    form = pick(rng, list(WEIGHTS))
    parts["weight"] = WEIGHTS[form](np.ones(N))
    return f"weight: {form}"


def _odd_meta(rng: Draw, parts: dict[str, Any]) -> str:
    name, form = pick(rng, ["age", "site", "roi"]), pick(rng, list(COLUMNS))
    parts["meta"][name] = COLUMNS[form](labels(rng, N))
    return f"meta {name}: {form}"


def _odd_form(rng: Draw, parts: dict[str, Any]) -> str:
    parts["form"] = pick(rng, list(WHOLE))
    return f"X: {parts['form']}"


def _odd_later(rng: Draw, parts: dict[str, Any]) -> str:
    arrays, name, form = _arrays(rng, N), pick(rng, list(SHAPES)), pick(rng, list(FORMS))
    parts["later"] = {**arrays, name: FORMS[form](arrays[name])}
    return f"later {name}: {form}"


def _missing(rng: Draw, parts: dict[str, Any]) -> str:
    mask = rng.random(size=(N, 2)) < pick(rng, [0.2, 0.5, 0.8, 0.95])
    mask[~mask.any(1), 0] = rng.random() < 0.7
    parts["mask"] = mask
    return f"mask of {mask.sum(0).tolist()}"


CHANGES: dict[str, Callable[[Draw, dict[str, Any]], str]] = {
    "array": _odd_array,
    "y": _odd_y,
    "weight": _odd_weight,
    "meta": _odd_meta,
    "form": _odd_form,
    "later": _odd_later,
    "missing": _missing,
}


def _records(arrays: dict[str, Any]) -> Any:
    return [{name: values[k] for name, values in arrays.items()} for k in range(N)]


def _table(arrays: dict[str, Any]) -> Any:
    return pd.DataFrame(np.column_stack([np.asarray(v).reshape(N, -1) for v in arrays.values()]))


WHOLE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "records": _records,
    "records without one": lambda arrays: [{}, *_records(arrays)[1:]],
    "records of None": lambda arrays: [{"smri": None, "fc": None}, *_records(arrays)[1:]],
    "a table": _table,
    "a table with names": lambda arrays: _table(arrays).add_prefix("v"),
    "an array": lambda arrays: _table(arrays).to_numpy(),
    "a list of rows": lambda arrays: _table(arrays).to_numpy().tolist(),
    "one modality": lambda arrays: {"smri": arrays["smri"]},
    "no modality": lambda arrays: {},
    "a name that is no text": lambda arrays: {3: arrays["smri"], "fc": arrays["fc"]},
    "a name of two underscores": lambda arrays: {"s__mri": arrays["smri"], "fc": arrays["fc"]},
    "a name with a dot": lambda arrays: {"s.mri": arrays["smri"], "fc": arrays["fc"]},
    "an odd name": lambda arrays: {"": arrays["smri"], "fc": arrays["fc"]},
    "names of attributes": lambda arrays: {"shape": arrays["smri"], "self": arrays["fc"]},
    "three": lambda arrays: {**arrays, "clinical": np.asarray(arrays["smri"])[:, :1]},
    "nothing": lambda arrays: None,
    "a word": lambda arrays: "smri.csv",
    "pairs": lambda arrays: list(arrays.items()),
}


def _form(parts: dict[str, Any]) -> Any:
    """X as a container where that can be, else as what makes one."""
    arrays = parts["arrays"]
    try:
        if "form" in parts:
            return WHOLE[parts["form"]](arrays)
        return MultimodalData(arrays, meta=parts["meta"], mask=parts.get("mask"))
    except Exception:  # noqa: BLE001  parts that do not go together
        return dict(arrays)


def _fit_transform(cls: type, params: dict[str, Any], X: Any, parts: dict[str, Any]) -> Any:
    estimator = cls(**params)
    try:
        estimator.fit(X, parts["y"], sample_weight=parts["weight"])
    except Exception as error:
        error.add_note("in fit")
        raise
    later = X if parts["later"] is None else parts["later"]
    z = np.asarray(estimator.transform(later))
    if estimator.on_empty == "nan":
        z = z[~np.isnan(z).all(1)]
    return z, [getattr(estimator, name) for name in LEARNT if hasattr(estimator, name)]
