"""Equal values have equal descriptions, in another process too, and others differ."""

import subprocess
import sys
from functools import partial

import joblib
import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import make_scorer
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch import nn

from skmmcl.utils._fingerprint import describe


def scaled(by):
    return lambda x: x * by


def recursive(by):
    def halve(x):
        return halve(x / 2) if x > by else x

    return halve


class Holder:
    def __init__(self, value):
        self.value = value

    def times(self, x):
        return x * self.value


def net(weight):
    layer = nn.Linear(2, 1)
    nn.init.constant_(layer.weight, weight)
    nn.init.zeros_(layer.bias)
    return layer


@pytest.mark.parametrize(
    "make",
    [
        lambda k: Ridge(alpha=k),
        lambda k: make_pipeline(FunctionTransformer(scaled(k)), Ridge()),
        lambda k: make_scorer(scaled(k)),
        recursive,
        lambda k: KFold(3, shuffle=True, random_state=k),
        lambda k: partial(np.add, k),
        lambda k: Holder(k).times,
        lambda k: {"encoder": net(k)},
        lambda k: np.full(3, k),
        np.random.RandomState,
        lambda k: {str(k), "b"},
    ],
)
def test_what_differs_is_described_differently(make):
    hashes = [joblib.hash(describe(make(k))) for k in (1, 1, 2)]
    assert hashes[0] == hashes[1] != hashes[2]


PROGRAM = """
SCALE = {}
def scaled(x):
    return x * SCALE
def twice(x):
    return [scaled(each) for each in (x, x)]
"""


def test_what_a_function_calls_and_reads_counts():
    def twice(scale):
        names = {"__name__": "user"}
        exec(PROGRAM.format(scale), names)
        return names["twice"]

    hashes = [joblib.hash(describe(twice(scale))) for scale in (1, 1, 2)]
    assert hashes[0] == hashes[1] != hashes[2]


CODE = """
import joblib
from sklearn.preprocessing import FunctionTransformer
from skmmcl.utils._fingerprint import describe
f = lambda x: x if x in {"a", "b", "c"} else {"d": 1}
print(joblib.hash(describe([FunctionTransformer(f), {"x", "y", "z"}])))
"""


def test_another_process_gives_the_same_description(repo_dir, capsys):
    command = [sys.executable, "-c", CODE]
    other = subprocess.run(command, capture_output=True, text=True, check=True, cwd=repo_dir)
    exec(CODE, {})
    assert capsys.readouterr().out == other.stdout
