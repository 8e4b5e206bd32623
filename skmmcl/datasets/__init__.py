"""Cohorts: simulated ones with known factors, and loaders of open ones."""

from skmmcl.datasets._abide import fetch_abide
from skmmcl.datasets._aomic import fetch_aomic_piop2
from skmmcl.datasets._enigma import fetch_enigma_example
from skmmcl.datasets._fcon1000 import fetch_fcon1000
from skmmcl.datasets._ixi import fetch_ixi
from skmmcl.datasets._ms_multilayer import fetch_ms_multilayer
from skmmcl.datasets._nspn import fetch_nspn
from skmmcl.datasets._simulate import make_cohort
from skmmcl.datasets._soop import fetch_soop
from skmmcl.datasets._subtypes import make_subtypes
from skmmcl.datasets._tcga_breast import fetch_tcga_breast
from skmmcl.datasets._trifeature import make_trifeature
from skmmcl.datasets._uci_digits import fetch_uci_digits

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
