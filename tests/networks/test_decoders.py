"""Decoders: which mirrors which encoder, and their shapes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from skmmcl.networks import MLP, DCGANDecoder, make_encoder
from skmmcl.networks._decoders import MLPDecoder, make_decoder
from skmmcl.networks._lanes import has_lanes
from skmmcl.networks._mlp import LinearShortcut
from skmmcl.networks._standardize import InputScaler, InputStage


@pytest.mark.parametrize(
    ("spec", "shape"), [("auto", (7,)), ("mlp", (7,)), ("auto", (4, 5)), ("small_cnn", (8, 8, 8))]
)
def test_decoders_of_tables_have_lanes_and_give_the_shape(spec, shape):
    decoder = make_decoder(shape, 3, make_encoder(spec, shape, 3))
    assert decoder(torch.zeros(1, 6, 3)).shape == (1, 6, *shape)
    assert decoder(torch.zeros(6, 3)).shape == (6, *shape)
    assert has_lanes(decoder)


def test_hidden_layers_and_shortcut_are_mirrored():
    linear = make_decoder((7,), 3, make_encoder("linear", (7,), 3))
    assert sum(p.numel() for p in linear.parameters()) == 3 * 7 + 7
    mirrored = make_decoder((7,), 3, MLP((7,), 3, hidden=(6, 5)))
    assert mirrored.layers.hidden == (5, 6)
    assert isinstance(make_decoder((7,), 3, make_encoder("auto", (7,), 3)).layers, LinearShortcut)
    assert isinstance(make_decoder((7,), 3), MLPDecoder)


def test_dcgan_is_mirrored_by_dcgan():
    shape = (32, 32, 32)
    decoder = make_decoder(shape, 4, make_encoder("dcgan", shape, 4))
    assert isinstance(decoder.module, DCGANDecoder)
    assert decoder(torch.zeros(1, 2, 4)).shape == (1, 2, *shape)


def test_behind_a_reconstruction_the_encoder_is_found():
    stage = InputStage(np.zeros((4, 5)), np.ones((4, 5)), True, np.eye(20)[:6], np.ones(6))
    scaler = InputScaler((4, 5), stage)
    encoder = make_encoder(MLP((4, 5), 3, hidden=(9,)), (4, 5), 3, scaler)
    assert make_decoder((6,), 3, encoder).layers.hidden == (9,)
