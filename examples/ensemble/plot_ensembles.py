"""
Calibrate predictions by an ensemble of ten networks
====================================================

A deep ensemble fits the same network with several random states, and
combines the members. This example measures accuracy and calibration at a
site that took no part in training, and checks whether the members lie in
one basin of the loss.
"""

# %%
# Trained at three sites, tested at a fourth
# ------------------------------------------
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import balanced_accuracy_score

from skmmcl import CLIPEmbedder, DeepEnsembleClassifier, FineTunedClassifier
from skmmcl.datasets import make_cohort
from skmmcl.inspection import (
    member_curve,
    plot_member_curve,
    plot_reliability,
    plot_weight_path,
    weight_path,
)
from skmmcl.metrics import expected_calibration_error
from skmmcl.networks import MLP

X, y, _ = make_cohort(
    1400,
    modalities=["t2", "clinical"],
    n_sites=4,
    site_effect=1.0,
    prevalence=0.45,
    n_subtypes=3,
    class_sep=3.0,
    random_state=0,
)
site = np.asarray(X.meta["site"])
known, new = (
    np.flatnonzero(site != site.max()),
    np.flatnonzero(site == site.max()),
)
large, small = known[:-200], known[-200:]

# %%
# Members are fine-tuned from one pretraining, or trained from scratch. Each
# ensemble is one stack.
encoder = partial(MLP, hidden=(128, 128))
big = CLIPEmbedder(encoders=encoder, max_epochs=20, random_state=0).fit(
    X[large]
)
tuned = FineTunedClassifier(big, lr=0.01)
scratch = FineTunedClassifier(big, reset_weights=True)
ensembles = {
    name: DeepEnsembleClassifier(
        member, n_estimators=10, random_state=0
    ).fit(X[small], y[small])
    for name, member in {"fine-tuned": tuned, "scratch": scratch}.items()
}
for name, ensemble in ensembles.items():
    each = ensemble.predict_members(X[new])
    single = np.mean(
        [balanced_accuracy_score(y[new], p.argmax(1)) for p in each]
    )
    p = ensemble.predict_proba(X[new])
    joint = balanced_accuracy_score(y[new], p.argmax(1))
    print(
        f"{name}: mean member {single:.3f}, ensemble {joint:.3f}, "
        f"calibration error {expected_calibration_error(y[new], p):.3f}"
    )

# %%
# How many members?
# -----------------
# One fit of many members gives the whole curve.
axes = plt.subplots(figsize=(5, 3), layout="constrained")[1]
for name, ensemble in ensembles.items():
    curve = member_curve(
        ensemble,
        X[new],
        y[new],
        scoring="balanced_accuracy",
        random_state=0,
    )
    plot_member_curve(curve, label=name, ax=axes)
axes.set_ylabel("balanced accuracy")
axes.legend(frameon=False)
plt.show()

# %%
# Are the probabilities right?
# ----------------------------
# At the new site both are overconfident, the mean of probabilities less so
# than the mean of logits.
axes = plt.subplots(figsize=(4.5, 4), layout="constrained")[1]
ensemble = ensembles["scratch"]
plot_reliability(
    y[new], ensemble.predict_proba(X[new]), name="mean logit", ax=axes
)
ensemble.set_params(combine="probability")
plot_reliability(
    y[new], ensemble.predict_proba(X[new]), name="mean probability", ax=axes
)
axes.set_ylim(0, 1.5)
axes.set_yticks(np.linspace(0, 1, 6))
axes.legend(loc="upper left", frameon=False, fontsize="small")
plt.show()

# %%
# Where members disagree, they are more often wrong.
disagreement = ensemble.mutual_information(X[new])
is_wrong = ensemble.predict(X[new]) != y[new]
half = disagreement > np.median(disagreement)
print(
    f"wrong if members agree {is_wrong[~half].mean():.2f}, "
    f"if they disagree {is_wrong[half].mean():.2f}"
)

# %%
# One basin or two?
# -----------------
# All networks on the line between two fine-tuned ones are as good as the
# ends. Between two networks from scratch there is a barrier.
axes = plt.subplots(figsize=(5, 3), layout="constrained")[1]
for name, ensemble in ensembles.items():
    first, second = ensemble.estimators_[:2]
    path = weight_path(
        first, second, X[small], y[small], scoring="balanced_accuracy"
    )
    plot_weight_path(
        path, label=f"{name}, barrier {path.barrier:.2f}", ax=axes
    )
axes.set_ylabel("balanced accuracy, training")
axes.figure.legend(loc="outside upper center", frameon=False)
plt.show()
