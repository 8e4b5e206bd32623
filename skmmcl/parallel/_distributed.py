"""One fit on several GPUs or machines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import distributed as dist

from skmmcl.training._ranks import sharing_fits


@contextmanager
def distributed_fit() -> Iterator[None]:
    """Train each fit inside the block together with the other processes of ``torchrun``.

    Each process calls ``fit`` with all subjects, encodes its part of each batch, and ends with the
    same fitted estimator. Losses see the whole batch, with the negatives of all processes, and
    gradients equal those of one process, up to rounding. Without ``torchrun`` nothing changes.

    Yields
    ------
    None
        Fits inside the block are trained by all processes.

    Examples
    --------
    A script for ``torchrun --nproc_per_node=4 script.py``, which also runs alone:

    >>> from skmmcl import YAwareEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> from skmmcl.parallel import distributed_fit
    >>> X, _, _ = make_cohort(n_subjects=40, random_state=0)
    >>> embedder = YAwareEmbedder(metadata="age", max_epochs=2, random_state=0)
    >>> with distributed_fit():
    ...     embedder = embedder.fit(X)
    """
    begins = not dist.is_initialized() and int(os.environ.get("WORLD_SIZE", "1")) > 1
    if begins:
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        if dist.is_initialized():
            with sharing_fits():
                yield
        else:
            yield
    finally:
        if begins:
            dist.destroy_process_group()
