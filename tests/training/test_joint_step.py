"""Optimizers that step as one do what each does by itself, bit for bit."""

import copy
from functools import partial

import pytest
import torch

from skmmcl.training._joint_step import JointStep

KINDS = {
    "adam": partial(torch.optim.Adam, fused=True),
    "adamw": partial(torch.optim.AdamW, fused=True),
    "radam": torch.optim.RAdam,
    "sgd": partial(torch.optim.SGD, momentum=0.9, fused=True),
    "rmsprop": torch.optim.RMSprop,  # never as one
}


def made(kind, n=4):
    """Optimizers, some with settings of their own, each of two weights of odd sizes."""
    torch.manual_seed(0)
    weights = [[torch.nn.Parameter(torch.randn(7, 3)), torch.nn.Parameter(torch.randn(5))]
               for _ in range(n)]  # fmt: skip
    return [KINDS[kind](w, lr=0.1 / (1 + k // 2)) for k, w in enumerate(weights)]


def act(joint, who):
    who = list(who)
    if not joint.step(who):
        for k in who:
            joint.optimizers[k].step()


def run(optimizers, step, n_steps=5):
    generator = torch.Generator().manual_seed(1)
    for s in range(n_steps):
        for optimizer in optimizers:
            for p in optimizer.param_groups[0]["params"]:
                p.grad = torch.randn(p.shape, generator=generator)
            if s == 3:
                optimizer.param_groups[0]["lr"] /= 2
        step(s)
    return [p.detach() for optimizer in optimizers for p in optimizer.param_groups[0]["params"]]


@pytest.mark.parametrize("kind", KINDS)
def test_as_each_by_itself(kind):
    apart, together = made(kind), made(kind)
    joint = JointStep(together)
    expected = run(apart, lambda _: [optimizer.step() for optimizer in apart])
    found = run(together, lambda _: act(joint, range(4)))
    assert all(map(torch.equal, found, expected))
    assert (joint.joint is not None) == (kind != "rmsprop")
    # Their state is their own, so that each can go on without the others.
    states = [copy.deepcopy(o.state_dict()["state"]) for o in (*apart, *together)]
    for one, other in zip(states[:4], states[4:], strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_those_who_do_not_act_stay():
    optimizers = made("adam")
    joint = JointStep(optimizers)
    before = run(optimizers, lambda _: act(joint, range(4)), n_steps=2)
    before = [p.clone() for p in before]
    after = run(optimizers, lambda _: act(joint, [0, 1, 3]), n_steps=2)
    assert [torch.equal(a, b) for a, b in zip(after, before, strict=True)] == [
        *[False] * 4, True, True, *[False] * 2,
    ]  # fmt: skip
