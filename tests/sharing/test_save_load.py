"""What is saved is loaded as it was, to the last bit."""

import numpy as np
import pytest
from tests.sharing.fitted import cases, fit, input_of, what_it_gives

from skmmcl import load_model, save_model

CASES = cases()
IDS = [f"{cls.__name__}-{solver}" for cls, solver in CASES]


@pytest.mark.parametrize(("cls", "solver"), CASES, ids=IDS)
def test_every_estimator_gives_the_same_bits(cls, solver, tmp_path):
    model, (X, _) = fit(cls, solver), input_of(cls)
    save_model(model, tmp_path / "a.skmmcl")
    loaded = load_model(tmp_path / "a.skmmcl")
    expected, found = what_it_gives(model, X), what_it_gives(loaded, X)
    assert expected.keys() == found.keys() != set()
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])
