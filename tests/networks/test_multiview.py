"""MultiviewNetwork: named outputs, missing views, and encoders that do not fit."""

import numpy as np
import pytest
import torch
from torch import nn

from skmmcl.exceptions import ModalityError
from skmmcl.networks._lanes import merge_lanes
from skmmcl.networks._multiview import MultiviewNetwork
from skmmcl.networks._standardize import InputStage

SHAPES = {"table": (3,), "fc": (5, 5)}


@pytest.fixture
def x():
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(6, *shape, generator=generator) for name, shape in SHAPES.items()}


def make(views=tuple(SHAPES), **options):
    torch.manual_seed(0)
    return MultiviewNetwork(views, SHAPES, 2, **options)


def test_outputs(x):
    network = make()
    out = network(x)
    assert set(out) == set(network.gives)
    assert torch.equal(out["z"], out["h"])
    assert out["h"].shape == (2, 6, 2)
    for view, name in enumerate(SHAPES):
        assert torch.equal(out["h"][view], network.encoders[view](x[name]))
        assert torch.equal(out["z_fused"][:, 2 * view : 2 * view + 2], out["z"][view])


def test_mask_puts_zeros_into_the_fused_embedding(x):
    mask = torch.ones(6, 2, dtype=torch.bool)
    mask[1, 0] = mask[4, 1] = False
    network = make()
    with_mask, without = network(x, mask), network(x)
    assert (with_mask["z_fused"][1, :2] == 0).all()
    assert (with_mask["z_fused"][4, 2:] == 0).all()
    changed = (with_mask["z_fused"] != without["z_fused"]).nonzero().tolist()
    assert changed == [[1, 0], [1, 1], [4, 2], [4, 3]]
    assert torch.equal(with_mask["z"], without["z"])


def test_projection_head(x):
    out = make(projection_dim=4)(x)
    assert out["h"].shape == (2, 6, 2)
    assert out["z"].shape == (2, 6, 4)
    assert out["z_fused"].shape == (6, 8)


def test_widths_of_the_projection_head(x):
    network = make(projection_dim=(7, 5, 3))
    assert network(x)["z"].shape == (2, 6, 3)
    widths = [sorted(layer.weight.shape[-2:]) for layer in network.heads[0].layers]
    assert widths == [[2, 7], [5, 7], [3, 5]]
    linear = make(projection_dim=[3]).heads[0].layers
    assert [sorted(layer.weight.shape[-2:]) for layer in linear] == [[2, 3]]


@pytest.mark.parametrize("widths", [(), (4, 0), ("a",), (2.5, 3)])
def test_bad_widths_of_the_projection_head(widths):
    with pytest.raises(ValueError, match=r"projection_dim=.* must be a width of at least 1"):
        make(projection_dim=widths)


@pytest.mark.parametrize("normalize_each", [False, True])
def test_normalize_each(x, normalize_each):
    out = make(normalize_each=normalize_each)(x)
    norms = out["z_fused"].unflatten(1, (2, 2)).norm(dim=-1)
    expected = torch.ones(6, 2) if normalize_each else out["z"].norm(dim=-1).T
    torch.testing.assert_close(norms, expected)


def test_standardized_input(x):
    stages = {"fc": InputStage(np.full((5, 5), 2.0), np.full((5, 5), 4.0))}
    plain, scaled = make().double(), make(stages=stages).double()
    x = {name: value.double() for name, value in x.items()}
    expected = plain.encode({"table": x["table"], "fc": (x["fc"] - 2) / 4})
    torch.testing.assert_close(scaled.encode(x), expected)


def test_scaled_in_place_once_for_all(x):
    stages = {"fc": InputStage(np.full((5, 5), 2.0), np.full((5, 5), 4.0))}
    network = merge_lanes([make(stages=stages).float(), make(stages=stages).float()])
    in_lanes = {name: torch.stack([value[:3], value[3:]]) for name, value in x.items()}
    expected = network.encode_lanes(in_lanes)
    network.scale_in_place(x, [3, 3])
    in_lanes = {name: torch.stack([value[:3], value[3:]]) for name, value in x.items()}
    assert torch.equal(network.encode_lanes(in_lanes), expected)


def test_one_modality_in_two_views(x):
    out = make(views=("table", "table"))(x)
    assert out["h"].shape == (2, 6, 2)
    assert not torch.equal(out["h"][0], out["h"][1])


def test_state_dict_round_trip(x):
    stages = {"table": InputStage(np.ones(3), np.full(3, 2.0))}
    first = make(stages=stages, projection_dim=2)
    other = MultiviewNetwork(
        list(SHAPES),
        SHAPES,
        2,
        stages={"table": InputStage(np.zeros(3), np.ones(3))},
        projection_dim=2,
    )
    other.load_state_dict({k: v.float() for k, v in first.state_dict().items()})
    assert torch.equal(first.float()(x)["z_fused"], other.float()(x)["z_fused"])


def test_lazy_layers_are_sized(x):
    lazy = nn.Sequential(nn.Flatten(), nn.LazyLinear(4), nn.ReLU(), nn.LazyLinear(2))
    network = make(encoders={"fc": lazy})
    assert network.encoders[1].module[1].weight.shape == (4, 25)
    assert isinstance(lazy[1], nn.LazyLinear)
    assert network(x)["h"].shape == (2, 6, 2)


def test_batch_norm_is_tried_without_effect():
    encoder = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    network = make(encoders={"table": encoder})
    assert network.encoders[0].module.training
    assert network.encoders[0].module[1].num_batches_tracked == 0
    assert not make(encoders={"table": encoder.eval()}).encoders[0].module.training


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_module_of_another_precision(dtype):
    network = make(encoders={"table": nn.Linear(3, 2, dtype=dtype)})
    assert network.encoders[0].module.weight.dtype == dtype


def test_encoder_without_parameters():
    network = MultiviewNetwork(["a"], {"a": (3,)}, 3, encoders={"a": nn.Identity()})
    assert network({"a": torch.ones(2, 3)})["h"].shape == (1, 2, 3)


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (nn.Linear(3, 7), r"modality 'table' gave .*\(2, 7\) for 2 subjects; expected \(2, 2\)"),
        (nn.Linear(4, 2), r"modality 'table' does not take arrays of shape \(n_samples, 3\)"),
        ("cnn", "modality 'table' .*unknown encoder 'cnn'"),
        ("attention", "modality 'table' .*takes matrices"),
        (lambda shape, n: None, "modality 'table' does not take"),
    ],
)
def test_an_encoder_that_does_not_fit_is_named(encoder, message):
    with pytest.raises(ModalityError, match=message):
        make(encoders={"table": encoder})


def test_volumes_beside_a_table():
    network = MultiviewNetwork(["t1", "age"], {"t1": (4, 5, 4), "age": (1,)}, 2)
    x = {"t1": torch.zeros(3, 4, 5, 4), "age": torch.zeros(3, 1)}
    assert network(x)["h"].shape == (2, 3, 2)


@pytest.mark.parametrize("n_present", [4, 2])
def test_batch_norm_is_not_disturbed_by_absent_subjects(x, n_present):
    norm = nn.Sequential(nn.BatchNorm1d(3, momentum=None), nn.Linear(3, 2))
    with_mask, alone = (make(encoders={"table": norm}) for _ in range(2))
    mask = torch.ones(6, 2, dtype=torch.bool)
    mask[n_present:, 0] = False
    x["table"][n_present:] = 1e6
    h = with_mask(x, mask)["h"][0]
    expected = alone({name: value[:n_present] for name, value in x.items()})["h"][0]
    torch.testing.assert_close(h[:n_present], expected)
    assert h.isfinite().all()
    seen = with_mask.encoders[0].module[0].running_mean
    torch.testing.assert_close(seen, x["table"][:n_present].mean(0))


@pytest.mark.parametrize("n_present", [0, 1])
def test_too_few_present_subjects_to_normalise(x, n_present):
    norm = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2))
    mask = torch.ones(6, 2, dtype=torch.bool)
    mask[n_present:, 0] = False
    assert make(encoders={"table": norm})(x, mask)["h"].isfinite().all()
