"""Metrics of representations, site effects, brain age and calibration."""

from __future__ import annotations

from skmmcl.metrics._brain_age import AgeBias, brain_age_gap, fit_age_bias
from skmmcl.metrics._brier import BrierParts, brier_decomposition
from skmmcl.metrics._calibration import (
    adaptive_calibration_error,
    expected_calibration_error,
)
from skmmcl.metrics._openbhb import openbhb_score
from skmmcl.metrics._ranks import rank_biserial
from skmmcl.metrics._similarity import linear_cka, svcca
from skmmcl.metrics._site import site_predictability, site_scorer
from skmmcl.metrics._sphere import alignment, uniformity

__all__ = [
    "AgeBias",
    "BrierParts",
    "adaptive_calibration_error",
    "alignment",
    "brain_age_gap",
    "brier_decomposition",
    "expected_calibration_error",
    "fit_age_bias",
    "linear_cka",
    "openbhb_score",
    "rank_biserial",
    "site_predictability",
    "site_scorer",
    "svcca",
    "uniformity",
]
