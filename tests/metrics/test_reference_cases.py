"""Every reference case of a metric, in float64 and float32.

Cases are read from every ``*.json`` in ``tests/data/metric_cases``. A later metric adds a line to
COMPUTE.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from skmmcl.metrics import linear_cka, openbhb_score, rank_biserial, svcca, uniformity

FOLDER = Path(__file__).parents[1] / "data" / "metric_cases"

COMPUTE = {
    "CKA": lambda inputs, params: linear_cka(inputs["X"], inputs["Y"]),
    "SVCCA": lambda inputs, params: svcca(inputs["X"], inputs["Y"], variance=params["var"]),
    "RBC": lambda inputs, params: rank_biserial(inputs["a"], inputs["b"]),
    "Global uniformity": lambda inputs, params: uniformity(inputs["z"], t=params["t"]),
}

# Mean absolute error, balanced accuracy in percent and score, as published with 2 to 4 digits for
# ResNet18 on the board of the OpenBHB challenge.
PUBLISHED = [
    (3.761, 5.1, 1.540),
    (3.878, 4.97, 1.576),
    (4.547, 5.0, 1.849),
    (4.503, 4.87, 1.816),
    (4.102, 6.6, 1.815),
    (5.493, 6.63, 2.428),
    (5.267, 8.17, 2.482),
    (4.634, 7.73, 2.147),
    (4.098, 5.73, 1.738),
    (5.508, 8.5, 2.627),
    (6.183, 9.27, 3.025),
    (4.775, 8.53, 2.282),
]


def load_cases():
    for path in sorted(FOLDER.glob("*.json")):
        for case in json.loads(path.read_text())["cases"]:
            yield pytest.param(case, id=f"{path.stem}-{case['name']}")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("case", list(load_cases()))
def test_reference_case(case, dtype):
    inputs = {name: np.array(values, dtype) for name, values in case["inputs"].items()}
    tol = case["tol"] if dtype == np.float64 else 2e-4
    value = COMPUTE[case["method"]](inputs, case["params"])
    assert isinstance(value, float)
    assert value == pytest.approx(case["expected"], abs=tol * max(1, abs(case["expected"])))


def test_there_are_cases_of_every_metric():
    assert {case.values[0]["method"] for case in load_cases()} == set(COMPUTE)


@pytest.mark.parametrize(("error", "percent", "score"), PUBLISHED)
def test_published_scores_of_openbhb(error, percent, score):
    y_true, y_pred = [50.0, 50.0], [50.0 + error, 50.0 - error]
    found = openbhb_score(y_true, y_pred, site_balanced_accuracy=percent / 100)
    assert found == pytest.approx(score, rel=5e-3)
