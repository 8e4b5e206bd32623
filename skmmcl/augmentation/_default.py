"""A usual chain of augmentations for each kind of modality."""

from __future__ import annotations

from typing import Literal, get_args

from skmmcl.augmentation._base import Compose, Transform
from skmmcl.augmentation._connectome import ConnectomeNoise, EdgeDropout, RegionDropout
from skmmcl.augmentation._features import FeatureDropout, FeatureNoise
from skmmcl.augmentation._geometry import Flip, ResizedCrop, Shift
from skmmcl.augmentation._intensity import BiasField, GaussianBlur, GaussianNoise, Intensity
from skmmcl.augmentation._patches import Cutout

Kind = Literal["volume", "image", "vector", "connectome"]


def default_augmentation(kind: Kind = "volume", *, flips: bool = False) -> Compose:
    """Make a usual chain of augmentations for a kind of modality.

    Each step changes a subject with probability one half, by its default ranges.

    Parameters
    ----------
    kind : {"volume", "image", "vector", "connectome"}, default="volume"
        What a subject is: a volume (..., i, j, k), an image (..., height, width), a vector
        (n_features,) or a symmetric matrix (n_regions, n_regions).
    flips : bool, default=False
        Whether volumes are also mirrored along their first axis and images along their last. Off,
        because that destroys what differs between left and right.

    Returns
    -------
    Compose
        The chain.

    Raises
    ------
    ValueError
        If the kind is unknown, or flips are asked for where there is no side.

    Examples
    --------
    >>> from skmmcl.augmentation import default_augmentation
    >>> [type(step).__name__ for step in default_augmentation("vector").transforms]
    ['FeatureNoise', 'FeatureDropout']
    """
    if kind not in get_args(Kind):
        raise ValueError(f"kind must be one of {list(get_args(Kind))}, got {kind!r}.")
    spatial_dims = {"volume": 3, "image": 2}.get(kind)
    if spatial_dims is not None:
        return Compose(_spatial(spatial_dims, flips=flips))
    if flips:
        raise ValueError(f"flips are for volumes and images, not for kind={kind!r}.")
    if kind == "vector":
        return Compose([FeatureNoise(), FeatureDropout()])
    return Compose([ConnectomeNoise(), EdgeDropout(), RegionDropout()])


def _spatial(spatial_dims: int, *, flips: bool) -> list[Transform]:
    steps: list[Transform] = [
        Shift(spatial_dims=spatial_dims),
        ResizedCrop(spatial_dims=spatial_dims),
        BiasField(spatial_dims=spatial_dims),
        Intensity(),
        GaussianBlur(spatial_dims=spatial_dims),
        GaussianNoise(),
        Cutout(spatial_dims=spatial_dims),
    ]
    axis = 0 if spatial_dims == 3 else spatial_dims - 1
    return [Flip(axis, spatial_dims=spatial_dims), *steps] if flips else steps
