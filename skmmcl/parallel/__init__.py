"""Stacked fits: scikit-learn's functions, unmodified, with many fits trained as one.

Importing it registers the joblib backend ``"skmmcl"``.
"""

from skmmcl.parallel._backend import StackingBackend
from skmmcl.parallel._context import stacked_fits
from skmmcl.parallel._dask import stack_on_dask
from skmmcl.parallel._distributed import distributed_fit

__all__ = ["StackingBackend", "distributed_fit", "stack_on_dask", "stacked_fits"]
