"""Default chains of augmentations for each kind of modality."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, get_args

from skmmcl.augmentation._base import Compose, Transform
from skmmcl.augmentation._batch import Asked, Augment, by_name
from skmmcl.augmentation._connectome import ConnectomeNoise, EdgeDropout, RegionDropout
from skmmcl.augmentation._features import FeatureDropout, FeatureNoise
from skmmcl.augmentation._geometry import Flip, ResizedCrop, Shift
from skmmcl.augmentation._intensity import BiasField, GaussianBlur, GaussianNoise, Intensity
from skmmcl.augmentation._patches import Cutout

MOST_CHANNELS = 4  # an array with three axes and at most these first is an image, not a volume
Kind = Literal["volume", "image", "vector", "connectome"]


def default_augmentation(kind: Kind = "volume", *, flips: bool = False) -> Compose:
    """Build the default chain of augmentations for a kind of modality.

    Each step changes a subject with probability one half, within its default ranges.

    Parameters
    ----------
    kind : {"volume", "image", "vector", "connectome"}, default="volume"
        Kind of the data of one subject: a volume (..., i, j, k), an image (..., height, width), a
        vector (n_features,) or a symmetric matrix (n_regions, n_regions).
    flips : bool, default=False
        Whether volumes are also mirrored along their first axis, and images along their last. Off
        by default, because a flip destroys the differences between left and right.

    Returns
    -------
    Compose
        The chain.

    Raises
    ------
    ValueError
        If the kind is unknown, or if ``flips`` is True for vectors or connectomes.

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


def resolve_augment(
    augment: Asked,
    shapes: Mapping[str, Sequence[int]],
    compressed: Collection[str] = (),
) -> Augment | None:
    """Return the augmentation of each modality, chosen by its shape for "auto".

    Vectors and component scores get noise and lose up to 80 % of their entries, each with
    probability one half, as in CoMM :cite:p:`dufumier2025`. Square matrices get noise and lose
    connections and regions, symmetrically; other matrices get noise and lose regions. Images and
    volumes get the chain of `default_augmentation`, without flips.

    Parameters
    ----------
    augment : dict of str to callable, callable, "auto" or None
        Augmentation as the user gives it. A callable augments each modality by itself; a dict and
        None are returned unchanged.
    shapes : mapping of str to tuple
        Shape of one subject in each modality.
    compressed : collection of str, default=()
        Modalities that are augmented as component scores.

    Returns
    -------
    dict of str to callable, or None
        As `augment_batch` takes it.

    References
    ----------
    :cite:t:`dufumier2025`.

    Examples
    --------
    >>> from skmmcl.augmentation import resolve_augment
    >>> auto = resolve_augment("auto", {"fc": (90, 90)})
    >>> [type(step).__name__ for step in auto["fc"].transforms]
    ['ConnectomeNoise', 'EdgeDropout', 'RegionDropout']
    """
    if augment is None:
        return None
    if augment != "auto":
        return by_name(augment, shapes)
    return {
        name: _by_shape((1,) if name in compressed else shape) for name, shape in shapes.items()
    }


def _by_shape(shape: Sequence[int]) -> Compose:
    if len(shape) == 1:
        return Compose([FeatureNoise((0.1, 0.1)), FeatureDropout((0.0, 0.8))])
    if len(shape) == 2 and shape[0] == shape[1]:
        return Compose([ConnectomeNoise(), EdgeDropout((0.0, 0.5)), RegionDropout((0.0, 0.5))])
    if len(shape) == 2:
        return Compose([FeatureNoise(), RegionDropout((0.0, 0.5), symmetric=False)])
    is_image = len(shape) == 3 and shape[0] <= MOST_CHANNELS
    return default_augmentation("image" if is_image else "volume")


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
