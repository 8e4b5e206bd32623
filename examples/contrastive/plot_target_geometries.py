"""
Compute the optimum of a loss without training
==============================================

The labels alone define the optimum of a guided loss. ``target`` computes it
in milliseconds. This example compares it with the embeddings that gradient
descent finds if it may move every subject freely.
"""

# %%
# Labels, and losses that read them
# ---------------------------------
# Sixty subjects have a class, an age and a set of labels. A loss in
# :mod:`skmmcl.losses` takes embeddings and labels; its ``target`` takes the
# labels only.

import numpy as np
import torch

from skmmcl.losses import (
    ExpRegressionLoss,
    JaccardSupConLoss,
    SoftSupConLoss,
    SupConLoss,
    ThresholdRegressionLoss,
    YAwareLoss,
    has_target,
)

rng = np.random.default_rng(0)
classes = torch.tensor(rng.permutation(np.arange(60) % 3))
age = torch.tensor(rng.uniform(20, 80, 60))
labels = torch.tensor(rng.uniform(size=(60, 3)) < 0.5)
labels[labels.sum(1) == 0, 0] = True
losses = {
    "SupCon": (SupConLoss(0.5), classes),
    "Soft SupCon": (SoftSupConLoss(0.5, epsilon=0.4), classes),
    "y-Aware": (YAwareLoss(0.5, bandwidth=20.0), age),
    "L-exp": (ExpRegressionLoss(0.1, bandwidth=10.0), age),
    "sets of labels": (
        JaccardSupConLoss(0.1, threshold=0.01),
        labels.int(),
    ),
}

# %%
# In closed form
# --------------
# Not every loss has a known optimum: L-thr is unbounded.

targets = {
    name: loss.target(y).numpy() for name, (loss, y) in losses.items()
}
for name, target in targets.items():
    print(f"{name:15} {target.shape[1]:3} columns")
print("L-thr has a target:", has_target(ThresholdRegressionLoss()))

# %%
# By gradient
# -----------
# Embeddings of twelve dimensions, one for each subject, minimize the loss
# on the sphere, from two starts. There is no encoder.


def train(loss, y, n_starts=2):
    """Find the free embeddings of the smallest loss."""
    best = np.inf, None
    for seed in range(n_starts):
        generator = torch.Generator().manual_seed(seed)
        z = torch.randn(
            len(y), 12, generator=generator, dtype=torch.float64
        ).requires_grad_()
        optimizer = torch.optim.LBFGS(
            [z], max_iter=200, line_search_fn="strong_wolfe"
        )

        def closure(z=z, optimizer=optimizer):
            optimizer.zero_grad()
            views = (
                z if isinstance(loss, SupConLoss) else z.expand(2, -1, -1)
            )
            value = loss(views, y)
            value.backward()
            return value

        optimizer.step(closure)
        value = closure().item()
        if value < best[0]:
            best = (
                value,
                torch.nn.functional.normalize(z, dim=1).detach().numpy(),
            )
    return best[1]


trained = {name: train(*args) for name, args in losses.items()}

# %%
# Side by side
# ------------
# A geometry is defined up to a rotation, so the trained embeddings are
# rotated onto the target. Linear CKA is 1 for a rotated and scaled copy.
# Two columns are shown.

import matplotlib.pyplot as plt

from skmmcl.metrics import linear_cka


def rotated(u, target):
    """Rotate centered embeddings onto a target, by Procrustes."""
    u = u - u.mean(0)
    left, _, right = np.linalg.svd(u.T @ target, full_matrices=False)
    return u @ left @ right


fig, axes = plt.subplots(2, 5, figsize=(11, 4.9), layout="constrained")
jitter = rng.normal(
    scale=0.02, size=(60, 2)
)  # collapsed points stay visible
shades = [
    classes,
    classes,
    age,
    age,
    labels.int() @ torch.tensor([1, 2, 4]).int(),
]
for column, (name, target), shade in zip(
    axes.T, targets.items(), shades, strict=True
):
    both = target, rotated(trained[name], target)
    for ax, points in zip(column, both, strict=True):
        ax.scatter(
            *(points[:, :2] + jitter).T,
            c=shade,
            cmap="viridis",
            s=22,
            ec="w",
            lw=0.4,
        )
        ax.set(
            xlim=(-1.5, 1.5),
            ylim=(-1.5, 1.5),
            aspect="equal",
            xticks=[],
            yticks=[],
        )
    column[0].set_title(name)
    column[1].set_xlabel(f"CKA {linear_cka(target, trained[name]):.3f}")
axes[0, 0].set_ylabel("target, closed form")
axes[1, 0].set_ylabel("free embeddings, trained")
plt.show()

# %%
# What follows
# ------------
# Classes are at the corners of a triangle; those of Soft SupCon are closer
# to each other. Ages lie on a line that the sphere bends. With few
# subjects, a regression onto these columns reaches what training reaches:
# see :ref:`closed_form`.
