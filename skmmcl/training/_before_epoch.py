"""Steps of a network on all subjects between epochs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback

from skmmcl.training._callbacks import represent


class BeforeEpoch(Callback):
    """Show a network all subjects before each epoch.

    Its method ``before_epoch`` gets their representations and may change, in place, what terms
    see as "targets": this is the expectation step of an expectation-maximization, whose
    maximization step is the epoch. The network keeps what it has to remember as its own state.
    """

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, **kwargs: Any) -> None:
        data = dataset_train.data
        h = represent(net, replace(dataset_train, rows=np.arange(len(data))))
        with torch.no_grad():
            net.module_.before_epoch(
                torch.as_tensor(h, device=data.y.device),
                torch.as_tensor(dataset_train.rows, device=data.y.device),
                data.targets,
                data.sample_weight,
                len(net.history) - 1,
            )
