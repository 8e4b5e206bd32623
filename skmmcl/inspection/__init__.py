"""Inspection of what a fitted model relies on."""

from skmmcl.inspection._confounds import ConfoundReport, confound_report
from skmmcl.inspection._contrast import GroupContrast, group_contrast
from skmmcl.inspection._contributions import modality_ablation, modality_shapley
from skmmcl.inspection._curve import learning_curve
from skmmcl.inspection._importance import modality_importance
from skmmcl.inspection._links import LatentLinks, latent_links
from skmmcl.inspection._maps import maps_to_image
from skmmcl.inspection._members import MemberCurve, member_curve, plot_member_curve
from skmmcl.inspection._plot import plot_group_contrast, plot_latent_links, plot_saliency
from skmmcl.inspection._plot_embedding import plot_embedding
from skmmcl.inspection._plot_models import (
    plot_history,
    plot_learning_curve,
    plot_modality_importance,
)
from skmmcl.inspection._plot_regions import plot_connectome, plot_regions
from skmmcl.inspection._reliability import plot_reliability
from skmmcl.inspection._report import write_report
from skmmcl.inspection._saliency import saliency
from skmmcl.inspection._terms import term_ablation
from skmmcl.inspection._weight_path import WeightPath, plot_weight_path, weight_path

__all__ = [
    "ConfoundReport",
    "GroupContrast",
    "LatentLinks",
    "MemberCurve",
    "WeightPath",
    "confound_report",
    "group_contrast",
    "latent_links",
    "learning_curve",
    "maps_to_image",
    "member_curve",
    "modality_ablation",
    "modality_importance",
    "modality_shapley",
    "plot_connectome",
    "plot_embedding",
    "plot_group_contrast",
    "plot_history",
    "plot_latent_links",
    "plot_learning_curve",
    "plot_member_curve",
    "plot_modality_importance",
    "plot_regions",
    "plot_reliability",
    "plot_saliency",
    "plot_weight_path",
    "saliency",
    "term_ablation",
    "weight_path",
    "write_report",
]
