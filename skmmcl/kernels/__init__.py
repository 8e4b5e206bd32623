"""Kernels between subjects' metadata, in plain torch.

A kernel takes metadata of shape (..., n_samples, n_columns), or (n_samples,), and returns
weights of shape (..., n_samples, n_samples). It is never differentiated. A subject with
missing metadata is similar to itself alone.
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
