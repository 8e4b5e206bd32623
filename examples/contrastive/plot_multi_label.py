"""
Train on several labels from the metadata
=========================================

Most scans come with metadata: the site, the age, for a few the diagnosis.
Each of these can be a label. The embedding then places subjects closer
together the more labels they share.
"""

# %%
# From columns to labels
# ----------------------
# :func:`~skmmcl.preprocessing.metadata_labels` makes a column of zeros and
# ones of each value. Numbers such as age have to be cut into bins. What is
# missing gives no label: here, the diagnosis of every other training
# subject.

import numpy as np

from skmmcl.datasets import make_cohort
from skmmcl.preprocessing import metadata_labels

X, y, _ = make_cohort(
    700,
    modalities=["t2", "clinical"],
    prevalence=0.5,
    n_sites=3,
    age_effect=1.0,
    site_effect=1.0,
    class_sep=2.5,
    n_subtypes=1,
    random_state=0,
)
train, test = np.arange(400), np.arange(400, 700)
diagnosis = np.where(y == 1, "patient", "control").astype(object)
diagnosis[np.arange(len(y)) % 2 > 0] = None
known = {**X.meta, "diagnosis": diagnosis}
labels, names = metadata_labels(
    known, ["site", "age", "diagnosis"], bins={"age": [30, 50]}
)
names

# %%
# An embedding guided by them
# ---------------------------
# The weight of a pair is the Jaccard index of the two sets: labels in
# common over labels in all.

from skmmcl import MultiLabelSupConEmbedder

embedder = MultiLabelSupConEmbedder(
    threshold=0.2,
    n_components=8,
    batch_size=128,
    max_epochs=25,
    random_state=0,
)
embedder.fit(X[train], labels[train])
h = embedder.transform(X[test])

# %%
# Does it hold for new subjects?
# ------------------------------
# New subjects need no labels. A linear probe, cross-validated within the
# test subjects, predicts each label from the embedding, and from the same
# number of principal components.

from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

pca = make_pipeline(StandardScaler(), PCA(h.shape[1], random_state=0)).fit(
    X[train]
)
targets = {
    "site": X[test].meta["site"],
    "age": np.digitize(X[test].meta["age"], [30, 50]),
    "diagnosis": y[test],
}
probe = make_pipeline(
    StandardScaler(),
    LogisticRegression(class_weight="balanced", max_iter=1000),
)
accuracy = {
    name: [
        cross_val_score(
            probe, values, target, scoring="balanced_accuracy"
        ).mean()
        for target in targets.values()
    ]
    for name, values in {
        "guided by labels": h,
        "principal components": pca.transform(X[test]),
    }.items()
}

# %%
# How close are subjects who share labels?
# ----------------------------------------
# Pairs of test subjects, by the number of labels in common: site, bin of
# age and diagnosis.

import matplotlib.pyplot as plt

u = h / np.linalg.norm(h, axis=1, keepdims=True)
true = np.stack([targets[name] for name in ("site", "age", "diagnosis")])
shared = (true[:, :, None] == true[:, None]).sum(0)
pairs = np.triu_indices(len(u), 1)
cosine = (u @ u.T)[pairs]
by_shared = [cosine[shared[pairs] == k] for k in range(4)]

fig, axes = plt.subplots(1, 2, figsize=(9, 4.4), layout="constrained")
axes[0].boxplot(
    by_shared,
    tick_labels=range(4),
    showfliers=False,
    medianprops={"color": "C3"},
)
axes[0].set(
    xlabel="labels that two test subjects share",
    ylabel="cosine of their embeddings",
)
for k, (name, values) in enumerate(accuracy.items()):
    axes[1].bar(
        np.arange(3) + 0.4 * k - 0.2,
        values,
        0.38,
        label=name,
        color=["C0", "0.7"][k],
    )
for k, target in enumerate(targets.values()):
    axes[1].plot(
        [k - 0.4, k + 0.4],
        [1 / len(np.unique(target))] * 2,
        "k--",
        lw=1,
        label="chance" if k == 0 else None,
    )
axes[1].set(ylabel="balanced accuracy", ylim=(0, 1))
axes[1].set_xticks(range(3), targets)
axes[1].legend(
    frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2
)
for ax in axes:
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
# %%
# Subjects who share more labels are closer. Site and age are predicted
# better than from principal components. The diagnosis is not: it was known
# for half of the subjects only, as one label among three, while the disease
# is one of the largest axes of these simulated tables, which principal
# components keep anyway. Labels draw an embedding towards themselves and
# away from the rest, so give those that the task needs. An embedding
# trained on the site shows the site: for a diagnosis across sites see
# :ref:`sphx_glr_auto_examples_contrastive_plot_debias_site.py`.
