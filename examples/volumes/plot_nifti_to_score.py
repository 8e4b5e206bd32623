"""
From NIfTI files to a cross-validated score
===========================================

Two kinds of 3-D images of the same subjects are in files with different
grids. They are resampled to one grid, cached, and read batch by batch while
a pipeline is cross-validated.
"""

# %%
# A cohort in files
# -----------------
# 60 subjects, half of them patients. A head is an ellipsoid, whose size and
# place differ from subject to subject; its ventricles are wider in
# patients, and so is the hole that they leave in a second, noisier image.
# That one has other voxels, and five subjects lack it. Leave this part out
# if you have files of your own.
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import nibabel as nib
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from skmmcl import CMCCSSEmbedder, MultimodalData, load_volumes
from skmmcl.volumes import plot_mid_slices

rng = np.random.default_rng(0)
n_subjects = 60
y = np.arange(n_subjects) % 2


def ellipsoid(mm, center, radii):
    """One within, 0 outside, with an edge of a few mm."""
    distance = np.sqrt((((mm - center) / radii) ** 2).sum(axis=-1))
    return 1 / (1 + np.exp(20 * (distance - 1)))


def draw_pair(is_patient, size):
    """Two images of one subject, with voxels of another size in mm."""
    center, head = rng.normal(scale=2, size=3), rng.normal([60, 75, 55], 3)
    ventricles = [9, 22, 12] * (
        1 + 0.35 * is_patient + rng.normal(scale=0.1, size=3)
    )
    images = []
    for step, noise in ((size, 0.1), (1.5 * size, 0.4)):
        n_voxels = int(160 / step)
        affine = nib.affines.from_matvec(
            step * np.eye(3), 3 * [-80 + step / 2]
        )
        grid = np.moveaxis(np.indices(3 * (n_voxels,)), 0, -1)
        mm = nib.affines.apply_affine(affine, grid)
        tissue = ellipsoid(mm, center, head) - 0.8 * ellipsoid(
            mm, center, ventricles
        )
        image = (
            tissue + rng.normal(scale=noise, size=tissue.shape)
        ).astype(np.float32)
        images.append(nib.Nifti1Image(image, affine))
    return images


folder = TemporaryDirectory()
names = [f"sub-{k:02d}" for k in range(n_subjects)]
files = pd.DataFrame(
    index=names, columns=["t1_path", "falff_path"], dtype=object
)
for name, is_patient in zip(names, y, strict=True):
    for column, image in zip(
        files, draw_pair(is_patient, size=5), strict=True
    ):
        files.loc[name, column] = Path(
            folder.name, f"{name}_{column}.nii.gz"
        )
        nib.save(image, files.loc[name, column])
files.loc[names[::12], "falff_path"] = None

# %%
# Lazy modalities
# ---------------
# :func:`~skmmcl.volumes.load_volumes` looks at the headers and reads no
# voxel yet. Both modalities get voxels of 8 mm; the masks that a real
# cohort in MNI space would have are ``mask="brain"``.
X = MultimodalData(
    {
        column.removesuffix("_path"): load_volumes(
            paths,
            target_affine=8.0,
            interpolation="linear",
            cache=Path(folder.name, "cache"),
        )
        for column, paths in files.items()
    }
)
X

# %%
# The first use reads, resamples and stores. Look at the subjects: a flipped
# or shifted image is seen at once.
figure = plot_mid_slices(X, "t1", n_subjects=6)
figure.suptitle("t1: patients are sub-01, sub-03 and sub-05")
plt.show()


# %%
# A pipeline
# ----------
# Each modality has its own small 3-D network, written here as a function to
# show how; without ``encoders`` there is a default. The next batch is read
# while the network trains on the present one.
def small_cnn(shape, n_components):
    """Three convolutions."""
    return nn.Sequential(
        nn.Unflatten(1, (1, shape[0])),
        nn.Conv3d(1, 8, 3, stride=2),
        nn.ReLU(),
        nn.Conv3d(8, 16, 3, stride=2),
        nn.ReLU(),
        nn.Conv3d(16, 32, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.LazyLinear(n_components),
    )


embedder = CMCCSSEmbedder(
    solver="gradient",
    encoders=small_cnn,
    n_components=16,
    max_epochs=8,
    batch_size=16,
    random_state=0,
)
pipeline = make_pipeline(embedder, StandardScaler(), LogisticRegression())
cv = StratifiedKFold(3, shuffle=True, random_state=0)
scores = {
    "voxels, linear": cross_val_score(
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        np.nan_to_num(np.asarray(X)),
        y,
        cv=cv,
        scoring="roc_auc",
    ),
    "contrastive": cross_val_score(
        pipeline, X, y, cv=cv, scoring="roc_auc"
    ),
}

# %%
# The score
# ---------
# Three folds of twenty subjects say little about which of the two is
# better. The point is that files go in and a score comes out, with all
# fitting done in training folds.
fig, ax = plt.subplots(figsize=(5, 3), layout="constrained")
for row, (name, values) in enumerate(scores.items()):
    ax.plot(values, np.full(len(values), row), "o", alpha=0.6)
    ax.plot(values.mean(), row, "k|", markersize=20)
    print(f"{name}: AUC {values.mean():.2f} +- {values.std():.2f}")
ax.axvline(0.5, color="gray", linestyle=":")
ax.set(
    yticks=range(len(scores)),
    yticklabels=list(scores),
    ylim=(-0.5, 1.5),
    xlim=(0.3, 1.02),
)
ax.set_xlabel("AUC on held-out subjects, by fold")
plt.show()

# %%
folder.cleanup()
