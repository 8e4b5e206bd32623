"""Which of the waiting jobs make a stack, and how wide it may be."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

import torch

from skmmcl.parallel._memory import budget
from skmmcl.training._jobs import Job, Train

FRESH = 0.5  # seconds that an answer on free memory holds: asking costs a millisecond


class Member(Protocol):
    """A task whose thread is counted among those awake."""

    @property
    def cancelled(self) -> bool: ...


@dataclass(eq=False)
class Ticket:
    """A job and the thread that sleeps until it is finished."""

    job: Job
    train: Train
    member: Member | None
    error: BaseException | None = None
    alone: bool = False
    note: str | None = None
    epochs_left: int = 0
    thread: threading.Thread = field(default_factory=threading.current_thread)
    finished: threading.Event = field(default_factory=threading.Event)

    @property
    def key(self) -> Hashable:
        """Tickets of equal keys can train together."""
        if self.alone or self.job.signature is None:
            return id(self)
        return self.train, self.job.signature, str(self.job.device)


class Limits:
    """How wide a stack may be.

    Parameters
    ----------
    max_stack : int
        Largest number of lanes.
    max_bytes : int or None
        Memory of a stack; None takes a share of what is free when it starts.
    """

    def __init__(self, max_stack: int, max_bytes: int | None) -> None:
        self.max_stack, self.max_bytes = max_stack, max_bytes
        self._asked: dict[str, tuple[float, int]] = {}  # when, and what was free, by device
        self.caps: dict[Hashable, int] = {}  # lanes to try after memory ran out

    def lanes(self, key: Hashable) -> int:
        """Return the largest number of lanes of a stack."""
        alone = isinstance(key, int)
        return 1 if alone else self.caps.get(key, self.max_stack)

    def room(self, ticket: Ticket) -> int:
        """Return the memory that a stack with this ticket may take."""
        if self.max_bytes is not None:
            return self.max_bytes
        device, now = str(ticket.job.device), monotonic()
        asked, room = self._asked.get(device, (float("-inf"), 0))
        if now - asked > FRESH:
            asked, room = self._asked[device] = now, budget(device)
        return room

    def largest(self, waiting: list[Ticket]) -> tuple[list[Ticket], bool]:
        """Return the stack to start next, and whether it is full; what is full goes first."""
        groups: dict[Hashable, list[Ticket]] = {}
        for ticket in waiting:
            groups.setdefault(ticket.key, []).append(ticket)
        choices = []
        for key, group in groups.items():
            lanes = self.lanes(key)
            stack = fitting(group, lanes, self.room(group[0]))
            choices.append((stack, len(stack) == lanes or len(stack) < len(group)))
        return max(choices, key=lambda choice: (choice[1], len(choice[0])))


def fitting(group: list[Ticket], lanes: int, room: int) -> list[Ticket]:
    """Return the first jobs of a group that fit into lanes and memory, one at least."""
    stack = group[:1]
    room -= group[0].job.n_bytes
    for ticket in group[1:lanes]:
        room -= ticket.job.n_bytes
        if room < 0:
            break
        stack.append(ticket)
    return stack


def is_out_of_memory(error: Exception) -> bool:
    """Whether a smaller stack may do."""
    if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError):
        return True
    return "DefaultCPUAllocator" in str(error)  # torch raises a RuntimeError on the host
