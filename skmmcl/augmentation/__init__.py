"""Random changes of batches on the device, each subject by a draw of its own."""

from skmmcl.augmentation._base import Augmentation, Compose
from skmmcl.augmentation._batch import (
    augment_batch,
    augmented_names,
    check_augment,
    is_local,
    try_augment,
)
from skmmcl.augmentation._color import ColorJitter, Grayscale
from skmmcl.augmentation._connectome import ConnectomeNoise, EdgeDropout, RegionDropout
from skmmcl.augmentation._default import default_augmentation, resolve_augment
from skmmcl.augmentation._features import FeatureDropout, FeatureNoise
from skmmcl.augmentation._geometry import Flip, ResizedCrop, Shift
from skmmcl.augmentation._intensity import BiasField, GaussianBlur, GaussianNoise, Intensity
from skmmcl.augmentation._patches import Cutout, PatchSwap
from skmmcl.augmentation._plot import plot_augmentation
from skmmcl.augmentation._published import published_augmentation
from skmmcl.augmentation._torchio import TorchIOAdapter

__all__ = [
    "Augmentation",
    "BiasField",
    "ColorJitter",
    "Compose",
    "ConnectomeNoise",
    "Cutout",
    "EdgeDropout",
    "FeatureDropout",
    "FeatureNoise",
    "Flip",
    "GaussianBlur",
    "GaussianNoise",
    "Grayscale",
    "Intensity",
    "PatchSwap",
    "RegionDropout",
    "ResizedCrop",
    "Shift",
    "TorchIOAdapter",
    "augment_batch",
    "augmented_names",
    "check_augment",
    "default_augmentation",
    "is_local",
    "plot_augmentation",
    "published_augmentation",
    "resolve_augment",
    "try_augment",
]
