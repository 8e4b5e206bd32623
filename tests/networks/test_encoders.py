"""Encoders: the published sizes, attention against a plain version, and what may be asked for."""

import math
from functools import partial

import pytest
import torch
from torch import nn

from skmmcl.networks import (
    MLP,
    ConnectomeAttention,
    EfficientNet3d,
    SmallCNN3d,
    make_encoder,
)
from skmmcl.networks._encoders import encoder_by_shape


def n_parameters(module):
    return sum(p.numel() for p in module.parameters())


def test_parameter_counts_of_the_paper():
    assert n_parameters(ConnectomeAttention((87, 87), 8)) == 36_904
    assert n_parameters(ConnectomeAttention((87, 100), 8)) == 46_784
    assert n_parameters(MLP((100,), 8, hidden=(64,))) == 6_984


@pytest.mark.parametrize("n_heads", [1, 2, 3])
def test_attention_equals_plain_softmax(n_heads):
    torch.manual_seed(0)
    encoder = ConnectomeAttention((5, 6), 2, n_heads=n_heads, region_components=3).double()
    x = torch.randn(4, 5, 6, dtype=torch.float64)
    expected = []
    for subject in x:
        query, key, value = (
            layer(subject) for layer in (encoder.query, encoder.key, encoder.value)
        )
        width = 6 // n_heads
        heads = []
        for head in range(n_heads):
            part = slice(head * width, (head + 1) * width)
            weights = torch.exp(query[:, part] @ key[:, part].T / math.sqrt(width))
            heads.append(weights / weights.sum(1, keepdim=True) @ value[:, part])
        expected.append(encoder.fc2(encoder.fc1(encoder.dense(torch.cat(heads, 1))).view(1, -1))[0])
    torch.testing.assert_close(encoder(x), torch.stack(expected))


def test_attention_depends_on_the_order_of_regions():
    torch.manual_seed(0)
    encoder, x = ConnectomeAttention((5, 6), 2), torch.randn(1, 5, 6)
    assert not torch.allclose(encoder(x), encoder(x.flip(1)))


def test_indivisible_heads():
    with pytest.raises(ValueError, match="n_features=7 is not divisible by n_heads=2"):
        ConnectomeAttention((5, 7), 2, n_heads=2)


def test_mlp_flattens_and_takes_any_depth():
    assert MLP((2, 3, 4), 5)(torch.zeros(7, 2, 3, 4)).shape == (7, 5)
    assert n_parameters(MLP((3,), 2, hidden=())) == 3 * 2 + 2
    assert n_parameters(MLP((3,), 2, hidden=(4, 5))) == 16 + 25 + 12


@pytest.mark.parametrize(
    ("spec", "shape", "kind"),
    [
        ("auto", (7,), MLP),
        ("auto", (5, 7), ConnectomeAttention),
        ("mlp", (5, 7), MLP),
        ("linear", (7,), MLP),
        ("attention", (5, 7), ConnectomeAttention),
        ("small_cnn", (5, 7, 6), SmallCNN3d),
        (ConnectomeAttention, (5, 7), ConnectomeAttention),
        (partial(MLP, hidden=(3,)), (7,), MLP),
        (lambda shape, n_components: nn.Linear(shape[0], n_components), (7,), nn.Linear),
    ],
)
def test_make_encoder(spec, shape, kind):
    encoder = make_encoder(spec, list(shape), 3)
    inner = encoder.encoder if spec == "auto" else encoder
    assert type(getattr(inner, "module", inner)) is kind
    assert encoder(torch.zeros(1, 2, *shape)).shape == (1, 2, 3)


def test_linear_is_one_layer():
    assert n_parameters(make_encoder("linear", (7,), 3)) == 7 * 3 + 3


def test_a_module_is_copied_with_its_weights():
    module = nn.Linear(4, 2)
    encoder = make_encoder(module, (4,), 2).module
    assert encoder is not module
    assert torch.equal(encoder.weight, module.weight)
    kept = module.weight.clone()
    with torch.no_grad():
        encoder.weight += 1
    assert torch.equal(module.weight, kept)


def test_unknown_name():
    with pytest.raises(ValueError, match=r"unknown encoder 'cnn'; known are 'auto' and .*'mlp'"):
        make_encoder("cnn", (4,), 2)


@pytest.mark.parametrize("shape", [(4,), (4, 4, 4)])
def test_attention_takes_matrices_only(shape):
    with pytest.raises(ValueError, match="takes matrices"):
        make_encoder("attention", shape, 2)


@pytest.mark.parametrize("shape", [(4, 5, 4), (3, 4, 5, 4), (1, 1, 2)])
def test_default_for_volumes_is_a_small_cnn_alone(shape):
    encoder = make_encoder("auto", shape, 2)
    assert type(encoder.module) is SmallCNN3d
    assert type(encoder_by_shape(shape, 2)) is EfficientNet3d  # of the recipe of CMC+CSS
    assert encoder(torch.zeros(1, 3, *shape)).shape == (1, 3, 2)


def test_no_default_for_more_axes():
    with pytest.raises(ValueError, match=r"no default encoder for .* \(2, 2, 2, 2, 2\)"):
        make_encoder("auto", (2,) * 5, 2)
