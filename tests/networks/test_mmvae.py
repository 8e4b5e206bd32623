"""MMVAENetwork: the bound on fixed draws, and how draws are made."""

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import kstest, laplace, norm

from skmmcl.losses import MMVAELoss
from skmmcl.networks._mmvae import MMVAENetwork
from skmmcl.networks._standardize import InputStage

SHAPES = {"table": (3,), "fc": (4, 5)}
FAMILIES = {"normal": norm, "laplace": laplace}
N, K, D = 6, 3, 2


def make(**options):
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    stages = {
        "table": InputStage(rng.normal(size=3), rng.uniform(1, 2, 3)),
        "fc": InputStage(np.zeros((4, 5)), np.ones((4, 5)), True, np.eye(20)[:7], np.ones(7)),
    }
    options = {"n_draws": K, "stages": stages, **options}
    return MMVAENetwork(list(SHAPES), SHAPES, D, **options).double()


@pytest.fixture
def x():
    generator = torch.Generator().manual_seed(1)
    return {
        name: torch.randn(N, *shape, generator=generator, dtype=torch.float64)
        for name, shape in SHAPES.items()
    }


@pytest.fixture
def mask():
    mask = torch.ones(N, 2, dtype=torch.bool)
    mask[1, 0] = mask[4, 1] = False
    return mask


def bound_in_loops(network, seen, h, z, present, families):
    """Mean of the bound over the subjects, one number at a time."""
    posterior, likelihood = (FAMILIES[family] for family in families)
    bounds = []
    for i in range(N):
        experts = [m for m in range(2) if present[i, m]]
        loc = [h[m, i] for m in range(2)]
        scale = [
            torch.nn.functional.softplus(network.spreads[m](h[m, i : i + 1]))[0] + 1e-3
            for m in range(2)
        ]
        of_experts = []
        for m in experts:
            log_weights = []
            for k in range(K):
                draw = z[m, k, i]
                total = posterior.logpdf(draw).sum()
                for d in experts:
                    x_hat = network.decoders[d](draw[None]).flatten().numpy()
                    sd = network.log_scale[d].exp().item()
                    total += likelihood.logpdf(seen[d][i].numpy(), x_hat, sd).sum()
                log_q = [posterior.logpdf(draw, loc[j], scale[j]).sum() for j in experts]
                log_weights.append(total - (logsumexp(log_q) - np.log(len(experts))))
            of_experts.append(logsumexp(log_weights) - np.log(K))
        bounds.append(np.mean(of_experts))
    return np.mean(bounds)


@pytest.mark.parametrize(
    "families", [("normal", "normal"), ("laplace", "normal"), ("normal", "laplace")]
)
@pytest.mark.parametrize("masked", [False, True])
def test_network_and_loss_give_the_bound_of_plain_loops(x, mask, families, masked, monkeypatch):
    network = make(posterior=families[0], likelihood=families[1])
    with torch.no_grad():
        network.log_scale += torch.tensor([0.3, -0.2])
    z = torch.randn(2, K, N, D, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    monkeypatch.setattr(network, "_draw", lambda mean, scale: z)
    with torch.no_grad():
        out = network(x, mask if masked else None)
        found = MMVAELoss()(out["log_joint"], out["log_posteriors"], mask if masked else None)
        scaled = (x["table"] + network.scalers["0"].shift[0] / network.scalers["0"].factor[0]) * (
            network.scalers["0"].factor[0]
        )
        seen = [scaled, x["fc"].flatten(1)[:, :7]]
        present = mask if masked else torch.ones_like(mask)
        expected = bound_in_loops(network, seen, out["h"], z, present, families)
    assert found.item() == pytest.approx(-expected, rel=1e-10)


def test_sample_weight_counts_a_subject_as_many(x, mask):
    network = make().eval()
    weight = torch.tensor([2.0, 1, 0, 1, 3, 1], dtype=torch.float64)
    rows = torch.arange(N).repeat_interleave(weight.long())
    loss = MMVAELoss()

    def value(rows, weight):
        out = network({name: a[rows] for name, a in x.items()}, mask[rows])
        return loss(out["log_joint"], out["log_posteriors"], mask[rows], weight).item()

    assert value(rows, None) == pytest.approx(value(torch.arange(N), weight), rel=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_draws_follow_the_experts_and_differ_between_subjects(family):
    network = make(posterior=family, n_draws=1000)
    mean = torch.randn(2, 2, D, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    scale = 0.5 + mean.abs()
    unit = ((network._draw(mean, scale) - mean[:, None]) / scale[:, None]).numpy()
    for view in range(2):
        one, other = unit[view, :, 0], unit[view, :, 1]
        assert kstest(one[:, 0], FAMILIES[family].cdf).pvalue > 0.01
        assert abs(np.corrcoef(one[:, 0], other[:, 0])[0, 1]) < 0.9  # not the same noise
        assert abs(np.corrcoef(one[:, 0], one[:, 1])[0, 1]) < 0.15
    assert not np.allclose(unit[0], unit[1])


def test_validation_always_draws_the_same_and_training_does_not(x):
    network = make().eval()
    assert torch.equal(network(x)["log_joint"], network(x)["log_joint"])
    network.train()
    assert not torch.equal(network(x)["log_joint"], network(x)["log_joint"])
    assert torch.equal(make()(x)["log_joint"], make()(x)["log_joint"])


def test_draws_leave_global_generators_alone(x):
    network = make()
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    network(x)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


def test_what_is_absent_teaches_nothing(x):
    network = make()
    mask = torch.tensor([[True, False]]).expand(N, 2)
    out = network(x, mask)
    MMVAELoss()(out["log_joint"], out["log_posteriors"], mask).backward()
    trained = {
        n.split(".")[1]
        for n, p in network.named_parameters()
        if p.grad is not None and p.grad.any() and n.startswith(("encoders", "decoders", "spreads"))
    }
    assert trained == {"0"}
    assert network.log_scale.grad[1] == 0
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)


def test_a_given_scale_is_not_learned(x):
    network = make(likelihood_scale=0.5)
    assert not network.log_scale.requires_grad
    torch.testing.assert_close(network.log_scale.exp(), torch.full((2,), 0.5, dtype=torch.float64))
