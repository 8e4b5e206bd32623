"""Inspection of what a fitted model relies on."""

from skmmcl.inspection._contrast import GroupContrast, group_contrast
from skmmcl.inspection._importance import modality_importance
from skmmcl.inspection._links import LatentLinks, latent_links
from skmmcl.inspection._maps import maps_to_image
from skmmcl.inspection._plot import plot_group_contrast, plot_latent_links, plot_saliency
from skmmcl.inspection._saliency import saliency

__all__ = [
    "GroupContrast",
    "LatentLinks",
    "group_contrast",
    "latent_links",
    "maps_to_image",
    "modality_importance",
    "plot_group_contrast",
    "plot_latent_links",
    "plot_saliency",
    "saliency",
]
