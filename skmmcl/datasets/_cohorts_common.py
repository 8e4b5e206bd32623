"""What the loaders share: reading tables, choosing the target, making the Bunch."""

from __future__ import annotations

from functools import partial
from importlib import import_module

import numpy as np
from sklearn.utils import Bunch

from skmmcl.data import MultimodalData
from skmmcl.datasets._cohorts_about import describe
from skmmcl.datasets._fetch import find_file

SEX = ["female", "male"]


def need(module: str, install: str):
    """Import an optional package, or say how to get it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(f"This cohort is read with {module}: pip install {install}.") from error


class Files:
    """The files of one folder of cohorts, found or downloaded when they are read."""

    def __init__(self, folder: str, data_home, download_if_missing: bool):
        self._folder = folder
        self._find = partial(
            find_file, data_home=data_home, download_if_missing=download_if_missing
        )

    def path(self, name: str, build=None):
        """Return where a file is; `build` makes it where it has no source of its own."""
        return self._find(f"{self._folder}/{name}", build=build)

    def table(self, name: str, **options):
        """Return a .csv or .tsv file as a DataFrame."""
        pd = need("pandas", "skmmcl[data]")
        sep = "\t" if name.endswith(".tsv") else ","
        return pd.read_csv(self.path(name), **{"sep": sep, **options})


def choose(target: str, options: dict) -> tuple[np.ndarray, list[str]]:
    """Return the values of the target and its names; `options` has both by target."""
    if target not in options:
        raise ValueError(f"target={target!r} is unknown: it is one of {', '.join(options)}.")
    values, names = options[target]
    return np.asarray(values, dtype=np.int64 if len(names) > 1 else np.float64), names


def make_bunch(cohort: str, arrays: dict, *, y: tuple, return_X_y: bool, meta=None, index=None):
    """Return what a loader returns: a Bunch, or data and target."""
    data = MultimodalData(arrays, meta=meta, index=index)
    target, names = y
    if return_X_y:
        return data, target
    return Bunch(data=data, target=target, target_names=names, DESCR=describe(cohort))
