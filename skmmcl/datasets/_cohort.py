"""Base of the loaders of open cohorts: shared parameters, documentation, files, and results."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial, update_wrapper
from os import PathLike
from pathlib import Path
from textwrap import fill
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import Bunch

from skmmcl.data import MultimodalData
from skmmcl.datasets._fetch import Source, download, find_file
from skmmcl.utils._optional import import_optional

SEX = ["female", "male"]

_PARAMETERS = """\
data_home : str or path-like, default=None
    Folder to look in first, and to download to. By default ``SKMMCL_DATA`` and then the cache
    (``SKMMCL_CACHE``, else ``~/skmmcl_data``) are looked in.
download_if_missing : bool, default=True
    Whether files that are nowhere are downloaded; else they are an OSError.
return_X_y : bool, default=False
    Return ``(data, target)`` instead of a Bunch.
"""
_ENDING = """\
Notes
-----
{notes}

Terms of the data: {terms}

References
----------
{citation}

Examples
--------
>>> from skmmcl.datasets import {name}
>>> X, y = {name}(return_X_y=True)  # doctest: +SKIP
"""


class Cohort(NamedTuple):
    """Description of an open cohort, the sources of its files, and its terms."""

    title: str
    citation: str
    terms: str
    notes: str  # what the loader leaves out or recodes
    folder: str  # of the files, below the folders that are looked in
    files: Mapping[str, Source]

    def describe(self) -> str:
        """Return source, terms, citation and treatment of the cohort."""
        pinned = {f"https://github.com/{s.repo} at {s.commit}" for s in self.files.values()}
        parts = {
            "Source": "\n".join(sorted(pinned)),
            "Terms": fill(self.terms, 88),
            "Please cite": fill(self.citation, 88),
            "What the loader does": fill(self.notes, 88),
        }
        return "\n\n".join([self.title, *(f"{head}:\n{text}" for head, text in parts.items())])


class Contents(NamedTuple):
    """Modalities, target with its names, side data and ids of a cohort."""

    arrays: dict[str, Any]
    target: tuple[np.ndarray, list[str]]
    meta: dict[str, np.ndarray] | None = None
    index: Any = None


class Files:
    """The files of a cohort, found or downloaded when they are read."""

    def __init__(self, cohort: Cohort, **where: Any) -> None:
        self._cohort, self._where = cohort, where

    def path(self, name: str, build: Callable[[], bytes] | None = None) -> Path:
        """Return where a file is; `build` makes one that has no source of its own."""
        path = f"{self._cohort.folder}/{name}"
        if build is not None:
            return find_file(path, build, **self._where)
        source = self._cohort.files[name]
        return find_file(path, partial(download, source), sha256=source.sha256, **self._where)

    def table(self, name: str, **options: Any) -> Any:
        """Return a .csv or .tsv file as a DataFrame."""
        pd = need("pandas", "skmmcl[data]")
        sep = "\t" if name.endswith(".tsv") else ","
        return pd.read_csv(self.path(name), **{"sep": sep, **options})


def need(module: str, install: str) -> Any:
    """Import an optional package; if it is missing, raise an error that says how to install it."""
    advice = f"This cohort is read with {module}: pip install {install}."
    return import_optional(module, advice)


def choose(target: str, options: Mapping[str, tuple[Any, list[str]]]) -> tuple[Any, list[str]]:
    """Return the values of the target and its names; `options` has both by target."""
    if target not in options:
        raise ValueError(f"target={target!r} is unknown: it is one of {', '.join(options)}.")
    values, names = options[target]
    return np.asarray(values, dtype=np.int64 if len(names) > 1 else np.float64), names


def loader(cohort: Cohort) -> Callable[[Callable[..., Contents]], Callable[..., Any]]:
    """Make the public function of a cohort out of one that reads its files.

    The shared parameters (where files are, what is returned) are added to its signature and
    docstring, and so are the notes, terms and citation of the cohort.
    """

    def decorate(read: Callable[..., Contents]) -> Callable[..., Any]:
        def fetch(
            *,
            data_home: str | PathLike[str] | None = None,
            download_if_missing: bool = True,
            return_X_y: bool = False,
            **options: Any,
        ) -> Any:
            files = Files(cohort, data_home=data_home, download_if_missing=download_if_missing)
            arrays, (y, names), meta, index = read(files, **options)
            data = MultimodalData(arrays, meta=meta, index=index)
            if return_X_y:
                return data, y
            return Bunch(data=data, target=y, target_names=names, DESCR=cohort.describe())

        shared = [p for p in inspect.signature(fetch).parameters.values() if p.name != "options"]
        update_wrapper(fetch, read)
        del fetch.__wrapped__  # type: ignore[attr-defined]
        own = list(inspect.signature(read).parameters.values())[1:]
        keywords = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
        parameters = [*keywords, *shared]
        fetch.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        fetch.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        fetch.__doc__ = _complete(read.__doc__, read.__name__, cohort)
        return fetch

    return decorate


def _complete(docstring: str | None, name: str, cohort: Cohort) -> str | None:
    if docstring is None:  # python -OO
        return None
    before, returned = inspect.cleandoc(docstring).split("\nReturns\n")
    texts = {key: fill(getattr(cohort, key), 95) for key in ("notes", "citation")}
    ending = _ENDING.format(name=name, terms=cohort.terms, **texts)
    return f"{before}{_PARAMETERS}\nReturns\n{returned}\n\n{ending}"
