"""How near targets are to free embeddings in unusual settings, and to exact ones of many subjects.

    python -m benchmarks.targets    # some minutes; from the root, whose tests it uses

The figures of the user guide's page on closed forms that its table does not have; the table is
printed by ``python -m tests.losses.test_targets``.
"""

from __future__ import annotations

import numpy as np
import torch

from skmmcl.losses import ExpRegressionLoss, JaccardSupConLoss, SupConLoss, YAwareLoss, _target
from tests.losses.test_targets import cka, known_of, optimum, squares

DRAWS = (1, 2, 3)
N_MANY = 3000


def nearness(loss, *values) -> float:
    """Linear CKA of the target and of free embeddings."""
    one_view = isinstance(loss, SupConLoss)
    found = optimum(lambda z: loss(z[0] if one_view else z, *values), 60)
    return cka(loss.target(*values), found)


def unusual_settings() -> None:
    """Print the CKA where the guide says that it is lower, or may be."""
    y = torch.repeat_interleave(torch.arange(3), torch.tensor([5, 15, 40]))
    for temperature in (0.2, 0.7):
        found = nearness(SupConLoss(temperature), y)
        print(f"classes of 5, 15 and 40, temperature {temperature}: {found:.3f}", flush=True)
    draws = [known_of(seed=seed) for seed in DRAWS]
    jaccard = [nearness(JaccardSupConLoss(0.1, threshold=0.5), d["labels"]) for d in draws]
    print("Jaccard, threshold .5:", np.round(jaccard, 3), flush=True)
    wide = [nearness(ExpRegressionLoss(0.5), d["age"]) for d in draws]
    print("L-exp, temperature .5:", np.round(wide, 3), flush=True)


def landmarks() -> None:
    """Print the largest and the root mean square error, in units of the largest distance."""
    for n_columns in (1, 2):
        y = np.random.default_rng(0).normal(size=(N_MANY, n_columns)) * 10
        loss = YAwareLoss(0.1, bandwidth=5.0 * n_columns)
        found = squares(loss.target(y))
        most, _target.MOST_ROWS = _target.MOST_ROWS, N_MANY
        exact = squares(loss.target(y))
        _target.MOST_ROWS = most
        errors = (found - exact) / exact.max()
        largest, typical = errors.abs().max().item(), errors.square().mean().sqrt().item()
        print(f"{n_columns} columns: {largest:.5f} at most, {typical:.5f} rms", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    unusual_settings()
    landmarks()
