"""The callbacks of the engine, and the representations that they use."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from skorch.callbacks import Callback, EarlyStopping
from tqdm.auto import tqdm

from skmmcl.training._stored import StoredRows

N_ROWS = 1024
N_VOXELS = 2**22  # of volumes, whose feature maps hold many times as many numbers


def represented(
    net: Any, subjects: Any, n_rows: int | None = None
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield rows, and their representations (n_views, n_rows, n_components), by large batches."""
    net.module_.eval()
    sources, mask = subjects.data.x, subjects.data.mask
    everyone = torch.as_tensor(subjects.rows, device=subjects.data.y.device)
    batches = everyone.split(n_rows or _n_rows(sources))
    for source in sources.values():
        if isinstance(source, StoredRows):
            source.expect(batches)
    start = 0
    for rows in batches:
        with torch.inference_mode():
            x = {name: source[rows] for name, source in sources.items()}
            h = _encode(net.module_, x, None if mask is None else mask[rows])
        yield slice(start, start + len(rows)), h.cpu().numpy()
        start += len(rows)


def _n_rows(sources: Mapping[str, Any]) -> int:
    """Return the number of subjects that are encoded at once."""
    volumes = [math.prod(source.shape[1:]) for source in sources.values() if len(source.shape) > 3]
    return max(1, min(N_ROWS, N_VOXELS // max(volumes, default=1)))


def _encode(module: Any, x: dict[str, torch.Tensor], mask: torch.Tensor | None) -> torch.Tensor:
    if not hasattr(module, "encode_lanes"):
        return module.encode(x)
    mask = None if mask is None else mask[None]
    return module.encode_lanes({name: value[None] for name, value in x.items()}, mask)[0]


def represent(net: Any, subjects: Any, n_rows: int | None = None) -> np.ndarray:
    """Encode subjects in large batches, to (n_views, n_samples, n_components)."""
    whole = np.empty(0)
    for part, h in represented(net, subjects, n_rows):
        if not whole.size:
            whole = np.empty((h.shape[0], len(subjects), h.shape[2]), dtype=h.dtype)
        whole[:, part] = h
    return whole


class TrainingDone(KeyboardInterrupt):
    """Signal that a callback ends the training; skorch itself raises KeyboardInterrupt for it."""


class BestEpoch(EarlyStopping):
    """Stop when the monitored value no longer improves, and keep the best weights."""

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()  # includes the best weights, which a checkpoint needs
        if weights := state.get("best_model_weights_"):
            state["best_model_weights_"] = {name: value.cpu() for name, value in weights.items()}
        return state

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        try:
            super().on_epoch_end(net, **kwargs)
        except KeyboardInterrupt:
            raise TrainingDone from None
        if self.misses_ == 0:  # skorch would copy the whole stack that the weights are views of
            state = net.module_.state_dict()
            self.best_model_weights_ = {name: value.clone() for name, value in state.items()}

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        if self.best_model_weights_ and self.misses_:
            net.module_.load_state_dict(self.best_model_weights_)
        self.best_model_weights_ = {}


class Progress(Callback):
    """A progress bar over the epochs of a fit."""

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        if not hasattr(self, "bar_"):
            done = len(net.history) - 1
            self.bar_ = tqdm(total=done + net.epochs_left_, initial=done, unit="epoch")

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        self.bar_.update()
        self.bar_.set_postfix(loss=f"{net.history[-1, 'train_loss']:.3f}")

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        if hasattr(self, "bar_"):  # no epoch may have begun
            self.bar_.close()
            del self.bar_

    def __getstate__(self) -> dict[str, Any]:
        return {}


class ProbeScore(Callback):
    """Balanced accuracy of a linear probe: fitted on training, scored on held-out subjects."""

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        for part, subjects in zip(("training", "validation"), X, strict=True):
            n_classes = len(np.unique(subjects.codes[subjects.codes >= 0]))
            if n_classes < 2:
                raise ValueError(
                    "monitor='probe' needs labeled subjects of at least two classes among those "
                    f"for {part}, found {n_classes}. Set a larger validation_fraction, or "
                    "monitor='loss'."
                )

    def on_epoch_end(
        self, net: Any, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any
    ) -> None:
        (x_train, y_train), (x_valid, y_valid) = (
            self._labeled(net, subjects) for subjects in (dataset_train, dataset_valid)
        )
        probe = LogisticRegression(class_weight="balanced", max_iter=200)
        center, scale = x_train.mean(0), x_train.std(0) + 1e-8
        probe.fit((x_train - center) / scale, y_train)
        predicted = probe.predict((x_valid - center) / scale)
        # The balanced accuracy, without a warning where no subject of a rare class is held out.
        score = recall_score(y_valid, predicted, labels=np.unique(y_valid), average="macro")
        net.history.record("valid_probe", float(score))

    def _labeled(self, net: Any, subjects: Any) -> tuple[np.ndarray, np.ndarray]:
        y = subjects.codes
        h = represent(net, subjects).transpose(1, 0, 2)
        return h.reshape(len(y), -1)[y >= 0], y[y >= 0]
