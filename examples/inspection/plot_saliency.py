"""
Map which places of the brain a model reads
===========================================

An embedder separates patients from controls. Which voxels does it read?
This example computes the saliency of single latent dimensions, its
difference between groups, and the dimensions of two modalities that respond
to the same place.
"""

# %%
# A cohort with planted places
# ----------------------------
# Two images of 120 subjects on one grid. Both show two effects at the same
# places; the first is stronger in patients, and is what the embedder should
# find. Each image also has a place of its own, which varies as much but is
# unrelated to the other image and to the group.
import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import gaussian_filter
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl import CMCCSSEmbedder, MultimodalData
from skmmcl.inspection import (
    group_contrast,
    latent_links,
    maps_to_image,
    plot_group_contrast,
    plot_latent_links,
    plot_saliency,
    saliency,
)

rng = np.random.default_rng(0)
n_subjects, side = 120, 16
affine = np.array(
    [[8.0, 0, 0, -60], [0, 8, 0, -75], [0, 0, 8, -50], [0, 0, 0, 1]]
)
y = np.arange(n_subjects) % 2
grid = np.moveaxis(np.indices((side,) * 3), 0, -1)


def blob(center):
    """One in the middle, half as much two voxels away."""
    return np.exp2(-((np.linalg.norm(grid - center, axis=-1) / 2) ** 2))


brain = np.linalg.norm((grid - 7.5) / [7, 7.5, 6.5], axis=-1) < 1
illness = y + rng.normal(scale=0.5, size=n_subjects)
other = rng.normal(size=n_subjects)
shared = np.multiply.outer(illness, blob([5, 8, 8])) + np.multiply.outer(
    other, blob([8, 3, 6])
)
own_places = {"t1": blob([11, 11, 9]), "falff": blob([7, 12, 10])}
volumes = {}
for name, own_place in own_places.items():
    own = np.multiply.outer(rng.normal(size=n_subjects), own_place)
    noise = gaussian_filter(rng.normal(size=shared.shape), (0, 1, 1, 1))
    volumes[name] = (brain * (1 + shared + own + 2 * noise)).astype(
        np.float32
    )
X = MultimodalData(volumes)
train, test = slice(0, 80), slice(80, None)

# %%
# Train
# -----
# Subjects who did not train the encoders are inspected. A classifier on the
# representation measures its accuracy. Its coefficients show which
# dimensions speak for a patient (positive) or against (negative): these are
# the candidates to look at.
embedder = CMCCSSEmbedder(
    solver="gradient",
    n_components=3,
    css_weight=0.3,
    max_epochs=40,
    batch_size=20,
    weight_decay=0.3,  # without it maps show noise of the first weights
    random_state=0,
)
classifier = make_pipeline(StandardScaler(), LogisticRegression())
classifier.fit(embedder.fit_transform(X[train], y[train]), y[train])
print(
    "accuracy: "
    f"{classifier.score(embedder.transform(X[test]), y[test]):.2f}"
)
for name, weight in zip(
    embedder.get_feature_names_out(), classifier[-1].coef_[0], strict=True
):
    print(f"{name:8} {weight:5.2f}")

# %%
# Saliency, and links between modalities
# --------------------------------------
# :func:`~skmmcl.inspection.saliency` gives a map for each dimension and
# subject: the gradient, averaged over small random changes of the image.
# With ``rescale=False`` the sign is kept. Dimensions of the two images
# whose maps are similar respond to the same place.
maps = {
    name: saliency(
        embedder,
        X[test],
        modality=name,
        mask=brain,
        rescale=False,
        random_state=0,
    )
    for name in X.modalities
}
links = latent_links(maps["t1"], maps["falff"], mask=brain)
plot_latent_links(links, names=("t1", "falff"))
plt.show()
(strongest,) = links.strongest(1)
strongest

# %%
# The maps of the linked pair. For volumes in files, pass ``X["t1"]`` in
# place of affine and background.
background = maps_to_image(X["t1"].mean(axis=0), affine)
chosen = {"t1": strongest.a, "falff": strongest.b}
fig, axes = plt.subplots(2, 1, figsize=(8, 6))
for ax, (name, component) in zip(axes, chosen.items(), strict=True):
    plot_saliency(
        maps[name][component],
        affine,
        background=background,
        cut_coords=(-20, -11, 14),
        title=f"{name}, dimension {component}",
        axes=ax,
    )
plt.show()

# %%
# Where groups differ
# -------------------
# Voxel by voxel, patients and controls are compared by ranks: their maps,
# which differ only as far as the network is not linear, and their images.
group = np.where(y[test] == 1, "patient", "control")
fig, axes = plt.subplots(2, 1, figsize=(8, 6))
compared = {"saliency": maps["t1"][strongest.a], "image": X[test]["t1"]}
for ax, (name, values) in zip(axes, compared.items(), strict=True):
    contrast = group_contrast(
        values, group, groups=("patient", "control"), mask=brain
    )
    print(
        f"{name}: {np.sum(contrast.q_values < 0.05)} of {brain.sum()} "
        "voxels with q < 0.05"
    )
    plot_group_contrast(
        contrast,
        affine,
        background=background,
        cut_coords=(-20, -11, 14),
        axes=ax,
    )
# sphinx_gallery_thumbnail_number = 2
plt.show()
