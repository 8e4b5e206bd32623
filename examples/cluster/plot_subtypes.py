"""
Find subtypes of patients by contrast with controls
===================================================

Patients differ from each other mostly in the same ways as controls do. UCSL
finds subtypes of their disease by contrast with controls. The subtypes of
these simulated subjects are known.
"""

# %%
# Patients and controls
# ---------------------
# Five common factors vary in everybody, and more than the disease. Each of
# the three subtypes deviates from the controls along its own direction.

import matplotlib.pyplot as plt
import numpy as np

from skmmcl.datasets import make_subtypes

X, y, truth = make_subtypes(800, n_subtypes=3, random_state=0)
train, test = np.arange(600), np.arange(600, 800)
patients = test[y[test] == 1]
X

# %%
# Clustering the patients, and contrasting them with controls
# -----------------------------------------------------------
# Principal components show common variability. The subspace of UCSL shows
# the subtypes, in patients who took no part in the fit. It has three
# dimensions: the subtype that overlaps with the controls in this figure
# deviates along the third.

from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score

from skmmcl.cluster import UCSL

columns = np.asarray(X)
pca = PCA(2).fit(columns[train])
plain = KMeans(3, n_init=10, random_state=0).fit(
    columns[train][y[train] == 1]
)
ucsl = UCSL(n_clusters=3, random_state=0).fit(X[train], y[train])

for name, labels in {
    "KMeans of the patients": plain.predict(columns[patients]),
    "UCSL": ucsl.predict_clusters(X[patients]),
}.items():
    print(
        f"{name}: "
        f"{adjusted_rand_score(truth.subtype[patients], labels):.2f}"
    )
print(f"accuracy of the diagnosis: {ucsl.score(X[test], y[test]):.2f}")

fig, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
spaces = {
    "principal components": pca.transform(columns),
    "subspace of UCSL": ucsl.transform(X),
}
for ax, (name, scores) in zip(axes, spaces.items(), strict=True):
    controls = test[y[test] == 0]
    ax.scatter(
        *scores[controls, :2].T, c="lightgray", s=15, label="controls"
    )
    for k in range(3):
        rows = patients[truth.subtype[patients] == k]
        ax.scatter(*scores[rows, :2].T, s=15, label=f"subtype {k + 1}")
    ax.set_title(name)
    ax.set_xlabel("first score")
    ax.set_ylabel("second score")
axes[1].legend()

# %%
# How many subtypes?
# ------------------
# Fits on random parts of the subjects should divide the patients in the
# same way, and better than with permuted labels. Bands are the range of the
# agreement. Few resamples and short runs save time here.

from skmmcl.cluster import stability_path

path = stability_path(
    UCSL(n_consensus=2, max_iter=20),
    X[train],
    y[train],
    n_clusters=[2, 3, 4],
    n_resamples=3,
    n_permutations=1,
    random_state=0,
)
fig, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
path.plot(axes[0])
axes[1].plot(path.n_clusters, path.log_likelihood.mean(axis=1), marker="o")
axes[1].set_xticks(path.n_clusters)
axes[1].set_xlabel("number of subtypes")
axes[1].set_ylabel("held-out log likelihood")
print(path)

# %%
# Confounds
# ---------
# The subtypes are related neither to the site nor to age or sex. See
# :ref:`subtypes` for what else to report.

from skmmcl.cluster import subtype_confounds

for name, value in subtype_confounds(ucsl.labels_, X[train].meta).items():
    print(f"{name}: {value:.3f}")

plt.show()
