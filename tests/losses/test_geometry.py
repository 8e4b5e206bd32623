"""Free embeddings that minimize a loss take the geometry that its theory predicts."""

import json
import math
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from skmmcl.kernels import cosine, delta, gaussian
from skmmcl.losses import (
    EuclideanInfoNCELoss,
    SoftSupConLoss,
    SupConLoss,
    XCLRLoss,
    YAwareLoss,
    sphere_realizability,
)
from skmmcl.losses._realizability import unmet_share

FILE = Path(__file__).parents[1] / "data" / "loss_cases" / "guided.json"
CASES = {case["name"]: case for case in json.loads(FILE.read_text())["geometry_cases"]}
FAST = {
    "supcon_balanced_K3_n4_tau0.5",
    "softsupcon_incl_(4, 4, 4)_eps0.0100_tau0.5",
    "yaware_scalar4_excl_d8",
    "yaware_scalar4_incl_d3",
    "yaware_circle_R0.8_sigma1.0_tau0.5",
    "euclid_incl_d2",
    "xclr_incl_tau0.5_taus0.3",
}
N_RESTARTS = 4


def labels_of(inputs):
    if "sizes" in inputs:
        return torch.repeat_interleave(torch.tensor(inputs["sizes"]))
    y = torch.tensor(inputs["y"], dtype=torch.float64)
    return y[:, None] if y.ndim == 1 else y


def loss_and_weights(name, inputs, y):
    """A function of the embeddings and, for the entropy, the weights that it is made of."""
    tau, own = inputs["tau"], inputs["self_pairs"]
    if name.startswith("supcon"):
        loss = SupConLoss(tau)
        return (lambda z: loss(z, y)), delta(y.double())
    if name.startswith("softsupcon"):
        loss = SoftSupConLoss(tau, epsilon=inputs["eps"], self_pairs=own)
        weights = delta(y.double()).clamp_min(inputs["eps"])
    elif name.startswith("yaware"):
        loss = YAwareLoss(tau, bandwidth=inputs["sigma"], self_pairs=own)
        weights = gaussian(y, inputs["sigma"])
    elif name.startswith("euclid"):
        loss = EuclideanInfoNCELoss(tau, bandwidth=inputs["sigma"], self_pairs=own)
        weights = gaussian(y, inputs["sigma"])
    else:
        loss = XCLRLoss(tau, target_temperature=inputs["tau_s"], self_pairs=own)
        weights = torch.exp(cosine(y) / inputs["tau_s"])
    return (lambda z: loss(z[None], y)), weights


def entropy_of(weights, self_pairs):
    w = weights if self_pairs else weights - torch.diag(weights.diagonal())
    share = w / w.sum(-1, keepdim=True)
    return -torch.special.xlogy(share, share).sum(-1).mean().item()


def minimize(loss, shape, bound):
    """Smallest value over several starts, and the embeddings there.

    Where the optimum is on the edge of what is possible, the last digits take long: a start
    that has come to the bound is good enough.
    """
    generator = torch.Generator().manual_seed(0)
    best = math.inf, None
    for _ in range(N_RESTARTS):
        z = torch.randn(shape, dtype=torch.float64, generator=generator).requires_grad_()
        optimizer = torch.optim.LBFGS(
            [z],
            max_iter=1000,
            tolerance_grad=1e-10,
            tolerance_change=1e-14,
            line_search_fn="strong_wolfe",
        )

        def step(z=z, optimizer=optimizer):
            optimizer.zero_grad()
            value = loss(z)
            value.backward()
            return value

        optimizer.step(step)
        with torch.no_grad():
            value = loss(z).item()
        if value < best[0]:
            best = value, z.detach()
        if value < bound + 1e-8:
            break
    return best


def cosines_between(u, y):
    """Cosines within classes, and means of those between each two classes."""
    gram, classes = u @ u.mT, y.unique()
    within = torch.cat([gram[y == c][:, y == c].flatten() for c in classes])
    return within, {
        (a, b): gram[y == a][:, y == b].mean().item()
        for a in classes.tolist()
        for b in classes.tolist()
        if a < b
    }


def squared_distances(x):
    return torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist") ** 2


def check_supcon(u, y, expected):
    within, between = cosines_between(u, y)
    assert within.min() > 1 - 1e-3
    if "inter_theory" in expected:
        assert list(between.values()) == pytest.approx(
            [expected["inter_theory"]] * len(between), abs=1e-3
        )
        return
    assert between[0, 1] == pytest.approx(expected["cos_minor_minor_theory"], abs=1e-3)
    for pair in ((0, 2), (1, 2)):
        assert between[pair] == pytest.approx(expected["cos_minor_major_theory"], abs=1e-3)


def check_soft_supcon(u, y, expected):
    within, between = cosines_between(u, y)
    if "predicted_inter_minus_intra" in expected:
        gram = u @ u.mT
        apart = ~torch.eye(len(y), dtype=torch.bool)
        same = y[:, None] == y
        difference = gram[~same].mean() - gram[same & apart].mean()
        assert difference.item() == pytest.approx(expected["predicted_inter_minus_intra"], abs=1e-3)
        return
    assert within.min() > 1 - 1e-3
    assert sorted(between.values()) == pytest.approx(sorted(expected["inter_cos"]), abs=1e-3)


def check_labels_copied(name, inputs, z, y, expected):
    if name.startswith("xclr"):
        u = F.normalize(z, dim=-1)
        ratio = inputs["tau"] / inputs["tau_s"]
        asked = ratio * cosine(y) + 1 - ratio
        found, deviation = u @ u.mT, "max_dev_gram"
    else:
        x = F.normalize(z, dim=-1) if name.startswith("yaware") else z
        asked = inputs["tau"] / inputs["sigma"] ** 2 * squared_distances(y)
        found, deviation = squared_distances(x), "max_dev_sqdist"
    if "offset_mean" in expected:
        offset = (found - asked)[~torch.eye(len(y), dtype=torch.bool)]
        assert offset.max() - offset.min() < 1e-3
    elif expected.get(deviation, 1) < 1e-3:
        torch.testing.assert_close(found, asked, rtol=1e-3, atol=1e-3)


def marked(name):
    return pytest.param(name, id=name, marks=() if name in FAST else pytest.mark.slow)


@pytest.mark.parametrize("name", [marked(name) for name in CASES])
def test_optimal_geometry(name):
    inputs, expected = CASES[name]["inputs"], CASES[name]["predicted_and_observed"]
    y = labels_of(inputs)
    loss, weights = loss_and_weights(name, inputs, y)
    entropy = entropy_of(weights, inputs["self_pairs"])
    found, z = minimize(loss, (len(y), inputs["d"]), expected.get("loss_theory", entropy))
    u = F.normalize(z, dim=-1)
    if "loss_theory" in expected:
        assert found == pytest.approx(expected["loss_theory"], abs=1e-5)
        assert entropy == pytest.approx(expected.get("entropy_bound", entropy))
        check_supcon(u, y, expected)
        return
    assert found - entropy == pytest.approx(expected["gap"], abs=1e-5)
    if name.startswith("softsupcon"):
        check_soft_supcon(u, y, expected)
    else:
        check_labels_copied(name, inputs, z, y, expected)
    if not name.startswith("euclid"):
        told = sphere_realizability(
            weights, inputs["tau"], n_components=inputs["d"], self_pairs=inputs["self_pairs"]
        )
        assert told.realizable == (expected["gap"] < 1e-6)
        assert told.entropy == pytest.approx(entropy)
        assert told.gap == pytest.approx(expected["gap"], abs=1e-5)


def test_there_are_29_geometries():
    assert len(CASES) == 29
    assert CASES.keys() >= FAST


def test_what_is_too_far_apart_for_the_temperature():
    two = torch.tensor([0.0, 1.0])
    assert sphere_realizability(gaussian(two), 0.1).realizable
    told = sphere_realizability(gaussian(two * 10), 0.1)
    assert not told.realizable
    assert told.smallest_eigenvalue == pytest.approx(1 + (1 - 0.1 * 50))
    assert told.gap > 0


def test_too_few_components():
    corners = torch.eye(4, dtype=torch.float64)
    weights = gaussian(corners, 2.0)
    assert sphere_realizability(weights, 0.5).realizable
    told = sphere_realizability(weights, 0.5, n_components=2)
    assert not told.realizable
    assert told.gap > 0


def test_classes_ask_for_more_than_any_sphere_has():
    told = sphere_realizability(delta(torch.tensor([0, 0, 1, 1])), 0.5, self_pairs=False)
    assert told.smallest_eigenvalue == -math.inf
    assert told.entropy == 0
    with_self = sphere_realizability(delta(torch.tensor([0, 0, 1, 1])), 0.5)
    assert with_self.smallest_eigenvalue == -math.inf
    assert with_self.entropy == pytest.approx(math.log(2))
    assert not with_self.realizable
    assert told.gap == pytest.approx(math.log(1 + 2 * math.exp(-2 / 0.5)), abs=1e-6)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([[1.0, 0.5], [0.2, 1.0]], "symmetric"),
        ([[1.0, -0.5], [-0.5, 1.0]], "symmetric"),
        ([1.0, 1.0], "symmetric"),
        ([[0.0, 1.0], [1.0, 1.0]], "diagonal"),
    ],
)
def test_weights_that_are_none(weights, message):
    with pytest.raises(ValueError, match=message):
        sphere_realizability(weights)


def test_share_of_what_weights_tell_that_is_not_met():
    classes = delta(torch.tensor([0, 0, 1, 1]))
    for temperature in (0.5, 1.0, 3.0):
        expected = math.log1p(math.exp(-2 / temperature)) / math.log(2)
        assert unmet_share(classes, temperature) == pytest.approx(expected, abs=1e-6)
    ages = gaussian(torch.arange(5.0, dtype=torch.float64))
    told = sphere_realizability(ages, 0.5)
    share = told.gap / (math.log(5) - told.entropy)
    assert unmet_share(ages, 0.5) == pytest.approx(share, rel=1e-3)
    assert share <= unmet_share(ages, 0.5, tolerated=0.9) < 0.9


def test_weights_that_tell_nothing_or_can_be_met_leave_nothing_unmet():
    assert unmet_share(torch.ones(4, 4), 0.1) == 0
    assert unmet_share(gaussian(torch.tensor([0.0, 1.0])), 0.1) == pytest.approx(0, abs=1e-6)


def test_weights_without_a_diagonal_are_no_error():
    assert 0 < unmet_share(torch.tensor([[0.0, 0.0], [0.0, 4.0]]), 5.0) <= 1
