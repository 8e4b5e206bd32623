"""Many fits at once: in stacks where a method trains, else by joblib."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from joblib.parallel import LokyBackend, get_active_backend
from sklearn.utils.parallel import Parallel

import skmmcl
from skmmcl.utils._optional import import_optional


def stacking(methods: Iterable[Any]) -> AbstractContextManager:
    """Return the context in which fits of these methods are best run.

    A backend that the caller has chosen instead of joblib's default stays in force. The root
    imports `stacked_fits` at its first use, so that methods that do not train do not load torch.
    """
    chosen = not isinstance(get_active_backend()[0], LokyBackend)
    if chosen or not any(_trains(method) for method in methods):
        return nullcontext()
    return skmmcl.stacked_fits()


def _trains(method: Any) -> bool:
    """Return whether any part of a method can train a network."""
    parts = [method, *getattr(method, "get_params", dict)().values()]
    return any(hasattr(part, "max_epochs") for part in parts)


def run(jobs: list[Any], n_jobs: int | None, *, n_done: int = 0, verbose: int = 0) -> Iterator[Any]:
    """Run delayed calls, and yield what they return as they end, with a bar if `verbose`."""
    done = Parallel(n_jobs=n_jobs, return_as="generator_unordered")(jobs)
    if not verbose:
        return done
    advice = 'verbose needs tqdm: pip install "skmmcl[plot]", or use verbose=0.'
    tqdm = import_optional("tqdm.auto", advice).tqdm
    return tqdm(done, total=n_done + len(jobs), initial=n_done, desc="compare", unit="fit")
