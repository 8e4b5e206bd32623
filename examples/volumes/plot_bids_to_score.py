"""
From a BIDS folder to a cross-validated score
=============================================

Gray-matter maps of ten students, two for each: the probability of gray
matter, and the same modulated by how much the subject was stretched to fit
the template. They are found in a BIDS folder, brought to coarser voxels,
put on one scale, and a pipeline on both is cross-validated.
"""

# %%
# A BIDS folder
# -------------
# If ``SKMMCL_DATA`` names a folder with them, these are ten subjects of
# AOMIC PIOP2 (Snoek et al. 2021, CC0). Otherwise ten brains are made from
# the gray-matter template of MNI152, each stretched and bent at random, so
# the example runs anywhere. The code after this part is the same for both.
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import nibabel as nib
import numpy as np
import pandas as pd
from nilearn.datasets import load_mni152_gm_template
from scipy.ndimage import gaussian_filter, map_coordinates
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl import CMCCSSEmbedder
from skmmcl.augmentation import default_augmentation, plot_augmentation
from skmmcl.preprocessing import MaskedZScore, ModalityTransformer
from skmmcl.volumes import load_bids, plot_mid_slices

PATTERN = "derivatives/vbm/subset/{{subject}}/*_label-GM_{}.nii.gz"
patterns = {
    "gm": PATTERN.format("probseg"),
    "modulated": PATTERN.format("mod"),
}


def draw_cohort(root):
    """Write two maps of ten bent templates, as the real cohort has them."""
    rng = np.random.default_rng(0)
    names = [f"sub-{k:04d}" for k in range(1, 11)]
    people = pd.DataFrame({"participant_id": names, "sex": ["M", "F"] * 5})
    people.to_csv(root / "participants.tsv", sep="\t", index=False)
    template = load_mni152_gm_template(resolution=4)
    gray = template.get_fdata()
    for name in names:
        bend = gaussian_filter(
            rng.normal(size=(3, *gray.shape)), (0, 4, 4, 4)
        )
        scale = rng.normal(1, 0.04, size=3)
        center = np.reshape(gray.shape, (3, 1, 1, 1)) / 2
        place = (np.indices(gray.shape) - center) * scale[
            :, None, None, None
        ]
        bent = map_coordinates(gray, place + center + 40 * bend, order=1)
        for modality, pattern in patterns.items():
            volume = np.prod(scale) if modality == "modulated" else 1
            stem = pattern.format(subject=name)
            path = root / stem.replace("*", f"{name}_space-GM226")
            path.parent.mkdir(parents=True, exist_ok=True)
            image = (bent * volume).astype("float32")
            nib.save(nib.Nifti1Image(image, template.affine), path)


temporary = TemporaryDirectory()
root = Path(os.environ.get("SKMMCL_DATA", ""), "aomic_piop2")
if not (root / "derivatives").is_dir():
    root = Path(temporary.name)
    draw_cohort(root)

# %%
# Lazy modalities
# ---------------
# :func:`~skmmcl.volumes.load_bids` takes the subjects from
# ``participants.tsv``, whose columns become side data. Of the 226 subjects
# of the real one, ten have maps here; the others are left out.
X = load_bids(
    root,
    patterns,
    target_affine=8.0,
    interpolation="linear",
    cache=temporary.name,
)
X = X[X.mask.any(axis=1)]
X

# %%
# The first look reads, resamples and stores.
plot_mid_slices(X, "gm", n_subjects=5).suptitle(
    "gm: probability of gray matter"
)
plt.show()

# %%
plot_mid_slices(X, "modulated", n_subjects=5).suptitle("modulated")
plt.show()

# %%
# One scale
# ---------
# Each map is standardized by its own voxels. Volumes in files stay there,
# and are standardized whenever they are read.
scale = ModalityTransformer(dict.fromkeys(patterns, MaskedZScore()))
scaled = scale.fit_transform(X)
scaled["gm"]

# %%
# In training both maps of a subject get the same draw, because they show
# the same brain.
augment = {tuple(patterns): default_augmentation()}
plot_augmentation(scaled, augment)
plt.show()

# %%
# A pipeline
# ----------
# Each modality gets a small 3-D network, the default encoder of volumes.
# Everything is learned on training folds.
embedder = CMCCSSEmbedder(
    solver="gradient",
    n_components=8,
    augment=augment,
    max_epochs=3,
    batch_size=8,
    random_state=0,
)
pipeline = make_pipeline(
    scale, embedder, StandardScaler(), LogisticRegression()
)
sex = (X.meta["sex"] == "M").astype(int)
cv = StratifiedKFold(2, shuffle=True, random_state=0)
scores = cross_val_score(pipeline, X, sex, cv=cv, scoring="roc_auc")
print(f"{len(X)} subjects, AUC by fold: {scores.round(2)}")

# %%
# With five subjects for training and five for testing, this number means
# nothing: another ``random_state`` gives another. The same code runs on a
# cohort that is large enough.
temporary.cleanup()
