"""
Measure what each modality contributes
======================================

A model on five modalities predicts a diagnosis well. Which modality is
worth its scan? This example compares four answers on a simulated cohort. A
copy of a modality and pure noise are added, because the right answer for
them is known.
"""

# %%
# A cohort with a copy and with noise
# -----------------------------------
# ``smri again`` repeats ``smri`` with a little noise, as a second pipeline
# for the same scan would. ``noise`` carries no information.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline

from skmmcl import CMCCSSEmbedder
from skmmcl.datasets import make_cohort
from skmmcl.inspection import (
    confound_report,
    modality_ablation,
    modality_importance,
    modality_shapley,
    plot_embedding,
    plot_modality_importance,
    term_ablation,
)

X, y, _ = make_cohort(
    240, modalities=["smri", "fc", "clinical"], random_state=0
)
rng = np.random.default_rng(0)
X = X.assign(
    {
        "smri again": X["smri"] + 0.1 * rng.normal(size=X["smri"].shape),
        "noise": rng.normal(size=(240, 30)),
    }
)
model = make_pipeline(
    CMCCSSEmbedder(solver="closed_form"),
    LogisticRegression(class_weight="balanced"),
)
options = {
    "cv": StratifiedKFold(5, shuffle=True, random_state=0),
    "scoring": "roc_auc",
}

# %%
# Four answers
# ------------
# *Permutation* and *ablation* ask what the fitted model loses if a modality
# is another subject's, or missing. *Ablation with refit* asks what is lost
# if it was never measured. *Shapley values* divide the score among the
# modalities: they add up to the AUC above 0.5.
shapley = modality_shapley(model, X, y, **options)
ablated = modality_ablation(model, X, y, **options)
refitted = modality_ablation(model, X, y, refit=True, **options)
train, test = next(options["cv"].split(X, y))
permuted = modality_importance(
    model.fit(X[train], y[train]),
    X[test],
    y[test],
    scoring="roc_auc",
    random_state=0,
)
answers = {
    "permutation (one fold)": permuted,
    "ablation": ablated,
    "ablation with refit": refitted,
    "Shapley values": shapley,
}
figure, axes = plt.subplots(2, 2, figsize=(9, 5.5), layout="constrained")
for ax, (title, result) in zip(axes.flat, answers.items(), strict=True):
    plot_modality_importance(result, label="AUC", ax=ax)
    ax.set_title(title)

# %%
# Refitted without ``smri`` the model loses little, because ``smri again``
# replaces it: by this answer neither is worth a scan. Shapley values give
# both the same share. All four give noise about nothing.
total = shapley.importances.sum(axis=0)
full, empty = shapley.scores[X.modalities], shapley.scores[()]
print(
    f"sum of the values {total.mean():.3f}; "
    f"AUC {full.mean():.3f} - {empty.mean():.3f}"
)

# %%
# The terms of the objective
# --------------------------
# The same question of the two terms of CMC+CSS. A bar to the left says that
# the model is better without the term.
plot_modality_importance(
    term_ablation(model, X, y, **options), label="drop of the AUC"
)

# %%
# What else the representation shows
# ----------------------------------
# Held-out subjects by diagnosis, site and age, and how well linear probes
# decode these.
Z, meta = model[:-1].transform(X[test]), X[test].meta
plot_embedding(
    Z, {"diagnosis": y[test], "site": meta["site"], "age": meta["age"]}
)
confound_report(
    Z, {"site": meta["site"], "age": meta["age"]}, n_permutations=50
)
