"""Simulated cohorts, and open real ones."""

from skmmcl.datasets._simulate import make_cohort

__all__ = ["make_cohort"]
