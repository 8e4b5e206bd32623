"""Modules of the user: which of them go side by side."""

import threading
import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from skmmcl.networks import make_encoder
from skmmcl.networks._lanes import has_lanes
from skmmcl.networks._vmap import VmapModule, unstacked_modules


class Residual(nn.Module):
    """A network as users write them, with a setting that no parameter shows."""

    def __init__(self, n_in, n_out, slope=0.1):
        super().__init__()
        self.first, self.last = nn.Linear(n_in, n_in), nn.Linear(n_in, n_out)
        self.shift = nn.Parameter(torch.ones(n_in))
        self.slope = slope

    def forward(self, x):
        return self.last(x + F.leaky_relu(self.first(x.flatten(1)), self.slope) * self.shift)


class SeesOthers(nn.Linear):
    def forward(self, x):
        return super().forward(x - x.mean(0))


class Draws(nn.Linear):
    def forward(self, x):
        return super().forward(F.dropout(x, 0.5, self.training))


class Counts(nn.Linear):
    calls = 0

    def forward(self, x):
        self.calls += 1
        return super().forward(x)


class Unused(nn.Linear):
    def __init__(self, n_in, n_out):
        super().__init__(n_in, n_out)
        self.other = nn.Linear(n_in, n_out)


class Branches(nn.Linear):
    def forward(self, x):
        return super().forward(x) * (2 if self.bias[0] > 0 else 1)


def each_lane(module, shape=(4,)):
    (each,) = unstacked_modules(make_encoder(module, shape, 2))
    return each


@pytest.mark.parametrize(
    "module",
    [
        nn.Linear(4, 2),
        nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 2)),
        Residual(4, 2),
    ],
)
def test_perceptrons_go_side_by_side(module):
    assert each_lane(module).stackable


def test_rounding_does_not_decide_who_goes_side_by_side():
    for seed in (0, 26, 28):  # outputs near 0, which round unlike
        torch.manual_seed(seed)
        layers = nn.Linear(4, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 2)
        assert each_lane(nn.Sequential(*layers)).stackable


@pytest.mark.parametrize(
    "module",
    [
        SeesOthers(4, 2),
        Draws(4, 2),
        Counts(4, 2),
        Branches(4, 2),
        Unused(4, 2),
        nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2)),
        nn.Sequential(nn.Linear(4, 2), nn.Dropout(0.5)),
        nn.Sequential(nn.Unflatten(1, (1, 4)), nn.Conv1d(1, 2, 4), nn.Flatten()),
    ],
)
def test_what_would_give_other_numbers_does_not(module):
    before = torch.get_rng_state()
    assert not each_lane(module).stackable
    assert torch.equal(torch.get_rng_state(), before)
    assert getattr(module, "calls", 0) == 0


def test_settings_that_no_weight_shows_tell_modules_apart():
    one, same, other = (each_lane(Residual(4, 2, slope)) for slope in (0.1, 0.1, 0.3))
    assert one.structure_key == same.structure_key != other.structure_key


def test_a_module_with_settings_that_cannot_be_told_stays_alone():
    class Untold:
        def __deepcopy__(self, memo):
            return self

        def __reduce__(self):
            raise TypeError

    module = nn.Linear(4, 2)
    module.setting = Untold()
    assert not has_lanes(each_lane(module))


@pytest.mark.filterwarnings("ignore:of another thread")
def test_a_trial_leaves_the_warnings_of_other_threads_alone():
    started, go, found = threading.Event(), threading.Event(), []

    class Waits(nn.Linear):
        def forward(self, x):
            started.set()
            go.wait(10)
            return super().forward(x)

    wrapped = VmapModule(Waits(3, 2), (3,))
    trial = threading.Thread(target=lambda: found.append(wrapped.stackable))
    before = list(warnings.filters)
    trial.start()
    started.wait(10)
    warnings.warn("of another thread", UserWarning, stacklevel=1)
    go.set()
    trial.join()
    assert warnings.filters == before


def test_a_loop_over_lanes_is_no_stack():
    class Counts(nn.Linear):
        def forward(self, x):
            return super().forward(x) * torch.histc(x.detach()).sum()

    assert not VmapModule(Counts(3, 2), (3,)).stackable
