"""3-D images in files as a modality: checked, resampled, cached, and read when needed."""

from skmmcl.volumes._bids import load_bids
from skmmcl.volumes._lazy import LazyVolumes
from skmmcl.volumes._load import load_volumes
from skmmcl.volumes._plot import plot_mid_slices

__all__ = ["LazyVolumes", "load_bids", "load_volumes", "plot_mid_slices"]
