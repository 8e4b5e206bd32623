"""Networks in plain torch: encoders, projection heads, and the multiview network.

An encoder is built as ``Encoder(shape, n_components)`` where ``shape`` is the shape of one
subject, and maps (n_samples, *shape) to (n_samples, n_components).
"""

from skmmcl.networks._attention import ConnectomeAttention
from skmmcl.networks._encoders import encoder_by_shape, make_encoder
from skmmcl.networks._mlp import MLP, ProjectionHead
from skmmcl.networks._multiview import MultiviewNetwork
from skmmcl.networks._shortcut import LinearShortcut
from skmmcl.networks._standardize import PrincipalSpan, Standardize

__all__ = [
    "ConnectomeAttention",
    "LinearShortcut",
    "MLP",
    "MultiviewNetwork",
    "PrincipalSpan",
    "ProjectionHead",
    "Standardize",
    "encoder_by_shape",
    "make_encoder",
]
