"""Many fits trained as one: scikit-learn's own functions, unmodified, through joblib.

Importing it registers the joblib backend ``"skmmcl"``.
"""

from skmmcl.parallel._backend import StackingBackend
from skmmcl.parallel._context import stacked_fits

__all__ = ["StackingBackend", "stacked_fits"]
