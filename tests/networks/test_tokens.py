"""Tokens: where they come from, which of them align, and what is decoded from them."""

import numpy as np
import pytest
import torch
from torch import nn

from skmmcl.exceptions import ModalityError
from skmmcl.networks import RegionEncoder
from skmmcl.networks._standardize import InputStage
from skmmcl.networks._tokens import TokenNetwork


def subjects(n=3, **shapes):
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(n, *shape, generator=generator) for name, shape in shapes.items()}


def build(pooling="mean", n_components=4, **shapes):
    torch.manual_seed(0)
    return TokenNetwork(list(shapes), shapes, n_components, pooling=pooling)


SHAPES = [
    {"sc": (6, 6), "smri": (6, 3)},
    {"t1": (12, 12, 12), "pet": (12, 12, 12)},
    {"t1": (1, 9, 12, 7), "clinical": (5,)},
    {"a": (5,), "b": (3,)},
]


@pytest.mark.parametrize("shapes", SHAPES)
def test_outputs_have_a_token_for_each_place(shapes):
    network, x = build(**shapes), subjects(**shapes)
    out = network(x)
    assert out["tokens"].shape == (2, 3, network.n_tokens, 4)
    torch.testing.assert_close(out["h"], out["tokens"].mean(2))
    torch.testing.assert_close(network.encode(x), out["h"])
    for found, seen in zip(out["x_hat"].values(), out["x_seen"].values(), strict=True):
        assert found.shape == seen.shape


def test_a_region_has_a_token_of_its_own_row_alone():
    network, x = build(fc=(6, 6), sc=(6, 3)), subjects(fc=(6, 6), sc=(6, 3))
    before = network(x)["tokens"]
    x["fc"][:, 2] += 1
    changed = (network(x)["tokens"] != before).any(-1).any(1)
    assert changed[0].nonzero().flatten().tolist() == [2]
    assert not changed[1].any()


def test_a_token_of_a_volume_is_the_vector_of_its_place():
    """Flattening channels and places the wrong way round would mix them."""
    network, x = build(t1=(12, 12, 12)), subjects(t1=(12, 12, 12))
    local = network.encoders[0].forward_local(x["t1"][None])[1][0]
    expected = network.to_tokens[0].linear(local[:, :, 2, 0, 1])
    token = network(x)["tokens"][0, :, 2 * local.shape[3] * local.shape[4] + 1]
    torch.testing.assert_close(token, expected)


def test_pooling_by_flattening_keeps_all_tokens():
    x = subjects(a=(6, 6), b=(6, 2))
    network = build("flatten", a=(6, 6), b=(6, 2))
    assert network.encode(x).shape == (2, 3, 6 * 4)


def test_what_is_decoded_is_what_the_encoder_reads():
    stage = InputStage(np.full((6, 2), 3.0), np.full((6, 2), 2.0))
    torch.manual_seed(0)
    network = TokenNetwork(["a", "b"], {"a": (6, 2), "b": (6, 2)}, 4, stages={"a": stage}).float()
    x = subjects(a=(6, 2), b=(6, 2))
    seen = network(x)["x_seen"]
    torch.testing.assert_close(seen["0"], (x["a"] - 3) / 2)
    torch.testing.assert_close(seen["1"], x["b"])


def test_no_decoders_where_nothing_is_reconstructed():
    network = TokenNetwork(["a"], {"a": (6, 2)}, 4, reconstructs=False)
    assert set(network(subjects(a=(6, 2)))) == {"h", "z", "tokens"} == set(network.gives)


def test_batch_norm_sees_those_who_are_there():
    def normalized(shape, n_components):
        return nn.Sequential(nn.BatchNorm1d(shape[0], momentum=None), nn.Linear(*shape, 4))

    torch.manual_seed(0)
    network = TokenNetwork(["a", "b"], {"a": (5,), "b": (6, 2)}, 4, encoders={"a": normalized})
    x = subjects(8, a=(5,), b=(6, 2))
    mask = torch.ones(8, 2, dtype=torch.bool)
    mask[4:, 0] = False
    tokens = network(x, mask)["tokens"]
    norm = network.encoders[0].module[0]
    torch.testing.assert_close(norm.running_mean, x["a"][:4].mean(0))
    assert torch.isfinite(tokens).all()


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"sc": (6, 6), "age": (1,), "smri": (5, 3)}, "'sc' has 6, 'smri' has 5. Each token must"),
        ({"t1": (12, 12, 12), "pet": (12, 12, 7)}, "'t1' has 3 x 3 x 3, 'pet' has 3 x 3 x 2"),
        ({"t1": (12, 12, 12), "fc": (27, 27)}, "'t1' has 3 x 3 x 3, 'fc' has 27"),
    ],
)
def test_places_that_differ(shapes, message):
    with pytest.raises(ModalityError, match=message):
        build(**shapes)


def test_regions_need_a_matrix():
    with pytest.raises(ValueError, match="takes matrices"):
        RegionEncoder((3,), 2)
