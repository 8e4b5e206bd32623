"""
Compare methods with intervals and tests
========================================

Three methods on the same splits of a simulated cohort: an embedding of two
modalities, and linear models of each. The intervals and tests of
:func:`~skmmcl.model_selection.compare` account for the subjects that the
training sets of different folds share.
"""

# %%
# The methods
# -----------
# The first one is what the others are compared to.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skmmcl import CMCCSSEmbedder, compare
from skmmcl.datasets import make_cohort
from skmmcl.model_selection import (
    LeaveSitesOut,
    check_leakage,
    permutation_test,
)

X, y, _ = make_cohort(200, modalities=["t2", "clinical"], random_state=0)


def linear(name):
    """Return logistic regression on one modality."""
    select = FunctionTransformer(lambda X: X[name])
    return make_pipeline(
        select, StandardScaler(), LogisticRegression(C=0.1)
    )


methods = {
    "CMC+CSS": make_pipeline(CMCCSSEmbedder(), LogisticRegression()),
    "clinical": linear("clinical"),
    "t2": linear("t2"),
}

# %%
# Five folds, three times
# -----------------------
# ``checkpoint="folder"`` would keep each finished fit, and ``verbose=1``
# shows the time left.
cv = RepeatedStratifiedKFold(n_splits=5, n_repeats=3, random_state=0)
result = compare(methods, X, y, cv=cv, groups=X.meta["site"])
columns = ["score", "difference", "p_corrected", "p_equivalent", "splits"]
result.summary(rope=0.01)[columns].round(3)

# %%
# Dots are the differences in single splits, which vary a lot; the bar is
# the interval of their mean.
result.plot()
plt.show()

# %%
# New sites
# ---------
# With whole sites held out, the site cannot help.
sites = compare(methods, X, y, cv=LeaveSitesOut(), groups=X.meta["site"])
sites.summary(rope=0.01)[columns].round(3)

# %%
# Better than chance
# ------------------
# The whole pipeline is refitted with permuted labels.
test = permutation_test(
    methods["CMC+CSS"], X, y, cv=5, n_permutations=49, random_state=0
)
fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.hist(
    test.permutation_scores, bins=15, color="0.7", label="permuted labels"
)
ax.axvline(
    test.score, color="C3", label=f"true labels, p = {test.pvalue:.2f}"
)
ax.set(xlabel="area under the ROC curve", yticks=[])
ax.legend(frameon=False)
plt.show()

# %%
# What would be too good to be true
# ---------------------------------
# Half of the subjects come twice, and the diagnosis has slipped into the
# clinical table.
twice = np.r_[np.arange(len(y)), np.arange(0, len(y), 2)]
table = np.column_stack([X["clinical"][twice], 1 - y[twice]])
for leak in check_leakage(table, y[twice], cv=5):
    print(f"{leak.kind}: {leak.message}\n")
