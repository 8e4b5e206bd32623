"""What the drivers of all peers share. Runs in a peer's environment: torch and numpy alone."""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def run(fit, version: str) -> None:
    """Time ``fit(views, y, settings)`` after a short fit that warms up; print JSON."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    settings = json.loads(sys.argv[1])
    with np.load(settings["data"]) as file:
        views, y = [file["first"], file["second"]], file["y"]
    fit(views, y, {**settings, "epochs": 1})
    start = time.process_time()
    fit(views, y, settings)
    print(json.dumps({"cpu_seconds": time.process_time() - start, "version": version}))


def allow_torchvision_without_operators() -> None:
    """Let torchvision be imported where its build does not match that of torch.

    It is imported by packages whose transforms of images are not used here.
    """
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in [name for name in sys.modules if name.startswith("torchvision")]:
            del sys.modules[name]
        KEPT.append(torch.library.Library("torchvision", "DEF"))
        for name in ("nms", "qnms"):
            KEPT[-1].define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


def encoder(n_in: int, settings: dict) -> nn.Module:
    """The encoder that all have."""
    hidden, width = settings["hidden"], settings["n_components"]
    return nn.Sequential(nn.Linear(n_in, hidden), nn.ReLU(), nn.Linear(hidden, width))


def loader(views, y, settings: dict) -> DataLoader:
    """Batches of both views, and of labels if there are any."""
    tensors = [torch.as_tensor(array) for array in (*views, y) if array is not None]
    return DataLoader(TensorDataset(*tensors), settings["batch_size"], shuffle=True)


def plain_loop(views, y, settings: dict, loss) -> None:
    """A loop over epochs and batches, as the documentation of loss libraries shows it."""
    first, second = (encoder(view.shape[1], settings) for view in views)
    params = [*first.parameters(), *second.parameters()]
    optimizer = torch.optim.Adam(params, settings["lr"], weight_decay=settings["weight_decay"])
    batches = loader(views, y, settings)
    for _ in range(settings["epochs"]):
        for x_first, x_second, labels in batches:
            optimizer.zero_grad()
            loss(first(x_first), second(x_second), labels).backward()
            optimizer.step()


KEPT: list = []  # operators are there as long as their library
QUIET = {
    "accelerator": "cpu",
    "logger": False,
    "enable_progress_bar": False,
    "enable_checkpointing": False,
    "enable_model_summary": False,
}
