"""
From a BIDS folder to a cross-validated score
=============================================

Gray-matter maps of ten students, two for each: the probability of gray matter, and the same
modulated by how much the subject was stretched to fit the template. They are found in a BIDS
folder, brought to coarser voxels, put on one scale, and a pipeline on both is cross-validated.
"""

# %%
# A BIDS folder
# -------------
# Where ``SKMMCL_DATA`` names a folder that holds them, these are ten subjects of AOMIC PIOP2 (Snoek
# et al. 2021, CC0). Elsewhere blobs with the same file names stand in for them, so that the example
# runs anywhere; nothing after this part knows which.
import os
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

from skmmcl import CMCCSSEmbedder
from skmmcl.augmentation import default_augmentation, plot_augmentation
from skmmcl.preprocessing import MaskedZScore, ModalityTransformer
from skmmcl.volumes import load_bids, plot_mid_slices

PATTERN = "derivatives/vbm/subset/{{subject}}/*_label-GM_{}.nii.gz"
patterns = {"gm": PATTERN.format("probseg"), "modulated": PATTERN.format("mod")}


def draw_cohort(root):
    """Write two smooth blobs for each of ten subjects, in the layout of the real cohort."""
    rng = np.random.default_rng(0)
    people = pd.DataFrame({"participant_id": [f"sub-{k:04d}" for k in range(1, 11)]})
    people["sex"] = ["M", "F"] * 5
    people.to_csv(root / "participants.tsv", sep="\t", index=False)
    affine = nib.affines.from_matvec(4 * np.eye(3), [-90, -126, -72])
    grid = nib.affines.apply_affine(affine, np.moveaxis(np.indices((46, 55, 46)), 0, -1))
    for name in people["participant_id"]:
        radii, center = rng.normal([65, 80, 60], 4), rng.normal([0, -18, 18], 2)
        shell = np.exp(-20 * (np.sqrt((((grid - center) / radii) ** 2).sum(-1)) - 0.85) ** 2)
        for modality, pattern in patterns.items():
            stem = pattern.format(subject=name).replace("*", f"{name}_space-GM226")
            image = shell * (np.prod(radii) / 312_000 if modality == "modulated" else 1)
            (root / stem).parent.mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(image.astype("float32"), affine), root / stem)


temporary = TemporaryDirectory()
root = Path(os.environ.get("SKMMCL_DATA", ""), "aomic_piop2")
if not (root / "derivatives").is_dir():
    root = Path(temporary.name)
    draw_cohort(root)

# %%
# Lazy modalities
# ---------------
# :func:`~skmmcl.volumes.load_bids` takes the subjects from ``participants.tsv``, whose columns
# become side data. Of the 226 subjects of the real one, ten have maps here; the others are left
# out.
X = load_bids(root, patterns, target_affine=8.0, interpolation="linear", cache=temporary.name)
X = X[X.mask.any(axis=1)]
X

# %%
# The first look reads, resamples and stores.
plot_mid_slices(X, "gm", n_subjects=5).suptitle("gm: probability of gray matter")
plt.show()

# %%
plot_mid_slices(X, "modulated", n_subjects=5).suptitle("modulated")
plt.show()

# %%
# One scale
# ---------
# Each map is standardized by its own voxels. Volumes in files stay there, and are standardized
# whenever they are read.
scale = ModalityTransformer(dict.fromkeys(patterns, MaskedZScore()))
scaled = scale.fit_transform(X)
scaled["gm"]

# %%
# In training both maps of a subject are moved alike, since they show the same brain.
augment = {tuple(patterns): default_augmentation()}
plot_augmentation(scaled, augment)
plt.show()

# %%
# A pipeline
# ----------
# Each modality gets a small 3-D network, the default encoder of volumes. Everything is learned on
# training folds.
embedder = CMCCSSEmbedder(
    solver="gradient", n_components=8, augment=augment, max_epochs=3, batch_size=8, random_state=0
)
pipeline = make_pipeline(scale, embedder, StandardScaler(), LogisticRegression())
sex = (X.meta["sex"] == "M").astype(int)
cv = StratifiedKFold(2, shuffle=True, random_state=0)
scores = cross_val_score(pipeline, X, sex, cv=cv, scoring="roc_auc")
print(f"{len(X)} subjects, AUC by fold: {scores.round(2)}")

# %%
# With five subjects to learn from and five to be tested on, this number says nothing: another
# ``random_state`` gives another. What it takes to get a number that does say something is a longer
# ``participants.tsv``; not a line after it would change.
temporary.cleanup()
