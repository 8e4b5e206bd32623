"""Inspection of what a fitted model relies on."""

from skmmcl.inspection._contrast import GroupContrast, group_contrast
from skmmcl.inspection._importance import modality_importance
from skmmcl.inspection._links import LatentLinks, latent_links
from skmmcl.inspection._maps import maps_to_image
from skmmcl.inspection._members import MemberCurve, member_curve, plot_member_curve
from skmmcl.inspection._plot import plot_group_contrast, plot_latent_links, plot_saliency
from skmmcl.inspection._reliability import plot_reliability
from skmmcl.inspection._saliency import saliency
from skmmcl.inspection._weight_path import WeightPath, plot_weight_path, weight_path

__all__ = [
    "GroupContrast",
    "LatentLinks",
    "MemberCurve",
    "WeightPath",
    "group_contrast",
    "latent_links",
    "maps_to_image",
    "member_curve",
    "modality_importance",
    "plot_group_contrast",
    "plot_latent_links",
    "plot_member_curve",
    "plot_reliability",
    "plot_saliency",
    "plot_weight_path",
    "saliency",
    "weight_path",
]
