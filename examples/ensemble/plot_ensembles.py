"""
Ten networks instead of one
===========================

A deep ensemble fits the same network with other random states, and combines
the members. We look at what this gives at a site that training never saw,
how sure the ensemble is, and whether its members lie in one basin of the
loss.
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
    1400, modalities=["t2", "clinical"], n_sites=4, site_effect=1.0, prevalence=0.45,  # noqa: E501
    n_subtypes=3, class_sep=3.0, random_state=0,
)  # fmt: skip
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
    print(
        f"{name}: mean member {single:.3f}, ensemble "
        f"{balanced_accuracy_score(y[new], p.argmax(1)):.3f}, calibration error "  # noqa: E501
        f"{expected_calibration_error(y[new], p):.3f}"
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
# At the new site all are too sure. The mean of probabilities is less so
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
plt.show()

# %%
# Where members disagree, they are more often wrong.
disagreement = ensemble.mutual_information(X[new])
is_wrong = ensemble.predict(X[new]) != y[new]
half = disagreement > np.median(disagreement)
print(
    f"wrong where they agree {is_wrong[~half].mean():.2f}, disagree {is_wrong[half].mean():.2f}"  # noqa: E501
)

# %%
# One basin or two?
# -----------------
# All networks between two that were fine-tuned from one pretraining are as
# good as they are. Between two from scratch there is a barrier.
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
axes.legend(frameon=False)
plt.show()
