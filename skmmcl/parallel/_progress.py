"""A progress bar over the fits of a block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from skmmcl.parallel._tasks import TaskPool


@contextmanager
def progress_bar(pool: TaskPool) -> Iterator[None]:
    """Show the fits done, those running, and the time left, estimated from epochs."""
    from tqdm.auto import tqdm  # it warns in some notebooks, where nobody may want a bar

    with tqdm(desc="fits", unit="epoch", smoothing=0.1) as bar:

        def show() -> None:
            done, fits, total = progress(pool)
            bar.set_description(fits, refresh=False)
            bar.total = total
            bar.update(done - bar.n)

        pool.dispatch_all, pool.on_change = True, show
        try:
            yield
        finally:
            pool.dispatch_all, pool.on_change = False, lambda: None
            show()
            bar.refresh()


def progress(pool: TaskPool) -> tuple[int, str, int]:
    """Return the epochs done, the fits in words, and the epochs to do in all.

    Tasks that wait to start are assumed to ask for as many fits and epochs as the others.
    """
    with pool.changed:
        fits = [*pool.waiting, *pool.running.values()]
        n_fits = pool.n_done + len(fits)
        n_tasks = sum(len(call.pending) for call in pool.calls)
        n_started = pool.n_ended + sum(call.n_running for call in pool.calls)
        n_to_come = n_tasks * max(n_fits, 1) / max(n_started, 1)
        done = pool.epochs_done
        epochs = done + sum(fit.epochs_left for fit in fits)
        words = f"fits {pool.n_done}/{n_fits + round(n_to_come)}, {len(pool.running)} running"
    return done, words, max(round(epochs * (1 + n_to_come / max(n_fits, 1))), done)
