"""Networks of volumes: published sizes, local features, least sides, and what is kept apart."""

import pickle
from functools import partial

import pytest
import torch
from torch import nn

from skmmcl.networks import (
    SFCN,
    AlexNet3d,
    DCGANDecoder,
    DCGANEncoder,
    DenseNet3d,
    EfficientNet3d,
    ResNet3d,
    SmallCNN3d,
    TinyVGG3d,
    VGG3d,
    make_encoder,
)
from skmmcl.networks._encoders import POOLED
from skmmcl.networks._lanes import has_lanes
from skmmcl.networks.volumes._resnet import _Basic, _Bottleneck


def n_parameters(module):
    return sum(p.numel() for p in module.parameters())


def built_without_memory(build, *args, **options):
    with torch.device("meta"):
        return build(*args, **options)


def volumes(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("name", "n_outputs", "expected"),
    [
        ("densenet121", 1, 11_243_649),
        ("tiny_densenet", 1, 1_462_873),
        ("tiny_densenet", 1000, 1_855_480),
        ("resnet18", 1, 33_160_513),
        ("resnet34", 1, 63_470_144 + 1),  # the paper's has no bias of the output
        ("resnet50", 1, 46_157_121),
        ("resnext50", 1, 25_823_809),
        ("tiny_vgg", 1, 892_409),
        ("alexnet3d", 1, 2_562_049),
        ("vgg11", 1, 50_153_601),
        ("vgg16", 1, 66_636_225),
        ("sfcn", 1, 2_950_401),
        ("sfcn", 40, 2_952_936),
        ("efficientnet_b0", 8, 4_698_628),  # counted of the code of CMC+CSS
    ],
)
def test_published_parameter_counts(name, n_outputs, expected):
    encoder = built_without_memory(make_encoder, name, (128, 128, 128), n_outputs)
    assert n_parameters(encoder) == expected
    assert not has_lanes(encoder)


@pytest.mark.parametrize("name", ["tiny_densenet", "resnet18", "efficientnet_b0"])
def test_pooled_features_are_those_before_the_linear_map(name):
    encoder = make_encoder(f"{name}:pooled", (32, 32, 32), POOLED[name]).eval()
    x = volumes(1, 2, 32, 32, 32)
    expected = encoder.forward_local(x)[1].mean((3, 4, 5))
    torch.testing.assert_close(encoder(x), expected)


@pytest.mark.parametrize("name", sorted(set(POOLED) - {"alexnet"}))
def test_width_of_pooled_features(name):
    with torch.device("meta"):
        encoder = make_encoder(f"{name}:pooled", (32, 32, 32), POOLED[name])
        assert encoder(torch.zeros(1, 2, 32, 32, 32)).shape == (1, 2, POOLED[name])
    with pytest.raises(ValueError, match=f"'{name}:pooled' has {POOLED[name]} features: set n_co"):
        make_encoder(f"{name}:pooled", (32, 32, 32), 3)


def test_a_block_of_efficientnet_drops_whole_subjects():
    encoder = EfficientNet3d((32, 32, 32), 2)
    block = encoder.stage6[3].train()
    block.drop.p, x = 0.5, volumes(40, 192, 1, 1, 1)
    added = (block(x) - x).flatten(1)
    dropped = (added == 0).all(1)
    assert 0 < dropped.sum() < 40
    assert ((added != 0).all(1) | dropped).all()
    assert encoder.forward_local(volumes(2, 32, 32, 32))[1].shape == (2, 1280, 1, 1, 1)


def test_parameters_of_what_yaware_and_anatcl_pretrained():
    yaware = built_without_memory(DenseNet3d, (128,) * 3, 512, final_norm=False)
    assert n_parameters(yaware) - n_parameters(yaware.fc) == 11_240_576
    pooled = built_without_memory(make_encoder, "densenet121:pooled", (128,) * 3, 1024)
    assert n_parameters(pooled) == 11_240_576
    assert n_parameters(yaware) + 512 * 128 + 128 == 11_831_040  # with its projection head
    anatcl = built_without_memory(ResNet3d, (121, 128, 121), 512)
    assert n_parameters(anatcl) - n_parameters(anatcl.fc) == 33_160_000


def test_dcgan_as_specified():
    encoder = built_without_memory(DCGANEncoder, (64, 64, 64), 64)
    convolutions = [m for m in encoder.modules() if isinstance(m, nn.Conv3d)]
    assert [n_parameters(c) for c in convolutions] == [2048, 131_072, 524_288, 2_097_152, 1_048_576]
    assert n_parameters(encoder) == 3_804_032
    decoder = built_without_memory(DCGANDecoder, (64, 64, 64), 64)
    assert n_parameters(decoder) == 3_804_096


def test_output_activation_of_the_decoder():
    decoder = DCGANDecoder((2, 32, 32, 32), 3, width=4)
    assert decoder(volumes(2, 3)).min() < 0
    bounded = DCGANDecoder((2, 32, 32, 32), 3, width=4, output_activation=nn.Sigmoid())
    out = bounded(volumes(2, 3))
    assert out.shape == (2, 2, 32, 32, 32)
    assert 0 < out.min() < out.max() < 1


@pytest.mark.parametrize(("side", "n_features"), [(32, 128), (64, 256), (128, 512)])
def test_dcgan_has_a_level_more_for_each_doubling(side, n_features):
    encoder = built_without_memory(DCGANEncoder, (side,) * 3, 5)
    decoder = built_without_memory(DCGANDecoder, (side,) * 3, 5)
    with torch.device("meta"):
        h, local = encoder.forward_local(torch.zeros(2, side, side, side))
    assert h.shape == (2, 5)
    assert local.shape == (2, 128, *(side // 8,) * 3)
    assert decoder(h).shape == (2, side, side, side)
    assert encoder.get_submodule(f"norm{side.bit_length() - 4}").num_features == n_features


SMALLEST = {
    "small_cnn": (SmallCNN3d, 1, 16),
    "densenet": (partial(DenseNet3d, blocks=(1, 1, 1, 1), growth=4), 29, 15),
    "tiny_densenet": (partial(DenseNet3d, blocks=(1, 1, 1), growth=4), 13, 23),
    "resnet18": (ResNet3d, 1, 512),
    "vgg11": (VGG3d, 16, 512),
    "sfcn": (SFCN, 32, 64),
    "tiny_vgg": (TinyVGG3d, 32, 128),
    "alexnet3d": (AlexNet3d, 33, 128),
    "resnext50": (partial(ResNet3d, depth=50, groups=32, width_per_group=4), 1, 2048),
}


@pytest.mark.parametrize("name", SMALLEST)
def test_least_side_and_local_features(name):
    build, side, n_features = SMALLEST[name]
    shape = (2, side, side + 3, side)
    encoder = built_without_memory(build, shape, 3)
    with torch.device("meta"):
        h, local = encoder.forward_local(torch.zeros(5, *shape))
        assert encoder(torch.zeros(5, *shape)).shape == h.shape == (5, 3)
    assert local.shape[:2] == (5, n_features)
    assert local.dim() == 5
    if side > 1:
        with pytest.raises(ValueError, match=f"sides of at least {side} voxels"):
            build((side - 1, side, side), 3)


@pytest.mark.parametrize("shape", [(8, 8), (1, 1, 8, 8, 8)])
def test_volumes_only(shape):
    with pytest.raises(ValueError, match=r"ResNet3d takes volumes of shape \(depth"):
        ResNet3d(shape, 2)


def test_a_layer_of_local_features_that_is_missing():
    encoder = SmallCNN3d((8, 8, 8), 2)
    encoder.local_layer = "conv9"
    with pytest.raises(
        ValueError, match=r"local_layer='conv9' is none of the layers of SmallCNN3d"
    ):
        encoder.forward_local(torch.zeros(1, 8, 8, 8))


def test_options_that_are_none():
    with pytest.raises(ValueError, match=r"depth=101 must be one of \[18, 34, 50\]"):
        ResNet3d((8, 8, 8), 2, depth=101)
    with pytest.raises(ValueError, match="need depth=50, not depth=18"):
        ResNet3d((8, 8, 8), 2, groups=32)
    with pytest.raises(ValueError, match="width=12 must be a multiple of 8"):
        SmallCNN3d((8, 8, 8), 2, width=12)


def test_local_features_are_those_on_the_way():
    encoder = DCGANEncoder((32, 32, 32), 4, width=8).eval()
    x = volumes(3, 32, 32, 32)
    h, local = encoder.forward_local(x)
    torch.testing.assert_close(h, encoder(x))
    before = x.unsqueeze(1)
    for name, layer in encoder.named_children():
        before = layer(before)
        if name == "conv2":
            break
    torch.testing.assert_close(local, before)
    assert local.min() < -0.1  # neither normalized nor rectified
    encoder.local_layer = "conv1"
    assert encoder.forward_local(x)[1].shape == (3, 16, 8, 8, 8)


def test_local_features_through_a_lane():
    h, local = make_encoder("small_cnn", (9, 9, 9), 2).forward_local(volumes(1, 3, 9, 9, 9))
    assert h.shape == (1, 3, 2)
    assert local.shape == (1, 3, 32, 3, 3, 3)


def test_axis_of_channels_makes_no_difference():
    with_axis, without = SmallCNN3d((1, 6, 7, 6), 2), SmallCNN3d((6, 7, 6), 2)
    without.load_state_dict(with_axis.state_dict())
    x = volumes(3, 6, 7, 6)
    assert torch.equal(with_axis(x.unsqueeze(1)), without(x))


def test_small_cnn_maps_each_subject_by_itself():
    encoder, x = SmallCNN3d((9, 8, 9), 4), volumes(4, 9, 8, 9)
    torch.testing.assert_close(encoder(x)[:1], encoder(x[:1]))
    moved = x.roll(4, dims=1)  # the place of a feature counts
    assert (encoder(moved) - encoder(x)).abs().max() > 0.01


@pytest.mark.parametrize(("kind", "n_out"), [(_Basic, 4), (_Bottleneck, 16)])
def test_residual_block_adds_to_its_input(kind, n_out):
    same, halved = kind(n_out, 4, stride=1), kind(6, 4, stride=2)
    x, narrower = volumes(2, n_out, 5, 5, 5), volumes(2, 6, 5, 5, 5)
    assert halved(narrower).shape == (2, n_out, 3, 3, 3)
    assert not torch.allclose(same(x), x.relu())
    for block in (same, halved):
        last = list(block.children())[-1]
        nn.init.zeros_(last.weight)
    torch.testing.assert_close(same(x), x.relu())
    torch.testing.assert_close(halved(narrower), halved.downsample(narrower).relu())


def test_dense_layers_read_all_before_them():
    block = DenseNet3d((13, 13, 13), 2, blocks=(2, 1, 1), growth=4).denseblock1.eval()
    x = volumes(2, 64, 4, 4, 4)
    first = block.denselayer1([x])
    second = block.denselayer2([x, first])
    torch.testing.assert_close(block(x), torch.cat([x, first, second], dim=1))


def test_checkpointing_changes_neither_gradients_nor_statistics():
    kept, again = (
        DenseNet3d((13, 13, 13), 2, blocks=(2, 1, 1), growth=4, checkpointing=checkpointing)
        for checkpointing in (False, True)
    )
    again.load_state_dict(kept.state_dict())
    x = volumes(3, 13, 13, 13)
    n_kept = []
    for encoder in (kept, again):
        saved = []
        with torch.autograd.graph.saved_tensors_hooks(saved.append, lambda packed: packed):
            encoder(x)
        n_kept.append(sum(tensor.numel() for tensor in saved))
        encoder(x).square().sum().backward()
    assert n_kept[1] < n_kept[0]
    for name, parameter in kept.named_parameters():
        torch.testing.assert_close(again.get_parameter(name).grad, parameter.grad)
    for name, statistics in kept.named_buffers():
        assert torch.equal(again.get_buffer(name), statistics), name
    assert again.denseblock1.denselayer1.norm1.momentum == 0.1


def test_encoders_are_pickled():
    encoder = SmallCNN3d((5, 5, 5), 2)
    assert torch.equal(pickle.loads(pickle.dumps(encoder)).fc.weight, encoder.fc.weight)
