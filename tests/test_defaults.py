"""Defaults that one would expect: an estimator and its loss have the same temperature."""

from __future__ import annotations

import importlib.util
import inspect
import json

import numpy as np
import pytest

import skmmcl.losses
from skmmcl import EpsSupInfoNCEEmbedder, MultimodalData, kernels
from skmmcl.base import BaseEmbedder
from skmmcl.base._parameters import Shared
from skmmcl.utils import all_estimators
from skmmcl.utils._sklearn import StrOptions

WITH_TEMPERATURE = [
    cls
    for _, cls in all_estimators()
    if issubclass(cls, BaseEmbedder) and "temperature" in inspect.signature(cls).parameters
]
LOSSES = tuple(getattr(skmmcl.losses, name) for name in skmmcl.losses.__all__)
LOSSES = tuple(loss for loss in LOSSES if inspect.isclass(loss))

# Where both differ on purpose.
REASONS = {
    ("CMCCSSEmbedder", "SupConLoss"): "CMC+CSS has one temperature for both its terms, 0.7.",
    ("CMCCSSEmbedder", "PairwiseCMCLoss"): "The same, where its first term is pair by pair.",
}


@pytest.fixture
def cohort():
    rng = np.random.default_rng(0)
    X = MultimodalData(
        {"t1": rng.normal(size=(24, 6)), "fc": rng.normal(size=(24, 5))},
        meta={"thickness": rng.uniform(1, 4, (24, 7))},
    )
    return X, np.arange(24) % 2


def choices(cls):
    """Settings of one parameter of its own, each."""
    own = {n: c for n, c in cls._parameter_constraints.items() if n in vars(cls)["__annotations__"]}
    yield {}
    for name, constraints in own.items():
        if name in Shared._parameter_constraints:
            continue
        for constraint in constraints:
            options = constraint.options if isinstance(constraint, StrOptions) else ()
            options = (True, False) if constraint == "boolean" else options
            yield from ({name: option} for option in sorted(options))


def default_temperature(cls):
    parameter = inspect.signature(cls).parameters.get("temperature")
    return None if parameter is None else parameter.default


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("cls", WITH_TEMPERATURE, ids=lambda cls: cls.__name__)
def test_an_estimator_and_its_losses_have_one_temperature(cls, cohort):
    n_seen = 0
    for setting in choices(cls):
        model = cls(max_epochs=1, n_components=3, solver="gradient", random_state=0)
        model.set_params(**setting).fit(*cohort)
        for term in model.net_.criterion_.terms:
            kinds = [kind for kind in type(term.loss).__mro__ if kind in LOSSES]
            expected = default_temperature(kinds[0]) if kinds else None
            if expected is None or (cls.__name__, kinds[0].__name__) in REASONS:
                continue
            n_seen += 1
            assert default_temperature(cls) == expected, (kinds[0].__name__, setting)
            assert term.loss.temperature == expected, setting
    assert n_seen


def test_reasons_are_those_of_pairs_that_differ():
    estimators = {cls.__name__: cls for cls in WITH_TEMPERATURE}
    for estimator, loss in REASONS:
        found = default_temperature(getattr(skmmcl.losses, loss))
        assert default_temperature(estimators[estimator]) != found


def test_tables_of_the_guide_are_those_of_the_studies(repo_dir):
    path = repo_dir / "benchmarks" / "_defaults_report.py"
    spec = importlib.util.spec_from_file_location("defaults_report", path)
    report = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(report)
    text = report.GUIDE.read_text()
    assert text == report.with_tables(text), "python benchmarks/_defaults_report.py"


@pytest.mark.parametrize(
    ("study", "chosen"),
    [
        ("bandwidth", lambda: kernels._bandwidth.FRACTION),
        ("bias_weight", lambda: EpsSupInfoNCEEmbedder().bias_weight),
    ],
)
def test_defaults_are_what_the_studies_chose(repo_dir, study, chosen):
    found = json.loads((repo_dir / "benchmarks" / "results" / f"{study}.json").read_text())
    assert not found["quick"]
    assert float(found["choosing"]["chosen"]) == chosen()
