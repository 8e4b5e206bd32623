"""Local features of encoders, and a multiview network with local maps and reconstructions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from skmmcl.exceptions import ModalityError
from skmmcl.networks import make_encoder
from skmmcl.networks._info_max import InfoMaxNetwork, LocalHead
from skmmcl.networks._standardize import InputStage


@pytest.mark.parametrize(
    ("spec", "shape", "local_shape"),
    [
        ("auto", (7,), (64, 1)),
        ("mlp", (6, 5), (64, 1)),
        ("attention", (6, 5), (8, 6)),
        ("auto", (6, 5), (8, 6)),
        ("small_cnn", (8, 8, 8), None),
    ],
)
def test_local_features_come_with_the_representation(spec, shape, local_shape):
    encoder = make_encoder(spec, shape, 3).eval()
    x = torch.randn(1, 4, *shape, generator=torch.Generator().manual_seed(0))
    h, local = encoder.forward_local(x)
    assert torch.equal(h, encoder(x))
    assert local.shape[:2] == (1, 4)
    if local_shape is not None:
        assert local.shape[2:] == local_shape


def test_local_features_of_a_matrix_are_those_of_its_regions():
    attention = make_encoder("attention", (6, 5), 3)
    x = torch.randn(2, 6, 5, generator=torch.Generator().manual_seed(0))
    h, local = attention.forward_local(x)
    torch.testing.assert_close(attention.fc2(local.mT.flatten(1)), h)


def test_head_has_the_published_size_and_keeps_wide_features():
    assert sum(p.numel() for p in LocalHead(128, 64).parameters()) == 20_736
    kept = LocalHead(3, 4).shortcut.weight.detach()[:, :, 0]
    torch.testing.assert_close(kept, torch.eye(4, 3), atol=0.01, rtol=0)


def network(**params):
    rng = np.random.default_rng(0)
    shapes = {"clinical": (3,), "fc": (6, 5)}
    axes = np.linalg.qr(rng.normal(size=(30, 4)))[0].T
    stages = {
        "clinical": InputStage(np.full(3, 5.0), np.full(3, 2.0)),
        "fc": InputStage(np.zeros((6, 5)), np.ones((6, 5)), axes=axes, deviation=np.ones(4)),
    }
    torch.manual_seed(0)
    return InfoMaxNetwork(list(shapes), shapes, 4, stages=stages, **params).float()


def subjects(n=6):
    rng = torch.Generator().manual_seed(0)
    return {"clinical": torch.randn(n, 3, generator=rng), "fc": torch.randn(n, 6, 5, generator=rng)}


def test_only_what_is_asked_for_is_made():
    assert set(network()(subjects())) == {"h", "z", "z_fused"} == set(network().gives)
    made = network(decode=True)
    assert set(made(subjects())) == {"h", "z", "z_fused", "x_hat", "x_seen"} == set(made.gives)
    made = network(local_for=["L"])
    assert set(made(subjects())) == {"h", "z", "z_fused", "local"} == set(made.gives)
    assert "decoders" not in dict(made.named_children())


def test_reconstructed_is_what_the_encoder_sees():
    made, x = network(decode=True), subjects()
    out = made(x)
    torch.testing.assert_close(out["x_seen"][0], (x["clinical"] - 5) / 2)
    torch.testing.assert_close(out["x_seen"][1], made.prepare(x)["fc"])  # component scores
    for k in (0, 1):
        assert out["x_hat"][k].shape == out["x_seen"][k].shape
        torch.testing.assert_close(out["x_hat"][k], made.decoders[k](out["h"][k]))


def test_local_maps_have_the_width_of_the_embedding():
    out = network(local_for=["CL"], projection_dim=7)(subjects())
    assert out["z"].shape == (2, 6, 7)
    assert out["local"][0].shape == (6, 7, 1)
    assert out["local"][1].shape == (6, 7, 6)


def test_batch_statistics_are_those_of_the_present():
    x, mask = subjects(), torch.ones(6, 2, dtype=torch.bool)
    mask[[1, 4], 0] = False
    there = {name: value[mask[:, 0]] for name, value in x.items()}
    for value in x.values():
        value[~mask[:, 0]] = 100.0
    found, expected = (
        network(local_for=["L"])(x, mask)["local"][0][mask[:, 0]],
        network(local_for=["L"])(there)["local"][0],
    )
    torch.testing.assert_close(found, expected)


def test_no_local_features():
    shapes = {"a": (3,), "b": (4,)}
    with pytest.raises(
        ModalityError, match=r"'CS'.* encoder of modality 'b' has none.*'attention'"
    ):
        InfoMaxNetwork(["a", "b"], shapes, 2, encoders={"b": "linear"}, local_for=["CS"])
    InfoMaxNetwork(["a", "b"], shapes, 2, encoders={"b": "linear"}, decode=True)
    with pytest.raises(ModalityError, match="modality 'a' has none"):
        InfoMaxNetwork(["a"], shapes, 2, encoders={"a": nn.Linear(3, 2)}, local_for=["L"])


class OwnEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(3, 5), nn.Linear(5, 2)

    def forward(self, x):
        return self.forward_local(x)[0]

    def forward_local(self, x):
        local = self.first(x)
        return self.last(local), local


def test_encoder_of_the_user_with_local_features_of_one_place():
    made = InfoMaxNetwork(["a"], {"a": (3,)}, 2, encoders={"a": OwnEncoder()}, local_for=["L"])
    assert made({"a": torch.randn(4, 3)})["local"][0].shape == (4, 2, 1)
