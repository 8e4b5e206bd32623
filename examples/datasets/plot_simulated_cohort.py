"""
Simulate a cohort whose truth is known
======================================

:func:`~skmmcl.datasets.make_cohort` draws a cohort from factors and returns
both. This example shows the connectomes, how well each modality shows the
factors that carry the class, and how well a linear classifier predicts the
class from each of them.
"""

# %%
# The cohort
# ----------
# 300 subjects, 30 % of them patients, five modalities; site, age and sex
# come along as side data.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl.datasets import make_cohort

X, y, truth = make_cohort(random_state=0)
X

# %%
# Connectomes in blocks
# ---------------------
# The mean over the controls shows the networks of regions. Functional
# connectomes are correlation matrices; structural ones are so too, but none
# of their entries is negative and many are zero. Single subjects differ by
# far more than the groups do.
edges = np.flatnonzero(np.diff(truth.networks)) + 0.5
fig, axes = plt.subplots(2, 3, figsize=(9, 6), layout="constrained")
for row, name in zip(axes, ["fc", "sc"], strict=True):
    patients, controls = X[name][y == 1], X[name][y == 0]
    difference = patients.mean(axis=0) - controls.mean(axis=0)
    panels = {
        "mean of the controls": (controls.mean(axis=0), 1.0),
        "one patient": (patients[0], 1.0),
        "patients - controls": (difference, 0.3),
    }
    for ax, (title, (matrix, limit)) in zip(
        row, panels.items(), strict=True
    ):
        image = ax.imshow(matrix, vmin=-limit, vmax=limit, cmap="RdBu_r")
        ax.hlines(edges, -0.5, 29.5, color="k", lw=0.3)
        ax.vlines(edges, -0.5, 29.5, color="k", lw=0.3)
        ax.set(title=f"{name}: {title}", xticks=[], yticks=[])
        fig.colorbar(image, ax=ax, shrink=0.8)

# %%
# The factors
# -----------
# Left: the correlation of a shared factor with what a modality shows of it.
# One modality shows it exactly, the others less so; ``complementarity``
# sets by how much. Right: two of the shared factors. The patients have two
# subtypes, and each deviates along its own factor.
fig, (left, right) = plt.subplots(
    1, 2, figsize=(9, 3.6), layout="constrained"
)
image = left.imshow(truth.fidelity, vmin=0, vmax=1, cmap="viridis")
left.set_yticks(range(len(X.modalities)), X.modalities)
left.set(
    xlabel="shared factor",
    xticks=range(truth.fidelity.shape[1]),
    title="Fidelity",
)
fig.colorbar(image, ax=left)
for group, label in [
    (-1, "controls"),
    (0, "patients, subtype 0"),
    (1, "patients, subtype 1"),
]:
    members = truth.subtype == group
    right.scatter(
        *truth.shared[members, :2].T, s=12, alpha=0.7, label=label
    )
right.set(
    xlabel="shared factor 0",
    ylabel="shared factor 1",
    title="Shared factors",
)
right.legend(fontsize="small")

# %%
# What can be decoded
# -------------------
# Each modality alone gives a moderate score, and here the table of all
# columns is no better than the best of them. The gap to the shared factors
# is what a method can gain that separates them from the private ones.
flat = {name: X[name].reshape(len(X), -1) for name in X.modalities}
inputs = {
    **flat,
    "all columns": np.hstack(list(flat.values())),
    "shared factors": truth.shared,
}
classifier = make_pipeline(
    StandardScaler(),
    LogisticRegression(C=0.01, class_weight="balanced", max_iter=1000),
)
scores = {
    name: cross_val_score(
        classifier, A, y, cv=5, scoring="balanced_accuracy"
    )
    for name, A in inputs.items()
}

fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
means = [s.mean() for s in scores.values()]
ax.barh(
    list(scores),
    means,
    xerr=[s.std() for s in scores.values()],
    color="tab:blue",
    alpha=0.7,
)
ax.axvline(0.5, color="k", lw=1, ls=":")
ax.invert_yaxis()
ax.set(
    xlim=(0.4, 1), xlabel="balanced accuracy (5 folds, mean and deviation)"
)
plt.show()
