"""Weights from files: what is found, what does not fit, published layouts, and bad files."""

import io
import pickle

import pytest
import torch
from torch import nn

from skmmcl.networks import DenseNet3d, ResNet3d, SmallCNN3d, load_weights


def make(n_components=2, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return SmallCNN3d((6, 6, 6), n_components)


def saved(content, path):
    torch.save(content, path)
    return path


@pytest.fixture
def trained():
    return make(seed=1)


@pytest.mark.parametrize("key", [None, "state_dict", "model_state_dict", "model"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_all_weights(trained, tmp_path, key, prefix):
    weights = {prefix + name: value for name, value in trained.state_dict().items()}
    content = weights if key is None else {"epoch": 3, key: weights, "optimizer": {}}
    network = make()
    report = load_weights(network, saved(content, tmp_path / "weights.pth"))
    assert report.loaded == tuple(network.state_dict())
    assert (report.missing, report.unexpected, report.mismatched) == ((), (), {})
    assert all(map(torch.equal, network.parameters(), trained.parameters()))


def test_safetensors(trained, tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    path = tmp_path / "weights.safetensors"
    safetensors.save_file(trained.state_dict(), path)
    network = make()
    assert not load_weights(network, path).missing
    assert torch.equal(network.fc.weight, trained.fc.weight)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"weights.safetensors cannot be read; it may be cut off"):
        load_weights(network, path)


def test_safetensors_without_the_package(trained, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "safetensors", None)
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"")
    with pytest.raises(ImportError, match=r'pip install "skmmcl\[weights\]"'):
        load_weights(trained, path)


def test_report_of_what_does_not_fit(trained, tmp_path):
    weights = trained.state_dict()
    weights["head.weight"] = weights.pop("stage1.1.weight")
    path = saved(weights, tmp_path / "weights.pt")
    network = make(n_components=3)
    kept = {name: value.clone() for name, value in network.state_dict().items()}
    report = load_weights(network, path)
    assert report.loaded == ("stage1.0.weight", "stage1.1.bias")
    assert report.missing == ("stage1.1.weight",)
    assert report.unexpected == ("head.weight",)
    n_features = network.fc.in_features
    assert report.mismatched == {
        "fc.weight": ((2, n_features), (3, n_features)),
        "fc.bias": ((2,), (3,)),
    }
    assert str(report) == (
        "2 loaded, 1 missing (stage1.1.weight), 1 unexpected (head.weight), 2 mismatched "
        f"(fc.weight: (2, {n_features}) for (3, {n_features}), fc.bias: (2,) for (3,))"
    )
    for name in set(kept) - set(report.loaded):
        assert torch.equal(network.state_dict()[name], kept[name])
    assert torch.equal(network.stage1[0].weight, trained.stage1[0].weight)


@pytest.mark.parametrize(
    "mapping", [{"old.": "", "old.top.": "fc."}, lambda n: n[4:].replace("top", "fc")]
)
def test_mapping(trained, tmp_path, mapping):
    weights = {"old." + name.replace("fc", "top"): v for name, v in trained.state_dict().items()}
    network = make()
    report = load_weights(network, saved(weights, tmp_path / "w.pt"), mapping=mapping)
    assert not report.missing + report.unexpected
    assert torch.equal(network.fc.bias, trained.fc.bias)


def layer(prefix, shape, batch_norm=None):
    """Names and values of a convolution without bias, and of the normalization next to it."""
    weights = {f"{prefix}.weight": torch.rand(shape)}
    if batch_norm:
        n = {"weight", "bias", "running_mean", "running_var"}
        width = shape[0]
        weights |= {f"{batch_norm}.{name}": torch.rand(width) for name in sorted(n)}
        weights[f"{batch_norm}.num_batches_tracked"] = torch.tensor(7)
    return weights


def norm(prefix, width):
    return {k: v for k, v in layer("", (width,), prefix).items() if k.startswith(prefix)}


def yaware_file(blocks, growth):
    """Weights as the contrastive training of y-Aware names and saves them."""
    weights = layer("features.conv0", (64, 1, 7, 7, 7), "features.norm0")
    width = 64
    for b, n_layers in enumerate(blocks, start=1):
        for k in range(1, n_layers + 1):
            name = f"features.denseblock{b}.denselayer{k}"
            weights |= norm(f"{name}.norm1", width)
            weights |= layer(f"{name}.conv1", (4 * growth, width, 1, 1, 1), f"{name}.norm2")
            weights |= layer(f"{name}.conv2", (growth, 4 * growth, 3, 3, 3))
            width += growth
        if b < len(blocks):
            name = f"features.transition{b}"
            weights |= norm(f"{name}.norm", width)
            weights |= layer(f"{name}.conv", (width // 2, width, 1, 1, 1))
            width //= 2
    for name, shape in {"hidden_representation": (12, width), "head_projection": (5, 12)}.items():
        weights |= {f"{name}.weight": torch.rand(shape), f"{name}.bias": torch.rand(shape[0])}
    return {"epoch": 30, "model": {f"module.{k}": v for k, v in weights.items()}}


def test_published_yaware(tmp_path):
    options = {"blocks": (2, 1, 1), "growth": 4}
    content = yaware_file(**options)
    path = saved(content, tmp_path / "DenseNet121_BHB-10K_yAwareContrastive.pth")
    encoder = DenseNet3d((13, 13, 13), 12, final_norm=False, **options)
    report = load_weights(encoder, path, mapping="yaware")
    assert (report.missing, report.mismatched) == ((), {})
    assert report.unexpected == ("head_projection.weight", "head_projection.bias")
    key = "denseblock1.denselayer2.norm2.running_var"
    assert torch.equal(encoder.get_buffer(key), content["model"][f"module.features.{key}"])
    hidden = content["model"]["module.hidden_representation.bias"]
    assert torch.equal(encoder.fc.bias, hidden)
    other = load_weights(DenseNet3d((13, 13, 13), 2, **options), path, mapping="yaware")
    assert {name.partition(".")[0] for name in other.missing} == {"norm5"}
    assert set(other.mismatched) == {"fc.weight", "fc.bias"}


def anatcl_file():
    """Weights as AnatCL names and saves those of its ResNet18 and head."""
    weights = layer("encoder.conv1", (64, 1, 7, 7, 7), "encoder.bn1")
    n_in = 64
    for k, width in enumerate((64, 128, 256, 512), start=1):
        for block in (0, 1):
            name = f"encoder.layer{k}.{block}"
            weights |= layer(f"{name}.conv1", (width, n_in, 3, 3, 3), f"{name}.bn1")
            weights |= layer(f"{name}.conv2", (width, width, 3, 3, 3), f"{name}.bn2")
            if width != n_in:
                down = f"{name}.downsample"
                weights |= layer(f"{down}.0", (width, n_in, 1, 1, 1), f"{down}.1")
            n_in = width
    for name, shape in {"head.0": (512, 512), "head.2": (128, 512)}.items():
        weights |= {f"{name}.weight": torch.rand(shape), f"{name}.bias": torch.rand(shape[0])}
    return {"model": weights}


def test_published_anatcl(tmp_path):
    with torch.device("meta"):  # 33 million parameters, of which the names and shapes matter
        content = anatcl_file()
        encoder = ResNet3d((121, 128, 121), 16)
    own = {name: tuple(value.shape) for name, value in encoder.state_dict().items()}
    theirs = {
        name.removeprefix("encoder."): tuple(value.shape)
        for name, value in content["model"].items()
        if not name.startswith("head.")
    }
    assert theirs == {name: shape for name, shape in own.items() if not name.startswith("fc.")}
    some = {"encoder.bn1.weight", "encoder.layer2.0.downsample.1.bias", "head.2.bias"}
    values = {name: torch.rand(content["model"][name].shape) for name in some}
    network = nn.Module()
    network.bn1, network.layer2 = nn.BatchNorm3d(64), nn.ModuleList([nn.Module()])
    network.layer2[0].downsample = nn.ModuleList([nn.Identity(), nn.BatchNorm3d(128)])
    report = load_weights(network, saved({"model": values}, tmp_path / "f.pth"), mapping="anatcl")
    assert set(report.loaded) == {"bn1.weight", "layer2.0.downsample.1.bias"}
    assert report.unexpected == ("head.2.bias",)


class Dangerous:
    def __reduce__(self):
        return (print, ("code was run",))


def bad_file(kind, whole):
    if kind == "text":
        return b"not weights"
    if kind == "empty":
        return b""
    if kind == "pickle":
        return pickle.dumps({"fc.weight": Dangerous()}, protocol=2)
    return whole[: len(whole) // 2]


@pytest.mark.parametrize("kind", ["text", "empty", "cut off", "pickle"])
def test_bad_files(trained, tmp_path, capsys, kind):
    buffer = io.BytesIO()
    torch.save(trained.state_dict(), buffer)
    path = tmp_path / "weights.pt"
    path.write_bytes(bad_file(kind, buffer.getvalue()))
    network = make()
    with pytest.raises(ValueError, match=r"weights\.pt .*(cannot be read|was not read)"):
        load_weights(network, path)
    assert "code was run" not in capsys.readouterr().out
    assert torch.equal(network.fc.weight, make().fc.weight)


def test_other_bad_input(trained, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file of weights .*none\.pt"):
        load_weights(trained, tmp_path / "none.pt")
    path = saved({"epoch": 3}, tmp_path / "w.pt")
    with pytest.raises(ValueError, match=r"w\.pt has no weights"):
        load_weights(trained, path)
    saved([torch.zeros(2)], path)
    with pytest.raises(ValueError, match=r"w\.pt has no weights"):
        load_weights(trained, path)
    saved({"a.b": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match=r"No parameter of SmallCNN3d is in .* a\.b; .*mapping="):
        load_weights(trained, path)
    with pytest.raises(ValueError, match=r"mapping=.simclr. must be one of \['anatcl', 'yaware'\]"):
        load_weights(trained, path, mapping="simclr")


def test_two_weights_of_one_name(tmp_path):
    """A classifier and a projection head, of which one would replace the other."""
    weights = {"hidden_representation.weight": torch.zeros(2), "classifier.weight": torch.ones(2)}
    path = saved(weights, tmp_path / "w.pt")
    with pytest.raises(ValueError, match=r"'hidden_representation.weight' and 'classifier.weight'"):
        load_weights(make(), path, mapping="yaware")
