"""How alike subjects are in what is known of them: kernels in plain torch.

A kernel takes metadata of shape ``(*lanes, n_samples, n_columns)``, or (n_samples,), and gives
weights of shape ``(*lanes, n_samples, n_samples)``. It is never differentiated. A subject of
whom something is missing is like itself alone.
"""

from skmmcl.kernels._affinity import affinity
from skmmcl.kernels._anatomy import global_anatomy, local_anatomy
from skmmcl.kernels._bandwidth import estimate_bandwidth
from skmmcl.kernels._distance import cauchy, cosine, epanechnikov, exponential, gaussian
from skmmcl.kernels._sets import delta, jaccard

__all__ = [
    "affinity",
    "cauchy",
    "cosine",
    "delta",
    "epanechnikov",
    "estimate_bandwidth",
    "exponential",
    "gaussian",
    "global_anatomy",
    "jaccard",
    "local_anatomy",
]
