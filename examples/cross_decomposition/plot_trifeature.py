"""
Measure what is shared, unique and synergistic
==============================================

Two modalities may contain the same information (redundancy), each may have
information of its own (uniqueness), and both together may contain what
neither has alone (synergy). In the Trifeature study all three are known.
This example measures which of them contrastive methods learn.
"""

# %%
# The images
# ----------
# Each image shows a shape with a texture in a color. Both images of a pair,
# one above the other, show the same shape; their textures and colors are
# free.

import matplotlib.pyplot as plt
import numpy as np

from skmmcl.datasets import make_trifeature

X, tasks, truth = make_trifeature(
    500, size=96, subset="test", random_state=0
)
_, first_of_each = np.unique(tasks["R"], return_index=True)
fig, axes = plt.subplots(2, 10, figsize=(10, 2.5), layout="constrained")
for column, pair in enumerate(first_of_each):
    axes[0, column].set_title(
        truth.names["shape"][tasks["R"][pair]], fontsize=9
    )
    for row, modality in enumerate(X.modalities):
        axes[row, column].imshow(X[modality][pair].transpose(1, 2, 0))
        axes[row, column].axis("off")
plt.show()

# %%
# The tasks
# ---------
# R, redundant: the shape. U, unique: the texture of one of the images. S,
# synergistic: whether the texture of the first and the color of the second
# follow a fixed rule, which no image shows alone. As in the paper of CoMM,
# S is predicted by networks that were trained on pairs that all follow the
# rule, and R and U by networks that were trained on free pairs. No network
# sees a task.
#
# A study of large images needs a GPU. The same pairs come as vectors: ten
# numbers encode each attribute, which has five values. Noise and dropped
# features are the augmentation. All representations of a pair are 16
# numbers wide: methods with one representation per modality have eight for
# each.

from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl.augmentation import Compose, FeatureDropout, FeatureNoise
from skmmcl.cross_decomposition import CLIPEmbedder, CoMMEmbedder

augment = Compose([FeatureNoise((0.1, 0.1)), FeatureDropout((0.0, 0.8))])
common = {
    "encoders": "mlp",
    "input_components": None,
    "augment": {"first": augment, "second": augment},
    "batch_size": 128,
    "lr": 3e-3,
    "max_epochs": 20,
    "random_state": 0,
}
pairwise = {
    "negatives": "both",
    "self_weight": 1.0,
    "temperature": 0.1,
    "projection_dim": 64,
}
methods = {
    "Cross": CLIPEmbedder(n_components=8, **common),
    "Cross+Self": CLIPEmbedder(n_components=8, **pairwise, **common),
    "CoMM": CoMMEmbedder(n_components=16, **common),
}


def accuracies(embedder):
    """Balanced accuracies of a linear probe, by task."""
    found = {}
    for biased, asked in ((False, ("R", "U1", "U2")), (True, ("S",))):
        embedder.fit(
            make_trifeature(
                1000, kind="vectors", biased=biased, random_state=0
            )[0]
        )
        sets = [
            make_trifeature(
                1000, kind="vectors", subset=subset, random_state=1
            )
            for subset in ("train", "test")
        ]
        (h, y), (h_test, y_test) = (
            (embedder.transform(X), tasks) for X, tasks, _ in sets
        )
        for task in asked:
            probe = LogisticRegression(
                class_weight="balanced", max_iter=1000
            )
            predicted = (
                make_pipeline(StandardScaler(), probe)
                .fit(h, y[task])
                .predict(h_test)
            )
            found[task] = balanced_accuracy_score(y_test[task], predicted)
    return found["R"], (found["U1"] + found["U2"]) / 2, found["S"]


scores = {name: accuracies(embedder) for name, embedder in methods.items()}

# %%
# What each learns
# ----------------
# Every method finds the shape. Contrast across modalities alone (Cross, as
# in CLIP) loses most of what the other modality does not show. Contrast
# within each modality (Cross+Self) brings some of it back. Only CoMM, which
# fuses both, finds the synergy. What Cross keeps of the textures above
# chance is left over from its random initial weights.

fig, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
place = np.arange(3)
for k, (name, values) in enumerate(scores.items()):
    ax.bar(place + 0.25 * (k - 1), values, width=0.22, label=name)
for x, chance in zip(place, (0.2, 0.2, 0.5), strict=True):
    ax.plot(
        [x - 0.42, x + 0.42],
        [chance] * 2,
        "k:",
        label="chance" if x == 0 else None,
    )
ax.set_xticks(
    place, ["redundant: shape", "unique: texture", "synergistic: rule"]
)
ax.set(ylabel="balanced accuracy", ylim=(0, 1.05))
ax.legend(
    ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False
)
ax.spines[["top", "right"]].set_visible(False)
# sphinx_gallery_thumbnail_number = 2
plt.show()

# %%
# :ref:`redundant_unique_synergistic` compares the published numbers, of
# images and longer training, with ours.
