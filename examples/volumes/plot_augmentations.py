"""
========================
What augmentations do
========================

:mod:`skmmcl.augmentation` changes the volumes of a batch at random, each by a draw of its own.
Here each change is seen on the MNI template that nilearn ships, at ranges wider than the defaults
so that the eye sees them.
"""

# %%
# A batch
# -------
# The template at 3 mm, with zeros outside the head, and a bright box in the left hemisphere.
import matplotlib.pyplot as plt
import torch
from nilearn.datasets import load_mni152_template

from skmmcl.augmentation import (
    BiasField,
    Compose,
    Cutout,
    Flip,
    GaussianBlur,
    GaussianNoise,
    Intensity,
    PatchSwap,
    ResizedCrop,
    Shift,
    augment_batch,
    default_augmentation,
)

template = torch.tensor(load_mni152_template(resolution=3).get_fdata(), dtype=torch.float32)
template[18:24, 36:42, 28:36] = template.max()
batch = template[None]
batch.shape


def show(ax, volume, title):
    """Draw the axial slice in the middle, the left side of the head on the left."""
    middle = volume[:, :, volume.shape[2] // 2].numpy()
    ax.imshow(middle.T, origin="lower", cmap="gray", vmin=0)
    ax.set_title(title, fontsize=10)
    ax.axis("off")


# %%
# One change at a time
# --------------------
# An augmentation is called with a batch and a ``torch.Generator``, from which all draws come.
changes = {
    "Flip()": Flip(p=1),
    "Shift(0.2)": Shift(0.2, p=1),
    "ResizedCrop((0.6, 0.7))": ResizedCrop((0.6, 0.7), p=1),
    "Cutout((0.3, 0.4))": Cutout((0.3, 0.4), p=1),
    "PatchSwap(0.2)": PatchSwap(0.2, p=1),
    "GaussianNoise((0.3, 0.3))": GaussianNoise((0.3, 0.3), p=1),
    "GaussianBlur((1.5, 1.5))": GaussianBlur((1.5, 1.5), p=1),
    "Intensity(gamma=(0.5, 0.5))": Intensity(gamma=(0.5, 0.5), p=1),
    "BiasField((-0.5, 0.5))": BiasField((-0.5, 0.5), p=1),
}
fig, axes = plt.subplots(2, 5, figsize=(12, 6), layout="constrained")
show(axes.flat[0], template, "template")
for ax, (name, change) in zip(axes.flat[1:], changes.items(), strict=True):
    show(ax, change(batch, torch.Generator().manual_seed(0))[0], name)

# %%
# A flip looks harmless and is not: it exchanges the hemispheres. The default chain has none.
#
# The default chain
# -----------------
# Each step changes a volume with probability one half, so that hardly two draws are alike.
volumes = default_augmentation()(batch.expand(5, -1, -1, -1), torch.Generator().manual_seed(0))
fig, axes = plt.subplots(1, 5, figsize=(12, 3.2), layout="constrained")
for number, (ax, volume) in enumerate(zip(axes, volumes, strict=True), start=1):
    show(ax, volume, f"draw {number}")

# %%
# Two modalities that move together
# ---------------------------------
# Modalities in one tuple get the same draw: the same box is cut out of both and both are moved
# alike. Noise is then added to the first alone. An embedder takes the same dict as its parameter
# ``augment``.
x = {"t1": batch, "inverted": (template.max() - batch) * (batch > 0.1 * batch.max())}
augment = {
    ("t1", "inverted"): Compose([Shift(0.15, p=1), Cutout((0.3, 0.4), p=1)]),
    "t1": GaussianNoise((0.3, 0.3), p=1),
}
out = augment_batch(x, augment, torch.Generator().manual_seed(18))
fig, axes = plt.subplots(1, 4, figsize=(12, 4), layout="constrained")
for ax, (name, volume) in zip(axes[:2], x.items(), strict=True):
    show(ax, volume[0], name)
for ax, (name, volume) in zip(axes[2:], out.items(), strict=True):
    show(ax, volume[0], f"{name}, augmented")
