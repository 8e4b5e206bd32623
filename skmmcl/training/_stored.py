"""Volumes in files, read batch by batch."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from skmmcl.data._rows import pick_rows


class StoredRows:
    """Tensor-like ``(n_samples, *shape)`` of a modality in files.

    Rows are read when they are picked. A thread reads those announced by `expect` while the batch
    before is trained on.

    Parameters
    ----------
    array : lazy array-like of shape ``(n_samples, *shape)``
        Returns rows by an array of positions.
    present : ndarray of bool (n_samples,)
        Presence of the modality; absent subjects are not read.
    fill : ndarray
        Values of absent subjects.
    dtype : torch.dtype
        Type of the rows that are returned.
    device : torch.device or str, default="cpu"
        Device of the rows that are returned.
    origin : ndarray or None, default=None
        Subtracted in float64, before any rounding.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from skmmcl.training._stored import StoredRows
    >>> rows = StoredRows(np.eye(2), np.array([True, False]), np.array(9.0), torch.float32)
    >>> rows[torch.tensor([1, 0])]
    tensor([[9., 9.],
            [1., 0.]])
    """

    def __init__(
        self,
        array: Any,
        present: np.ndarray,
        fill: np.ndarray,
        dtype: torch.dtype,
        device: torch.device | str = "cpu",
        origin: np.ndarray | None = None,
    ) -> None:
        self.array, self.present, self.origin = array, present, origin
        self.fill = fill if origin is None else fill - origin
        self.dtype, self.device = dtype, torch.device(device)
        self.shape = torch.Size(array.shape)
        self._expected: deque[np.ndarray] = deque()
        self._next: tuple[np.ndarray, Future[Tensor]] | None = None

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Tensor) -> Tensor:
        return self._pick(rows.cpu().numpy())

    def index_select(self, dim: int, rows: Tensor) -> Tensor:
        """Pick rows, as the method of a tensor does."""
        if dim:
            raise ValueError("Only rows can be picked.")
        return self[rows]

    def expect(self, batches: Iterable[Tensor]) -> None:
        """Announce the rows that will be picked, batch after batch, in place of earlier ones."""
        self._expected = deque(rows.cpu().numpy() for rows in batches)
        self._read_ahead()

    def _read_ahead(self) -> None:
        rows = self._expected.popleft() if self._expected else None
        self._next = None if rows is None else (rows, self._reader.submit(self._read, rows))

    @cached_property
    def _reader(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(1, thread_name_prefix="skmmcl-volumes")

    def _pick(self, rows: np.ndarray) -> Tensor:
        if self._next is None or not np.array_equal(self._next[0], rows):
            return self._read(rows)
        values = self._next[1].result()
        self._read_ahead()
        return values

    def _read(self, rows: np.ndarray) -> Tensor:
        present = self.present[rows]
        if present.all():
            return self._load(rows)
        fill = torch.as_tensor(self.fill).to(self.device, self.dtype)
        values = fill.expand(len(rows), *self.shape[1:]).clone()
        if present.any():
            values[torch.as_tensor(present)] = self._load(rows[present])
        return values

    def _load(self, rows: np.ndarray) -> Tensor:
        # Values stored in few bytes are cast on the device.
        stored = getattr(self.array, "storage_dtype", self.array.dtype)
        values = np.asarray(pick_rows(self.array, rows), dtype=stored)
        if self.origin is not None:
            values = subtracted(values, self.origin, str(self.dtype).removeprefix("torch."))
        return torch.as_tensor(values).to(self.device).to(self.dtype)


def subtracted(array: np.ndarray, origin: np.ndarray, dtype: str) -> np.ndarray:
    """Subtract in float64, whatever the types of input and output, without a further copy.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.training._stored import subtracted
    >>> subtracted(np.array([1e8, 1e8 + 1]), np.array(1e8), "float32")
    array([0., 1.], dtype=float32)
    """
    out = np.empty(array.shape, dtype)
    with np.errstate(over="ignore", invalid="ignore"):  # absent rows may hold anything
        return np.subtract(array, origin, out=out, dtype=np.float64, casting="unsafe")
