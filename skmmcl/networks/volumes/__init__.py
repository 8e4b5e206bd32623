"""Encoders of volumes by 3D convolutions."""

from skmmcl.networks.volumes._dcgan import DCGANDecoder, DCGANEncoder
from skmmcl.networks.volumes._densenet import DenseNet3d
from skmmcl.networks.volumes._efficientnet import EfficientNet3d
from skmmcl.networks.volumes._encoder import VolumeEncoder
from skmmcl.networks.volumes._plain import SFCN, SmallCNN3d, VGG3d
from skmmcl.networks.volumes._resnet import ResNet3d
from skmmcl.networks.volumes._shallow import AlexNet3d, TinyVGG3d

__all__ = [
    "AlexNet3d",
    "DCGANDecoder",
    "DCGANEncoder",
    "DenseNet3d",
    "EfficientNet3d",
    "ResNet3d",
    "SFCN",
    "SmallCNN3d",
    "TinyVGG3d",
    "VGG3d",
    "VolumeEncoder",
]
