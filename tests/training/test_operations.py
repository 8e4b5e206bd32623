"""How many operations a step of training takes: what a small fit costs, on a GPU above all."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from torch.utils._python_dispatch import TorchDispatchMode

from skmmcl import CMCCSSEmbedder, MultimodalData, stacked_fits
from skmmcl.training._stack import Stack

N_FOLDS = 4
WITHOUT_WORK = ("empty", "detach", "unsafe_view")


class Operations(TorchDispatchMode):
    """Counts operations that compute something, forward and backward."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += not (func.is_view or any(name in str(func) for name in WITHOUT_WORK))
        return func(*args, **(kwargs or {}))


@pytest.fixture
def steps(monkeypatch):
    """Return (lanes, operations) of each step."""
    seen = []
    step = Stack._step

    def counted(stack, *args, **kwargs):
        with Operations() as operations:
            result = step(stack, *args, **kwargs)
        seen.append((len(stack.nets), operations.count))
        return result

    monkeypatch.setattr(Stack, "_step", counted)
    return seen


@pytest.mark.parametrize(("n_matrices", "most"), [(0, 265), (2, 350)], ids=["tables", "attention"])
def test_operations_of_a_step(steps, n_matrices, most):
    rng = np.random.default_rng(0)
    shapes = [(40, 8, 8)] * n_matrices + [(40, 8)] * (5 - n_matrices)
    X = MultimodalData({f"m{i}": rng.normal(size=shape) for i, shape in enumerate(shapes)})
    embedder = CMCCSSEmbedder(solver="gradient", max_epochs=3, random_state=0, device="cpu")
    pipe = make_pipeline(embedder, LogisticRegression())
    cross_val_score(pipe, X, np.arange(40) % 2, cv=N_FOLDS)
    with stacked_fits():
        cross_val_score(pipe, X, np.arange(40) % 2, cv=N_FOLDS)
    count = dict(steps)  # of the last step: in the first one optimizers make their state
    assert count.keys() == {1, N_FOLDS}
    assert count[1] <= most
    assert count[N_FOLDS] <= count[1] + 6  # where lanes must be told apart
