"""
Look at augmentations before training
=====================================

:mod:`skmmcl.augmentation` changes the volumes of a batch at random, each by
a draw of its own. :func:`~skmmcl.augmentation.plot_augmentation` shows what
training may see of a subject. Look at it before you train: a change that
hides what you look for does harm.
"""

# %%
# A subject
# ---------
# The MNI template that nilearn ships, at 3 mm with zeros outside the head,
# and a bright box in its left hemisphere.
import matplotlib.pyplot as plt
import numpy as np
from nilearn.datasets import load_mni152_template

from skmmcl import MultimodalData
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
    default_augmentation,
    plot_augmentation,
)

template = load_mni152_template(resolution=3).get_fdata(dtype=np.float32)
template[18:24, 36:42, 28:36] = template.max()
X = MultimodalData(t1=template[None])

# %%
# The default chain
# -----------------
# Each step changes a volume with probability one half, so draws differ.
plot_augmentation(X, {"t1": default_augmentation()})
plt.show()

# %%
# One change at a time
# --------------------
# Each row is one kind of change, in ranges wider than the defaults to make
# it visible. First those that move or replace tissue.
moves = {
    "Flip": Flip(p=1),
    "Shift": Shift(0.2, p=1),
    "ResizedCrop": ResizedCrop((0.6, 0.8), p=1),
    "Cutout": Cutout((0.3, 0.4), p=1),
    "PatchSwap": PatchSwap(0.2, p=1),
}
plot_augmentation(dict.fromkeys(moves, template[None]), moves)
plt.show()

# %%
# A flip looks harmless but exchanges the hemispheres. The default chain has
# no flip.
#
# Then those that imitate differences between scanners.
intensities = {
    "GaussianNoise": GaussianNoise((0.2, 0.4), p=1),
    "GaussianBlur": GaussianBlur((1.0, 2.0), p=1),
    "Intensity": Intensity(gamma=(0.4, 2.5), p=1),
    "BiasField": BiasField((-0.5, 0.5), p=1),
}
plot_augmentation(dict.fromkeys(intensities, template[None]), intensities)
plt.show()

# %%
# Two modalities that move together
# ---------------------------------
# Modalities in one tuple get the same draw: both are moved by the same
# shift, and the same box is cut out of both. Noise is then added to the
# first alone. An embedder takes the same dict as its parameter ``augment``.
X = X.assign(
    {
        "inverted": (template.max() - template)[None]
        * (template > 0.1 * template.max())
    }
)
augment = {
    ("t1", "inverted"): Compose(
        [Shift(0.15, p=1), Cutout((0.3, 0.4), p=1)]
    ),
    "t1": GaussianNoise((0.3, 0.3), p=1),
}
plot_augmentation(X, augment, n_draws=3, random_state=18)
# sphinx_gallery_thumbnail_number = 2
plt.show()
