"""Terms that train a child of the network against the others, and networks that look ahead."""

from functools import partial

import numpy as np
import pytest
import torch

from skmmcl.losses import CMCLoss
from skmmcl.networks import LaneLinear
from skmmcl.networks._multiview import MultiviewNetwork
from skmmcl.training import Objective, Term, fit_net, make_net
from tests.training.conftest import SHAPES, Job, Settings


class Opposed(MultiviewNetwork):
    """Its discriminator is to guess the first component from the second; the encoders hinder it."""

    gives = ("h", "z", "z_fused", "guess")

    def __init__(self, *args, **layout):
        super().__init__(*args, **layout)
        self.discriminator = LaneLinear(1, 1)

    def forward_lanes(self, x, mask=None):
        out = super().forward_lanes(x, mask)
        return {**out, "guess": self.discriminator(out["h"][:, 0, :, 1:])}


def error(guess, h):
    return (guess[:, 0] - h[0, :, 0]).square().mean()


def terms(weight=1.0):
    return [
        Term("cmc", CMCLoss(0.5), on=("z", "mask", "sample_weight")),
        Term("opposed", lambda guess, h: -error(guess, h), ("guess", "h"), 0.1),
        Term("guess", error, ("guess", "h"), weight, adversary="discriminator"),
    ]


def opposed(terms=None, **settings):
    job = Job(**settings)
    build = partial(Opposed, list(SHAPES), SHAPES, 2)
    job.net = make_net(build, terms or globals()["terms"](), job.settings, dtype=torch.float32)
    return job


def state(net):
    return {name: value.clone() for name, value in net.module_.state_dict().items()}


def test_the_adversary_learns_from_its_terms_alone_and_the_rest_from_the_others():
    job = opposed(optimizer="sgd", lr=0.1, batch_size=24, max_epochs=1)
    before = state(job.net)
    first = opposed(optimizer="sgd", lr=0.1, batch_size=24, max_epochs=1)
    h = first.net.module_.encode(first.subjects.data.x)
    weight = first.net.module_.discriminator.weight
    error(h[:1, :, 1:].matmul(weight[0])[0] + first.net.module_.discriminator.bias[0], h).backward()
    expected = before["discriminator.weight"] - 0.1 * weight.grad
    after = state(job.fit())
    torch.testing.assert_close(after["discriminator.weight"], expected)
    without = opposed(terms()[:2], optimizer="sgd", lr=0.1, batch_size=24, max_epochs=1)
    trained = state(without.fit())  # whose guess was made by the discriminator of before
    moved = [name for name in after if not torch.equal(after[name], trained[name])]
    assert "discriminator.weight" in moved
    assert any(not torch.equal(after[n], before[n]) for n in after if n.startswith("encoders"))


def test_a_weight_of_the_adversary_changes_nothing_else_in_its_own_step():
    heavy, light = (opposed(terms(w), max_epochs=1, batch_size=24, lr=1e-12) for w in (5.0, 1.0))
    heavy.fit(), light.fit()
    for name, value in state(heavy.net).items():
        torch.testing.assert_close(value, state(light.net)[name])


def test_the_history_has_the_term_and_the_loss_has_not():
    row = opposed(max_epochs=1).fit().history[-1]
    assert row["train_loss"] == pytest.approx(row["cmc"] + 0.1 * row["opposed"], rel=1e-5)
    assert row["guess"] > 0


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "radam"])
def test_a_fit_goes_on_from_a_checkpoint(tmp_path, same_fit, optimizer):
    settings = {"optimizer": optimizer, "checkpoint": tmp_path, "batch_size": 8}
    whole = opposed(**settings, max_epochs=4).fit()
    first = opposed(**settings, max_epochs=4)
    first.fit(2, key="a")
    again = opposed(**settings, max_epochs=4)
    again.net = fit_net(again.net, again.subjects, again.settings, 2, (tmp_path, "a"))
    again.fit(2)
    assert same_fit(whole, again.net)


def test_two_fits_are_alike(same_fit):
    assert same_fit(opposed().fit(), opposed().fit())


def test_such_fits_train_alone():
    assert opposed().net.criterion_.signature() is None


def test_a_child_that_is_not_there():
    wrong = [*terms()[:1], Term("guess", error, ("z", "h"), adversary="critic")]
    with pytest.raises(ValueError, match=r"adversaries \['critic'\]; the network has no such"):
        opposed(wrong)


def test_nothing_to_oppose():
    with pytest.raises(ValueError, match="at least one must train the network"):
        Objective([Term("guess", error, ("z",), adversary="discriminator")])


class Counts(MultiviewNetwork):
    """Tells its terms how often it has looked at the subjects."""

    seen = 0

    def before_epoch(self, h, rows, targets, sample_weight, epoch):
        assert h.shape == (2, 24, 2)
        assert not h.requires_grad
        self.seen += 1
        targets[rows] = float(self.seen)
        assert epoch == self.seen - 1


def test_a_network_looks_at_all_subjects_before_each_epoch():
    job = Job()
    build = partial(Counts, list(SHAPES), SHAPES, 2)
    told = Term("told", lambda z, t: 0 * z.sum() + t.mean(), on=("z", "targets"))
    job.net = make_net(build, [told], Settings(), dtype=torch.float32)
    targets = torch.zeros(24, 1)
    object.__setattr__(job.subjects.data, "targets", targets)
    history = job.fit(3).history
    np.testing.assert_allclose(history[:, "told"], [1, 2, 3])
