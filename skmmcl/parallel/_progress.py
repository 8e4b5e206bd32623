"""How far the fits are, as a bar."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from skmmcl.parallel._crew import Crew


@contextmanager
def progress_bar(crew: Crew) -> Iterator[None]:
    """Show the fits done, those running, and the time left, which epochs tell better."""
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        raise ImportError("progress=True needs tqdm: pip install 'skmmcl[plot]'") from error
    with tqdm(desc="fits", unit="epoch", smoothing=0.1) as bar:

        def show() -> None:
            done, fits, total = progress(crew)
            bar.set_description(fits, refresh=False)
            bar.total = total
            bar.update(done - bar.n)

        crew.all_tasks_at_once, crew.on_change = True, show
        try:
            yield
        finally:
            crew.all_tasks_at_once, crew.on_change = False, None
            show()
            bar.refresh()


def progress(crew: Crew) -> tuple[int, str, int]:
    """Return the epochs done, the fits in words, and the epochs to do in all.

    What tasks that wait to start will ask for is taken to be what the others asked for.
    """
    with crew.changed:
        n_running = len(crew.running)
        n_fits = crew.n_done + n_running + len(crew.waiting)
        n_tasks = sum(len(pool.pending) for pool in crew.pools)
        n_to_come = n_tasks * max(n_fits, 1) / max(crew.n_started, 1)
        done, asked = crew.epochs_done, crew.epochs_asked
        words = f"fits {crew.n_done}/{n_fits + round(n_to_come)}, {n_running} running"
    total = asked * (1 + n_to_come / max(n_fits, 1))
    return done, words, max(round(total), done)
