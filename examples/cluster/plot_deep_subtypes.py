"""
Find subtypes that no hyperplane separates
==========================================

Patients of a subtype may deviate from the controls in either of two
directions, too much or too little of the same. UCSL, whose models are
linear, finds nothing then. Deep UCSL and SepVAE train networks; the
subtypes of these simulated patients are known.
"""

# %%
# The three methods on two cohorts
# --------------------------------
# In both cohorts, what varies in all people is stronger than what the
# disease adds. The patients who are clustered took no part in the fit. The
# index is 1 for the true subtypes and 0 for chance.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from skmmcl.cluster import UCSL, DeepUCSL
from skmmcl.datasets import make_subtypes
from skmmcl.decomposition import SepVAEEmbedder

train, test = np.arange(600), np.arange(600, 1000)
n_clusters = 2


def clusters(name, X, y, patients):
    """Fit a method to the training subjects, and cluster new patients."""
    if name == "SepVAE + mixture":
        sep = SepVAEEmbedder(random_state=0).fit(X[train], y[train])
        known = sep.transform(X[train][y[train] == 1], part="salient")
        mixture = GaussianMixture(n_clusters, n_init=3, random_state=0).fit(
            known
        )
        return mixture.predict(sep.transform(X[patients], part="salient"))
    ucsl = UCSL if name == "UCSL" else DeepUCSL
    return (
        ucsl(n_clusters=n_clusters, random_state=0)
        .fit(X[train], y[train])
        .predict_clusters(X[patients])
    )


warnings.simplefilter(
    "ignore"
)  # of runs that do not converge, where UCSL finds nothing
methods = ["UCSL", "DeepUCSL", "SepVAE + mixture"]
found = {}
for form in ("linear", "nonlinear"):
    X, y, truth = make_subtypes(
        1000, n_subtypes=n_clusters, form=form, random_state=0
    )
    patients = test[y[test] == 1]
    subtype = truth.subtype[patients]
    found[form] = [
        adjusted_rand_score(subtype, clusters(m, X, y, patients))
        for m in methods
    ]

fig, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
for k, (form, scores) in enumerate(found.items()):
    ax.bar(np.arange(3) + 0.4 * k - 0.2, scores, width=0.4, label=form)
ax.set_xticks(range(3), methods)
ax.set_ylabel("adjusted Rand index")
ax.legend()

# %%
# What the network tells apart
# ----------------------------
# The representation of Deep UCSL has several components, whose products
# tell deviations of either sign from none. The two with the most variance
# in patients:

ucsl = DeepUCSL(n_clusters=n_clusters, random_state=0).fit(
    X[train], y[train]
)
h = ucsl.transform(X[test])
of_patients = y[test] == 1
first, second = np.argsort(h[of_patients].var(axis=0))[::-1][:2]
fig, ax = plt.subplots(figsize=(5, 4), layout="constrained")
ax.scatter(
    *h[~of_patients][:, [first, second]].T,
    c="lightgray",
    s=15,
    label="controls",
)
for k in range(n_clusters):
    rows = h[of_patients][subtype == k]
    ax.scatter(
        rows[:, first], rows[:, second], s=15, label=f"subtype {k + 1}"
    )
ax.set_xlabel(f"component {first + 1}")
ax.set_ylabel(f"component {second + 1}")
ax.legend()

# %%
# A patient with the salient part of a control
# --------------------------------------------
# SepVAE answers another question: what would this patient look like without
# the disease? It keeps what is common, and decodes it with the salient part
# of a control. A single control has chance deviations of its own, so that
# each patient gets another one.

X, y, truth = make_subtypes(1000, n_subtypes=2, random_state=0)
sep = SepVAEEmbedder(random_state=0).fit(X[train], y[train])
patients, controls = X[test][y[test] == 1], X[test][y[test] == 0]
others = controls[np.arange(len(patients)) % len(controls)]
change = np.asarray(sep.reconstruct(patients)) - np.asarray(
    sep.swap(patients, others)
)
true = np.hstack([truth.loadings[name][5:7] for name in X.modalities])

fig, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
kinds = truth.subtype[test][y[test] == 1]
for k in range(2):
    mean = change[kinds == k].mean(axis=0)
    print(
        f"subtype {k + 1}: correlation with the truth "
        f"{np.corrcoef(mean, true[k])[0, 1]:.2f}"
    )
    ax.scatter(4 * true[k], mean, s=12, label=f"subtype {k + 1}")
ax.set_xlabel("true deviation of each column")
ax.set_ylabel("deviation by SepVAE")
ax.legend()
plt.show()
