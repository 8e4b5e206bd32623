"""Closed forms of terms of an objective, in plain numpy."""

from __future__ import annotations

from skmmcl.solvers._codes import simplex_codes, warn_of_lone_classes
from skmmcl.solvers._discriminant import KernelDiscriminant
from skmmcl.solvers._duplicates import find_duplicates
from skmmcl.solvers._multiset_cca import MultisetCCA

__all__ = [
    "KernelDiscriminant",
    "MultisetCCA",
    "find_duplicates",
    "simplex_codes",
    "warn_of_lone_classes",
]
