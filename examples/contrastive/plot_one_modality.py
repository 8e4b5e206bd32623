"""
One modality: two copies of each subject, one encoder
=====================================================

Most guided contrasts were published for one kind of image. Two copies of
each subject, each changed at random, pass one encoder, and the contrast
brings the copies together. Here SimCLR, which knows nothing of the
subjects, and y-Aware, which knows their age, are trained so on measures of
regions.
"""

# %%
# A cohort with one modality
# --------------------------
# Forty measures of each of twenty regions, with an effect of age. A third
# of the subjects is new.

from skmmcl.datasets import make_cohort

X, _, _ = make_cohort(
    600,
    modalities=["smri"],
    n_rois=20,
    n_features=40,
    age_effect=0.7,
    random_state=0,
)
age = X.meta["age"]
train, new = slice(0, 400), slice(400, 600)

# %%
# What the copies are changed by
# ------------------------------
# Nothing has to be said: without ``augment`` each kind of modality has a
# usual augmentation. ``augment={"smri": ...}`` takes another one,
# ``n_views`` makes more copies. There is one encoder and one block of
# ``n_components`` columns, of the subjects as they are.

from skmmcl import SimCLREmbedder, YAwareEmbedder

settings = {"n_components": 8, "max_epochs": 30, "random_state": 0}
embedders = {
    "SimCLR": SimCLREmbedder(**settings),
    "SimCLR, decoupled": SimCLREmbedder(decoupled=True, **settings),
    "y-Aware": YAwareEmbedder(bandwidth=5.0, **settings),
}
for embedder in embedders.values():
    embedder.fit(X[train], age[train])
network = embedders["y-Aware"].net_.module_
print(f"encoders: {len(network.encoders)}, copies: {len(network.copies)}")
print(f"columns: {embedders['y-Aware'].get_feature_names_out().tolist()}")

# %%
# Age in the representation
# -------------------------
# By ridge regression on the eight columns, in new subjects, beside as many
# principal components and all 800 measures.

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

measures = FunctionTransformer(
    lambda X: np.asarray(X["smri"]).reshape(len(X), -1)
)
scaled = make_pipeline(measures, StandardScaler()).fit(X[train])
components = make_pipeline(scaled, PCA(8, random_state=0)).fit(X[train])
ridge = RidgeCV(np.logspace(-2, 5, 15))
for name, model in {
    **embedders,
    "8 components": components,
    "800 measures": scaled,
}.items():
    ridge.fit(model.transform(X[train]), age[train])
    print(
        f"{name:18} R2 {ridge.score(model.transform(X[new]), age[new]):5.2f}"  # noqa: E501
    )

# %%
# SimCLR keeps what sets subjects apart, of which age is a part; y-Aware
# keeps age. Where age is all that counts, ridge regression on all measures
# does better than eight columns: they are for what comes after them.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
for axis, name in zip(axes, ["SimCLR", "y-Aware"], strict=True):
    plane = PCA(2).fit(embedders[name].transform(X[train]))
    shown = plane.transform(embedders[name].transform(X[new]))
    points = axis.scatter(*shown.T, c=age[new], s=14)
    axis.set(title=f"{name}: new subjects", xticks=[], yticks=[])
figure.colorbar(points, label="age")
plt.show()
