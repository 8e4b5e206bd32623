"""Objectives: which terms count, what they are computed on, and losses that learn."""

import pytest
import torch
from torch import nn

from skmmcl.training import Objective, Term


class Scaled(nn.Module):
    """A loss with a parameter of its own."""

    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(2.0))

    def forward(self, z):
        return self.factor * (z**2).mean()


def square(z):
    return (z**2).mean()


def test_weighted_sum():
    objective = Objective(
        [Term("one", square, on=("z",)), Term("two", square, on=("h",), weight=0.5)]
    )
    total, terms = objective({"z": torch.full((1, 3), 2.0), "h": torch.full((1, 3), 4.0)})
    assert total.item() == 4 + 0.5 * 16
    assert {name: value.item() for name, value in terms.items()} == {"one": 4, "two": 16}


def test_weight_zero_is_neither_computed_nor_checked():
    def fails(*args):
        raise AssertionError

    objective = Objective([Term("a", square, on=("z",)), Term("b", fails, on=("no",), weight=0)])
    objective.check(["z"])
    total, terms = objective({"z": torch.ones(1, 3)})
    assert total.item() == 1
    assert set(terms) == {"a"}


@pytest.mark.parametrize("terms", [[], [Term("a", square, on=("z",), weight=0.0)]])
def test_no_term(terms):
    with pytest.raises(ValueError, match="no term with a weight other than 0"):
        Objective(terms)


def test_duplicate_names():
    with pytest.raises(ValueError, match=r"must differ, got \['a', 'a'\]"):
        Objective([Term("a", square, on=("z",)), Term("a", square, on=("h",))])


def test_unknown_output_is_an_error_before_training(job):
    with pytest.raises(ValueError, match=r"Term 'a' asks for \['zz'\], but only \[.*'z_fused'\]"):
        job(terms=[Term("a", square, on=("z", "zz"))])


def test_a_loss_with_parameters_is_trained(job):
    loss = Scaled()
    net = job(terms=[Term("scaled", loss, on=("z",))]).fit()
    assert net.criterion_.losses[0] is loss
    assert loss.factor.item() != 2


def test_terms_may_use_every_named_array(job):
    seen = {}

    def record(*values):
        seen.update(zip(names, values, strict=True))
        return (values[0] ** 2).mean()

    names = ("z", "h", "z_fused", "x", "y", "mask", "sample_weight", "index")
    job(terms=[Term("record", record, on=names)], max_epochs=1).fit()
    assert set(seen["x"]) == {"a", "b"}
    assert seen["mask"] is None
    assert torch.equal(seen["y"], seen["index"] % 2)
