"""Networks in plain torch: encoders, projection heads, and the multiview network.

An encoder is built as ``Encoder(shape, n_components)`` where ``shape`` is the shape of one
subject, and maps (n_samples, *shape) to (n_samples, n_components). Those of this package
have an axis of lanes before that, so that several fits can be trained side by side.
"""

from skmmcl.networks._attention import ConnectomeAttention
from skmmcl.networks._converter import TokenConverter
from skmmcl.networks._copies import CopiesNetwork
from skmmcl.networks._dcgan import DCGANDecoder, DCGANEncoder
from skmmcl.networks._decoders import MLPDecoder, make_decoder
from skmmcl.networks._densenet3d import DenseNet3d
from skmmcl.networks._encoders import encoder_by_shape, make_encoder
from skmmcl.networks._fusion import FusionNetwork
from skmmcl.networks._images import TimmEncoder
from skmmcl.networks._info_max import InfoMaxNetwork
from skmmcl.networks._lane_linear import LaneLinear, gradients_in_place
from skmmcl.networks._lanes import (
    Laned,
    LanedEncoder,
    foreign_modules,
    has_lanes,
    merge_lanes,
    of_lane,
)
from skmmcl.networks._local import LocalHead
from skmmcl.networks._mlp import MLP, ProjectionHead
from skmmcl.networks._mmvae import MMVAENetwork
from skmmcl.networks._multiview import MultiviewNetwork
from skmmcl.networks._normalized_head import NormalizedHead
from skmmcl.networks._plain3d import SFCN, VGG3d
from skmmcl.networks._prediction import PredictionNetwork
from skmmcl.networks._regions import RegionEncoder
from skmmcl.networks._resnet3d import ResNet3d
from skmmcl.networks._shortcut import LinearShortcut
from skmmcl.networks._small_cnn import SmallCNN3d
from skmmcl.networks._standardize import (
    ColumnStage,
    ComponentScores,
    InputStage,
    Reconstruction,
    Standardize,
)
from skmmcl.networks._tokens import TokenNetwork
from skmmcl.networks._transformer import FusionTransformer
from skmmcl.networks._volume_encoder import VolumeEncoder
from skmmcl.networks._weights import WeightsReport, load_weights

__all__ = [
    "ColumnStage",
    "ComponentScores",
    "ConnectomeAttention",
    "CopiesNetwork",
    "DCGANDecoder",
    "DCGANEncoder",
    "DenseNet3d",
    "FusionNetwork",
    "FusionTransformer",
    "InfoMaxNetwork",
    "InputStage",
    "LaneLinear",
    "Laned",
    "LanedEncoder",
    "LinearShortcut",
    "LocalHead",
    "MLP",
    "MLPDecoder",
    "MMVAENetwork",
    "MultiviewNetwork",
    "NormalizedHead",
    "PredictionNetwork",
    "ProjectionHead",
    "Reconstruction",
    "RegionEncoder",
    "ResNet3d",
    "SFCN",
    "SmallCNN3d",
    "Standardize",
    "TimmEncoder",
    "TokenConverter",
    "TokenNetwork",
    "VGG3d",
    "VolumeEncoder",
    "WeightsReport",
    "encoder_by_shape",
    "foreign_modules",
    "gradients_in_place",
    "has_lanes",
    "load_weights",
    "make_decoder",
    "make_encoder",
    "merge_lanes",
    "of_lane",
]
