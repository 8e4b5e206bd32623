"""Cohorts: simulated ones with known factors, and loaders of open ones."""

from skmmcl.datasets._cohorts import fetch_ms_multilayer, fetch_nspn
from skmmcl.datasets._cohorts_abide import fetch_abide
from skmmcl.datasets._cohorts_small import fetch_enigma_example, fetch_tcga_breast, fetch_uci_digits
from skmmcl.datasets._cohorts_tables import (
    fetch_aomic_piop2,
    fetch_fcon1000,
    fetch_ixi,
    fetch_soop,
)
from skmmcl.datasets._simulate import make_cohort
from skmmcl.datasets._subtypes import make_subtypes
from skmmcl.datasets._trifeature import make_trifeature

__all__ = [
    "fetch_abide",
    "fetch_aomic_piop2",
    "fetch_enigma_example",
    "fetch_fcon1000",
    "fetch_ixi",
    "fetch_ms_multilayer",
    "fetch_nspn",
    "fetch_soop",
    "fetch_tcga_breast",
    "fetch_uci_digits",
    "make_cohort",
    "make_subtypes",
    "make_trifeature",
]
