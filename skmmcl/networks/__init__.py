"""Networks in plain torch: encoders and their parts.

An encoder is any module that maps (n_samples, ``*shape``) to (n_samples, n_components), where
``shape`` is the shape of one subject, or a function ``encoder(shape, n_components)`` that
builds such a module.
"""

from skmmcl.networks._alexnet import AlexNet2d
from skmmcl.networks._encoders import make_encoder
from skmmcl.networks._images import TimmEncoder
from skmmcl.networks._lanes import Laned, LaneLinear
from skmmcl.networks._mlp import MLP
from skmmcl.networks._regions import ConnectomeAttention, RegionEncoder
from skmmcl.networks._weights import WeightsReport, load_weights
from skmmcl.networks.volumes import (
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
    VolumeEncoder,
)

__all__ = [
    "AlexNet2d",
    "AlexNet3d",
    "ConnectomeAttention",
    "DCGANDecoder",
    "DCGANEncoder",
    "DenseNet3d",
    "EfficientNet3d",
    "LaneLinear",
    "Laned",
    "MLP",
    "RegionEncoder",
    "ResNet3d",
    "SFCN",
    "SmallCNN3d",
    "TimmEncoder",
    "TinyVGG3d",
    "VGG3d",
    "VolumeEncoder",
    "WeightsReport",
    "load_weights",
    "make_encoder",
]
