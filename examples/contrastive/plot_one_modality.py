"""
Learn from one modality and augmented copies
============================================

Most guided contrasts were published for one kind of image. One encoder
reads two randomly augmented copies of each subject, and the contrast brings
the copies together. This example trains SimCLR, which uses no metadata, and
y-Aware, which uses the age, in this way on measures of regions.
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
# How the copies are augmented
# ----------------------------
# By default each kind of modality has its usual augmentation.
# ``augment={"smri": ...}`` takes another one, ``n_views`` makes more
# copies. There is one encoder, and one block of ``n_components`` columns
# for the subjects, who are not augmented in ``transform``.

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
# Ridge regression predicts the age of new subjects from the eight columns,
# from eight principal components, and from all 800 measures.

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
    r2 = ridge.score(model.transform(X[new]), age[new])
    print(f"{name:18} R2 {r2:5.2f}")

# %%
# SimCLR keeps what distinguishes subjects, and age is a part of it; y-Aware
# keeps age. If only age counts, ridge regression on all measures does
# better than eight columns.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
for axis, name in zip(axes, ["SimCLR", "y-Aware"], strict=True):
    plane = PCA(2).fit(embedders[name].transform(X[train]))
    shown = plane.transform(embedders[name].transform(X[new]))
    points = axis.scatter(*shown.T, c=age[new], s=14)
    axis.set(title=f"{name}: new subjects", xticks=[], yticks=[])
figure.colorbar(points, label="age (years)")
plt.show()
