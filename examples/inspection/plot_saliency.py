"""
Which places of the brain a latent dimension reads
==================================================

An embedder has told patients from controls; a reader wants to know where it looked. From the fitted
model we go back to the voxels: saliency of single latent dimensions, their difference between
groups, and dimensions of two modalities that respond to the same place.
"""

# %%
# A cohort with planted places
# ----------------------------
# Two images of 120 subjects on one grid. Both show two things at the same places, the first of them
# more in patients: that is what the embedder should find. Each image also has a place of its own,
# which varies as much and has nothing to do with the other image or the group.
import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import gaussian_filter
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from skmmcl import CMCCSSEmbedder, MultimodalData
from skmmcl.inspection import (
    group_contrast,
    latent_links,
    plot_group_contrast,
    plot_latent_links,
    plot_saliency,
    saliency,
)

rng = np.random.default_rng(0)
n_subjects, side = 120, 16
affine = np.array([[8.0, 0, 0, -60], [0, 8, 0, -75], [0, 0, 8, -50], [0, 0, 0, 1]])
y = np.arange(n_subjects) % 2
grid = np.moveaxis(np.indices((side,) * 3), 0, -1)


def blob(center):
    """One in the middle, half as much two voxels away."""
    return np.exp2(-((np.linalg.norm(grid - center, axis=-1) / 2) ** 2))


brain = np.linalg.norm((grid - 7.5) / [7, 7.5, 6.5], axis=-1) < 1
illness = y + rng.normal(scale=0.5, size=n_subjects)
other = rng.normal(size=n_subjects)
shared = np.multiply.outer(illness, blob([5, 8, 8])) + np.multiply.outer(other, blob([8, 3, 6]))
own_places = {"t1": blob([11, 11, 9]), "falff": blob([7, 12, 10])}
volumes = {}
for name, own_place in own_places.items():
    own = np.multiply.outer(rng.normal(size=n_subjects), own_place)
    noise = gaussian_filter(rng.normal(size=shared.shape), (0, 1, 1, 1))
    volumes[name] = (brain * (1 + shared + own + 2 * noise)).astype(np.float32)
X = MultimodalData(volumes)
train, test = slice(0, 80), slice(80, None)

# %%
# Train, and find the dimensions that matter
# ------------------------------------------
# The saliency is of subjects who did not train the encoders. Of the representation of the first
# image we take the dimension that speaks most for a patient, and the one that speaks most against:
# those with the largest positive and negative coefficient of a logistic regression.
embedder = CMCCSSEmbedder(
    n_components=3,
    css_weight=0.3,
    max_epochs=40,
    batch_size=20,
    weight_decay=0.1,  # or the maps would still show the noise of the first weights
    random_state=0,
)
Z_train = embedder.fit_transform(X[train], y[train])
scaler = StandardScaler().fit(Z_train)
classifier = LogisticRegression().fit(scaler.transform(Z_train), y[train])
print(f"accuracy: {classifier.score(scaler.transform(embedder.transform(X[test])), y[test]):.2f}")
of_t1 = np.char.startswith(embedder.get_feature_names_out().astype(str), "t1")
coefficients = classifier.coef_[0, of_t1]
for_patient, against = int(np.argmax(coefficients)), int(np.argmin(coefficients))
print(f"t1: dimension {for_patient} speaks for a patient, {against} against")

# %%
# Saliency
# --------
# :func:`~skmmcl.inspection.saliency` gives a map for each dimension and subject: the gradient,
# averaged over small random changes of the image. With ``rescale=False`` the sign is kept.
maps = saliency(embedder, X[test], modality="t1", mask=brain, rescale=False, random_state=0)
plot_saliency(
    maps[for_patient], affine, cut_coords=(-20, -11, 14), title=f"t1, dimension {for_patient}"
)
plt.show()

# %%
# Where groups differ
# -------------------
# Voxel by voxel, the maps of patients and controls are compared by ranks. The map of a dimension
# differs between subjects only as far as the network is not linear; the images themselves can be
# compared in the same way.
for values, what in ((maps[for_patient], "saliency"), (X[test]["t1"], "image")):
    contrast = group_contrast(values, np.where(y[test] == 1, "patient", "control"), mask=brain)
    print(f"{what}: {np.sum(contrast.q_values < 0.05)} voxels with q < 0.05")
plot_group_contrast(contrast, affine, alpha=0.05, cut_coords=(-20, -11, 14))
plt.show()

# %%
# Links between modalities
# ------------------------
# Dimensions of the two images whose maps are alike respond to the same place.
links = latent_links(
    maps,
    saliency(embedder, X[test], modality="falff", mask=brain, rescale=False, random_state=0),
    mask=brain,
)
plot_latent_links(links, names=("t1", "falff"))
plt.show()
links.strongest(3)
