"""Fits that wait to be trained, and those for which there is memory."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING

import torch

from skmmcl.training._jobs import Job, Train

if TYPE_CHECKING:
    from skmmcl.parallel._tasks import ParallelCall


@dataclass(eq=False)
class PendingFit:
    """A fit whose thread sleeps until it is trained."""

    job: Job
    train: Train
    call: ParallelCall | None  # None in a thread that runs no task, an external one
    note: str | None = None
    error: BaseException | None = None
    thread: threading.Thread = field(default_factory=threading.current_thread)
    finished: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.epochs_left = self.job.n_epochs
        self.alone = self.job.signature is None
        # Fits of equal keys can train together.
        self.key = (
            id(self) if self.alone else (self.train, self.job.signature, str(self.job.device))
        )


def fitting(fits: list[PendingFit], room: int, at_least: int) -> list[PendingFit]:
    """Return the first fits for which there is memory."""
    needed = accumulate(fit.job.n_bytes for fit in fits)
    return fits[: max(sum(n_bytes <= room for n_bytes in needed), at_least)]


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an error is one of memory, which a smaller stack may avoid."""
    if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError):
        return True
    return "DefaultCPUAllocator" in str(error)  # torch raises a RuntimeError on the host
