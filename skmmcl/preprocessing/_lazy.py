"""Transformers of single subjects on volumes that stay in their files.

Such a transformer has a class attribute ``one_by_one = True``, keeps the shape of its input, and
has ``partial_fit`` if it learns anything.
"""

import math
from functools import partial

import numpy as np

from skmmcl.data._flat import blank
from skmmcl.data._mapped import MappedRows
from skmmcl.data._rows import row_blocks
from skmmcl.preprocessing._tables import nobody_has


def stays_lazy(transformer, X, name):
    """Whether a modality can stay in its files under a transformer."""
    return getattr(transformer, "one_by_one", False) and hasattr(X.base(name), "restrict")


def fit_by_blocks(transformer, X, name):
    """Fit with a few of the subjects who have the modality in memory at a time."""
    blocks = _present_blocks(X, name)
    first = next(blocks, None)
    if first is None:
        raise nobody_has(name, transformer)
    transformer.fit(first)
    if hasattr(transformer, "partial_fit"):
        for block in blocks:
            transformer.partial_fit(block)
    return transformer


def transformed_when_read(transformer, X, name):
    """Return the modality as it will be transformed; missing stays missing."""
    present = X.mask[:, X.modalities.index(name)]
    return MappedRows(blank(X[name], present), partial(_transformed, transformer), name)


def _present_blocks(X, name):
    present = np.flatnonzero(X.mask[:, X.modalities.index(name)])
    n_values = math.prod(X.shapes[name])
    for rows in row_blocks(present, n_values * X.dtypes[name].itemsize):
        yield np.asarray(X[rows][name]).reshape(len(rows), n_values)


def _transformed(transformer, volumes):
    return transformer.transform(volumes.reshape(len(volumes), -1)).reshape(volumes.shape)
