"""FusionNetwork: tokens of every kind, subsets of modalities, and what may not be seen."""

import pytest
import torch
from torch import nn

from skmmcl.networks._fusion import FusionNetwork, place_code
from skmmcl.networks._transformer import FusionTransformer, NormalizedHead

SHAPES = {"table": (3,), "rois": (6, 4), "t1": (8, 8, 8)}
N = 5


def make(**options):
    torch.manual_seed(0)
    options = {"encoders": {"rois": "regions"}, "projection_dim": 4, **options}
    return FusionNetwork(list(SHAPES), SHAPES, 8, **options).eval()


@pytest.fixture(name="x")
def copies():
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(2 * N, *shape, generator=generator) for name, shape in SHAPES.items()}


@pytest.fixture(name="mask")
def presence():
    mask = torch.ones(N, 3, dtype=torch.bool)
    mask[1, 0] = mask[2, 1] = mask[2, 2] = False
    return mask


def test_each_kind_of_modality_gives_its_tokens():
    assert [part.n_tokens for part in make().encoders] == [1, 6, 4**3]


@pytest.mark.parametrize("options", [{}, {"n_layers": 3}, {"mask_tokens": True}])
def test_an_output_of_a_subset_is_that_of_the_modality_alone(x, options):
    network = make(**options)
    by_mask = network._fused(
        {name: value[None] for name, value in x.items()}, None, network._subsets(torch.ones(1))
    )
    for k in range(3):
        only = torch.zeros(2 * N, 3, dtype=torch.bool)
        only[:, k] = True
        torch.testing.assert_close(by_mask[0, k], network.encode(x, only)[0])
    torch.testing.assert_close(by_mask[0, -1], network.encode(x)[0])


@pytest.mark.parametrize("options", [{}, {"n_layers": 2}, {"mask_tokens": True}])
def test_what_is_absent_is_not_seen(x, mask, options):
    network = make(**options)
    expected = network(x, mask)
    changed = {name: value.clone() for name, value in x.items()}
    for view, value in enumerate(changed.values()):
        value[~mask[:, view].repeat(2)] = 7.0
    found = network(changed, mask)
    torch.testing.assert_close(found["h"], expected["h"])
    for name in ("z", "z_other"):
        here = expected["subsets"].T
        torch.testing.assert_close(found[name][here], expected[name][here])
    assert expected["subsets"].tolist() == torch.cat([mask, mask.any(1, True)], 1).tolist()


def test_no_gradient_reaches_what_is_absent(x, mask):
    x["table"].requires_grad_()
    out = make()(x, mask)
    (out["z"] * out["subsets"].T[..., None]).sum().backward()
    assert (x["table"].grad[1] == 0).all()
    assert (x["table"].grad[0] != 0).any()


def test_copies_stay_apart(x):
    network = make()
    expected = network(x)
    x["table"][N:] += 1
    found = network(x)
    assert torch.equal(found["z"], expected["z"])
    assert not torch.allclose(found["z_other"], expected["z_other"])


def test_the_head_normalises_over_those_who_count():
    torch.manual_seed(0)
    head, z = NormalizedHead(3, 2), torch.randn(1, 2, 6, 3)
    count = torch.tensor([[[2.0, 1, 1, 1, 0, 0]]])
    repeated = z[:, :, [0, 0, 1, 2, 3]]
    torch.testing.assert_close(head(z, count)[:, :, :4], head(repeated)[:, :, 1:])
    reference = nn.BatchNorm1d(4)(head.layer1(z[:, 0])[0])
    torch.testing.assert_close(head.norm1(head.layer1(z[:, 0]), None)[0], reference)
    assert torch.isfinite(head(z[:, :, :2])).all()
    assert torch.isfinite(head(z, torch.zeros(1, 1, 6))).all()


def test_heads_divide_the_width():
    assert FusionTransformer(12).blocks[0].n_heads == 6
    assert FusionTransformer(7).blocks[0].n_heads == 7
    assert FusionTransformer(64, n_heads=1).blocks[0].n_heads == 1


@pytest.mark.parametrize("grid", [(5,), (3, 4), (2, 3, 4)])
@pytest.mark.parametrize("width", [2, 7, 16])
def test_codes_of_places_differ(grid, width):
    code = place_code(grid, width)
    assert code.shape == (torch.Size(grid).numel(), width)
    if width >= 2 * len(grid):
        assert len(torch.unique(code, dim=0)) == len(code)


def test_tokens_that_stand_in_are_learned_without_any_absence(x):
    network = make(mask_tokens=True)
    network(x)["z"].sum().backward()
    assert (network.stand_in.grad != 0).all()
