"""Batches of several fits, each with its own subjects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from skmmcl.training._batches import SubjectSet, TrainingData
from skmmcl.training._stored import StoredRows


class LaneBatches:
    """Concatenated subjects of several fits, and the batches of all lanes.

    Parameters
    ----------
    data : sequence of TrainingData
        The subjects of each fit.
    like : Tensor
        Has the type and the device of weights.
    padded : bool
        Whether batches are padded, by subjects of weight 0, to one width.
    """

    def __init__(self, data: Sequence[TrainingData], like: Tensor, *, padded: bool) -> None:
        self.padded = padded
        self.offsets = np.cumsum([0, *(len(part) for part in data)])
        self.x = {name: _concatenate([part.x[name] for part in data]) for name in data[0].x}
        self.y = _concatenate([part.y for part in data])
        self.mask = _concatenate([part.mask for part in data])
        self.targets = _concatenate([part.targets for part in data])
        weights = [part.sample_weight for part in data]
        if padded:
            weights = [
                like.new_ones(len(part)) if weight is None else weight
                for part, weight in zip(data, weights, strict=True)
            ]
        self.sample_weight = _concatenate(weights)

    def epoch(self, sets: Sequence[SubjectSet]) -> Iterator[tuple[dict[str, Any], list[int]]]:
        """Yield the batches of an epoch, and how many subjects each lane has in them."""
        dealt = [subjects.deal() for subjects in sets]
        counts = [[len(lane[s]) for lane in dealt] for s in range(len(dealt[0]))]
        if not self.padded:
            batches = [torch.as_tensor(members, device=self.y.device)[None] for members in dealt[0]]
            self._expect(batches)
            for s, rows in enumerate(batches):
                yield self._batch(rows, self._known(rows, None)), counts[s]
            return
        rows, real = self._padded(dealt, sets[0].layout[1])
        self._expect(rows)
        known = self._known(rows, real)
        for s in range(len(rows)):
            of_batch = {name: None if v is None else v[s] for name, v in known.items()}
            yield self._batch(rows[s], of_batch), counts[s]

    def _expect(self, batches: Iterable[Tensor]) -> None:
        """Let modalities in files read ahead."""
        for source in self.x.values():
            if isinstance(source, StoredRows):
                source.expect(rows.flatten() for rows in batches)

    def _padded(self, dealt: Sequence[Sequence[np.ndarray]], width: int) -> tuple[Tensor, Tensor]:
        """Return rows (n_batches, n_lanes, width) of an epoch, and which are no padding."""
        rows = np.empty((len(dealt[0]), len(dealt), width), dtype=np.int64)
        real = np.zeros(rows.shape, dtype=bool)
        for k, lane in enumerate(dealt):
            rows[:, k] = self.offsets[k]
            for s, members in enumerate(lane):
                rows[s, k, : len(members)] += members
                real[s, k, : len(members)] = True
        device = self.y.device
        return torch.as_tensor(rows, device=device), torch.as_tensor(real, device=device)

    def _known(self, rows: Tensor, real: Tensor | None) -> dict[str, Tensor | None]:
        """Return what is known of subjects besides their modalities; padding counts as nobody."""
        targets, mask, weight = (
            None if values is None else values[rows]
            for values in (self.targets, self.mask, self.sample_weight)
        )
        y: Any = self.y[rows]
        if real is not None:
            y = y.where(real, -1)
            weight = None if weight is None else weight * real
            targets = None if targets is None else targets.where(real[..., None], torch.nan)
        known = {"y": y, "targets": targets, "mask": mask, "sample_weight": weight}
        return {**known, "index": rows}

    def _batch(self, rows: Tensor, known: Mapping[str, Any]) -> dict[str, Any]:
        flat = rows.flatten()
        x = {
            name: source.index_select(0, flat).view(*rows.shape, *source.shape[1:])
            for name, source in self.x.items()
        }
        return {"x": x, **known}


def _concatenate(parts: Sequence[Any]) -> Any:
    return parts[0] if len(parts) == 1 or parts[0] is None else torch.cat(list(parts))
