"""No step adds in an order that threads decide, whatever the method."""

import numpy as np
import pytest

from skmmcl.base import BaseEmbedder
from skmmcl.training import Objective
from skmmcl.utils.discovery import all_estimators

EMBEDDERS = [cls for _, cls in all_estimators() if issubclass(cls, BaseEmbedder)]
N = 24
RNG = np.random.default_rng(0)
X = {"a": RNG.normal(size=(N, 6, 5)), "b": RNG.normal(size=(N, 6, 4))}
TARGETS = [np.arange(N) % 2, RNG.uniform(20, 60, N), None]


def nodes(tensor):
    """Names of all backward functions that lead to a tensor."""
    names, waiting, seen = set(), [tensor.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            names.add(node.name())
            waiting += [parent for parent, _ in node.next_functions]
    return names


def fit_with_any_target(cls):
    for y in TARGETS:
        try:
            return cls(solver="gradient", max_epochs=1, random_state=0).fit(X, y)
        except ValueError as error:
            reason = error
    raise reason


@pytest.mark.parametrize("cls", EMBEDDERS, ids=lambda cls: cls.__name__)
def test_no_gradient_is_summed_in_any_order(cls, monkeypatch):
    """The gradient of ``z[rows]`` is added by all threads at once where rows repeat."""
    seen = set()
    forward = Objective.forward

    def looking(self, named):
        total, terms = forward(self, named)
        seen.update(nodes(total))
        return total, terms

    monkeypatch.setattr(Objective, "forward", looking)
    fit_with_any_target(cls)
    assert seen
    assert not seen & {"IndexBackward0", "IndexPutBackward0", "TakeBackward0", "PutBackward0"}
