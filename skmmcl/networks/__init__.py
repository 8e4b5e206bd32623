"""Networks in plain torch: encoders, projection heads, and the multiview network.

An encoder is built as ``Encoder(shape, n_components)`` where ``shape`` is the shape of one
subject, and maps (n_samples, *shape) to (n_samples, n_components). Those of this package
have an axis of lanes before that, so that several fits can be trained side by side.
"""

from skmmcl.networks._attention import ConnectomeAttention
from skmmcl.networks._encoders import encoder_by_shape, make_encoder
from skmmcl.networks._lanes import Laned, LaneLinear, has_lanes, merge_lanes
from skmmcl.networks._mlp import MLP, ProjectionHead
from skmmcl.networks._multiview import InputStage, MultiviewNetwork
from skmmcl.networks._shortcut import LinearShortcut
from skmmcl.networks._standardize import ComponentScores, Reconstruction, Standardize

__all__ = [
    "ComponentScores",
    "ConnectomeAttention",
    "InputStage",
    "LaneLinear",
    "Laned",
    "LinearShortcut",
    "MLP",
    "MultiviewNetwork",
    "ProjectionHead",
    "Reconstruction",
    "Standardize",
    "encoder_by_shape",
    "has_lanes",
    "make_encoder",
    "merge_lanes",
]
