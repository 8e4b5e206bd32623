"""
Run a hundred fits as one
=========================

Repeated cross-validation of a contrastive method is hundreds of fits of
small networks. Inside :func:`~skmmcl.parallel.stacked_fits` they train
together, as one stack. You call scikit-learn's functions as usual, and on a
CPU the scores are the same to the last bit.
"""

# %%
# One cohort, one pipeline
# ------------------------
# The gain is largest for vectors, where calls cost more time than
# arithmetic.
import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    RepeatedStratifiedKFold,
    cross_val_score,
)
from sklearn.pipeline import Pipeline

from skmmcl import CMCCSSEmbedder, stacked_fits
from skmmcl.datasets import make_cohort

X, y, _ = make_cohort(n_subjects=200, random_state=0)
X = X[[name for name, shape in X.shapes.items() if len(shape) == 1]]
embedder = CMCCSSEmbedder(solver="gradient", max_epochs=30, random_state=0)
pipe = Pipeline(
    [
        ("cmc", embedder),
        ("clf", LogisticRegression(class_weight="balanced")),
    ]
)
X

# %%
# The same protocol, twice
# ------------------------
# Ten folds, repeated twice, fit by fit and stacked. Times are processor
# seconds, so other programs on the machine matter little.
cv = RepeatedStratifiedKFold(n_splits=10, n_repeats=2, random_state=0)


def timed(function):
    start = time.process_time()
    return function(), time.process_time() - start


def protocol():
    return cross_val_score(pipe, X, y, cv=cv, scoring="roc_auc")


alone, seconds_alone = timed(protocol)
with stacked_fits():
    stacked, seconds_stacked = timed(protocol)
print(
    f"equal scores in all {len(alone)} folds: "
    f"{np.array_equal(alone, stacked)}"
)
print(
    f"fit by fit {seconds_alone:.1f} s, stacked {seconds_stacked:.1f} s "
    "of processor time"
)

# %%
# A search is a stack as well
# ---------------------------
# Fits of a stack may differ in learning rate, temperature, weights of the
# terms, number of epochs: what differs in width or depth forms a stack of
# its own.
grid = {"cmc__temperature": [0.2, 0.7], "cmc__css_weight": [0.3, 1.0, 3.0]}
with stacked_fits():
    search, seconds_search = timed(
        lambda: GridSearchCV(
            pipe, grid, cv=5, scoring="roc_auc", refit=False
        ).fit(X, y)
    )
for params, score in zip(
    search.cv_results_["params"],
    search.cv_results_["mean_test_score"],
    strict=True,
):
    print(params, round(float(score), 3))

# %%
# Time per fit
# ------------
figure, axes = plt.subplots(figsize=(6, 2.6), layout="constrained")
names = ["fit by fit", "stacked", "stacked search"]
per_fit = [seconds_alone / 20, seconds_stacked / 20, seconds_search / 30]
bars = axes.barh(names, per_fit, color=["#7f7f7f", "#2b6ca3", "#2b6ca3"])
axes.bar_label(bars, fmt="%.2f s", padding=3)
axes.invert_yaxis()
axes.set(xlabel="processor seconds per fit, scikit-learn's part included")
axes.spines[["top", "right"]].set_visible(False)
axes.margins(x=0.15)
plt.show()
