"""Stacked fits: scikit-learn's functions, unmodified, with many fits trained as one.

Importing it registers the joblib backend ``"skmmcl"``.
"""

from skmmcl.parallel._backend import StackingBackend
from skmmcl.parallel._context import stacked_fits
from skmmcl.parallel._dask import stack_on_dask

__all__ = ["StackingBackend", "stack_on_dask", "stacked_fits"]
