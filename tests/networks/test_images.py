"""Images through timm: by a stand-in for timm, and by timm itself where it can be imported."""

import importlib
import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch
from torch import nn

from skmmcl.networks import AlexNet2d, TimmEncoder, make_encoder
from skmmcl.networks._multiview import MultiviewNetwork


class Network(nn.Module):
    """Base of networks like those of timm."""

    def __init__(self, in_chans, num_classes):
        super().__init__()
        self.conv = nn.Conv2d(in_chans, 5, 3, stride=2)
        self.fc = nn.Linear(5, num_classes)

    def forward_features(self, x):
        return self.conv(x)

    def forward_head(self, x):
        return self.fc(x.mean((2, 3)))

    def forward(self, x):
        return self.forward_head(self.forward_features(x))


@pytest.fixture
def asked(monkeypatch):
    """Put a stand-in for timm in its place; gives what it is asked for."""
    calls = []

    def create_model(name, *, in_chans, num_classes, **options):
        calls.append((name, options))
        return Network(in_chans, num_classes)

    timm = ModuleType("timm")
    timm.is_model = lambda name: name in ("resnet18", "vit_tiny_patch16_224")
    timm.get_pretrained_cfg = lambda name: SimpleNamespace(fixed_input_size=name.startswith("vit"))
    timm.create_model = create_model
    monkeypatch.setitem(sys.modules, "timm", timm)
    return calls


@pytest.mark.parametrize("shape", [(9, 7), (3, 9, 7)])
def test_images_with_and_without_channels(asked, shape):
    encoder = make_encoder("timm/resnet18", shape, 4)
    assert encoder(torch.zeros(1, 2, *shape)).shape == (1, 2, 4)
    h, local = encoder.forward_local(torch.ones(1, 2, *shape))
    assert torch.equal(h, encoder(torch.ones(1, 2, *shape)))
    assert local.shape == (1, 2, 5, 4, 3)
    assert asked == [("resnet18", {"pretrained": False})]


def test_tokens_are_places_of_the_local_map(asked, monkeypatch):
    encoder = TimmEncoder((3, 9, 7), 4, name="resnet18")
    network = encoder.network
    network.num_features = 5
    as_tokens = lambda x: network.conv(x).flatten(2).mT  # noqa: E731
    monkeypatch.setattr(network, "forward_features", as_tokens)
    monkeypatch.setattr(network, "forward_head", lambda tokens: network.fc(tokens.mean(1)))
    h, local = encoder.forward_local(torch.ones(2, 3, 9, 7))
    assert h.shape == (2, 4)
    assert local.shape == (2, 5, 4 * 3)


def test_what_timm_is_asked_for(asked):
    make_encoder("timm/resnet18:pretrained", (1, 8, 8), 4)
    make_encoder("timm/vit_tiny_patch16_224", (3, 32, 48), 4)
    assert asked == [
        ("resnet18", {"pretrained": True}),
        ("vit_tiny_patch16_224", {"pretrained": False, "img_size": (32, 48)}),
    ]


@pytest.mark.filterwarnings("ignore:Initializing zero-element")
def test_averaged_features(asked, monkeypatch):
    monkeypatch.setattr(Network, "num_features", 5, raising=False)
    monkeypatch.setattr(Network, "forward_head", lambda self, x: x.mean((2, 3)))
    encoder = make_encoder("timm/resnet18:pretrained:pooled", (1, 9, 7), 5)
    assert asked == [("resnet18", {"pretrained": True})]
    assert encoder(torch.zeros(1, 2, 1, 9, 7)).shape == (1, 2, 5)
    with pytest.raises(ValueError, match="'timm/resnet18:pooled' has 5 features: set n_components"):
        make_encoder("timm/resnet18:pooled", (1, 9, 7), 4)


def test_unknown_network(asked):
    with pytest.raises(ValueError, match=r"timm has no network 'resnet19'; see timm.list_models"):
        make_encoder("timm/resnet19", (8, 8), 4)


def test_volumes_are_no_images(asked):
    with pytest.raises(ValueError, match=r"'timm/resnet18' takes images .*not \(1, 8, 8, 8\)"):
        TimmEncoder((1, 8, 8, 8), 4, name="resnet18")


def network_of_images():
    return MultiviewNetwork(["t2"], {"t2": (8, 8)}, 4, encoders={"t2": "timm/resnet18"})


def test_no_timm(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ImportError, match=r'needs timm: pip install "skmmcl\[images\]"'):
        network_of_images()


def test_torchvision_of_another_build(monkeypatch, tmp_path):
    (tmp_path / "timm.py").write_text("raise RuntimeError('operator torchvision::nms is not')")
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match=r"torchvision is not of the same .*torchvision::nms"):
        network_of_images()


def test_weights_that_cannot_be_downloaded(asked, monkeypatch):
    def fail(*args, **options):
        raise OSError("no connection")

    monkeypatch.setattr(sys.modules["timm"], "create_model", fail)
    with pytest.raises(OSError, match="no connection"):
        network_of_images()


def test_timm_itself():
    try:
        importlib.import_module("timm")
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"timm cannot be imported: {error}")
    encoder = TimmEncoder((1, 32, 40), 4, name="resnet18").eval()
    h, local = encoder.forward_local(torch.zeros(2, 1, 32, 40))
    assert h.shape == encoder(torch.zeros(2, 1, 32, 40)).shape == (2, 4)
    assert local.shape == (2, 512, 1, 2)


def test_alexnet_has_the_published_parameters_and_places():
    with torch.device("meta"):
        whole = AlexNet2d((3, 224, 224), 1000, hidden=(4096, 4096))
        pooled = AlexNet2d((3, 224, 224), 512)
    assert sum(p.numel() for p in whole.parameters()) == 61_100_840
    assert sum(p.numel() for p in pooled.parameters()) == 2_469_696 + 257 * 512
    assert pooled.features(torch.zeros(1, 3, 224, 224, device="meta")).shape == (1, 256, 6, 6)


def test_alexnet_of_small_images():
    encoder = make_encoder("alexnet", (3, 64, 64), 4)
    x = torch.rand(1, 2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    h, local = encoder.forward_local(x)
    assert h.shape == (1, 2, 4)
    assert local.shape[:3] == (1, 2, 256)
    with pytest.raises(ValueError, match="at least 63 pixels, not \\(3, 62, 64\\)"):
        make_encoder("alexnet", (3, 62, 64), 4)


def test_averaged_features_of_alexnet():
    encoder = make_encoder("alexnet:pooled", (3, 96, 96), 256).eval()
    x = torch.rand(1, 2, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    h, local = encoder.forward_local(x)
    torch.testing.assert_close(h, local.mean((3, 4)))
