"""
Find subtypes that no hyperplane separates
==========================================

Patients of a subtype may deviate from the controls in either of two
directions, too much or too little of the same thing. UCSL uses linear
models and then finds nothing. Deep UCSL and SepVAE train networks. The
subtypes of these simulated patients are known.
"""

# %%
# Three methods on two cohorts
# ----------------------------
# In both cohorts, the common variability is stronger than the effect of the
# disease. The patients who are clustered took no part in the fit. The index
# is 1 for the true subtypes and 0 for chance.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from skmmcl.cluster import UCSL, DeepUCSL
from skmmcl.datasets import make_subtypes
from skmmcl.decomposition import SepVAEEmbedder

# UCSL warns that it does not converge, where it finds nothing.
warnings.simplefilter("ignore")
train, test = np.arange(600), np.arange(600, 1000)
n_clusters = 2
models = {
    "UCSL": UCSL(n_clusters=n_clusters, random_state=0),
    "DeepUCSL": DeepUCSL(n_clusters=n_clusters, random_state=0),
    "SepVAE + mixture": SepVAEEmbedder(random_state=0),
}


def clusters(model, X, y, patients):
    """Fit a method to the training subjects, and cluster new patients."""
    model.fit(X[train], y[train])
    if not isinstance(model, SepVAEEmbedder):
        return model.predict_clusters(X[patients])
    known = model.transform(X[train][y[train] == 1], part="salient")
    mixture = GaussianMixture(n_clusters, n_init=3, random_state=0)
    mixture.fit(known)
    return mixture.predict(model.transform(X[patients], part="salient"))


found = {}
for form in ("nonlinear", "linear"):
    X, y, truth = make_subtypes(
        1000, n_subtypes=n_clusters, form=form, random_state=0
    )
    patients = test[y[test] == 1]
    subtype = truth.subtype[patients]
    found[form] = [
        adjusted_rand_score(subtype, clusters(model, X, y, patients))
        for model in models.values()
    ]

fig, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
for k, (form, scores) in enumerate(found.items()):
    ax.bar(np.arange(3) + 0.4 * k - 0.2, scores, width=0.4, label=form)
ax.set_xticks(range(3), models)
ax.set_ylabel("adjusted Rand index")
ax.legend(title="form of the subtypes")

# %%
# A patient with the salient part of a control
# --------------------------------------------
# SepVAE answers another question: what would this patient look like without
# the disease? It keeps the common part, and decodes it with the salient
# part of a control. A single control has chance deviations of its own, so
# each patient gets another one. This is the linear cohort, the last one
# above.

sep = models["SepVAE + mixture"]
controls = X[test][y[test] == 0]
others = controls[np.arange(len(patients)) % len(controls)]
change = np.asarray(sep.reconstruct(X[patients])) - np.asarray(
    sep.swap(X[patients], others)
)
true = np.hstack([truth.loadings[name][5:7] for name in X.modalities])

fig, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
for k in range(2):
    mean = change[subtype == k].mean(axis=0)
    print(
        f"subtype {k + 1}: correlation with the truth "
        f"{np.corrcoef(mean, true[k])[0, 1]:.2f}"
    )
    ax.scatter(4 * true[k], mean, s=12, label=f"subtype {k + 1}")
ax.set_xlabel("true deviation of each column")
ax.set_ylabel("deviation by SepVAE")
ax.legend()

# %%
# What the network of Deep UCSL separates
# ---------------------------------------
# In the nonlinear cohort, products of the components of Deep UCSL separate
# deviations of either sign from none. These are the two components with the
# most variance in patients:

X, y, truth = make_subtypes(
    1000, n_subtypes=n_clusters, form="nonlinear", random_state=0
)
h = models["DeepUCSL"].fit(X[train], y[train]).transform(X[test])
is_patient = y[test] == 1
subtype = truth.subtype[test][is_patient]
first, second = np.argsort(h[is_patient].var(axis=0))[::-1][:2]
fig, ax = plt.subplots(figsize=(5, 4), layout="constrained")
ax.scatter(
    *h[~is_patient][:, [first, second]].T,
    c="lightgray",
    s=15,
    label="controls",
)
for k in range(n_clusters):
    rows = h[is_patient][subtype == k]
    ax.scatter(
        rows[:, first], rows[:, second], s=15, label=f"subtype {k + 1}"
    )
ax.set_xlabel(f"component {first + 1}")
ax.set_ylabel(f"component {second + 1}")
ax.legend()
plt.show()
