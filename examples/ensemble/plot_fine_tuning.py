"""
Adapt a pretrained embedder to a small labeled cohort
=====================================================

An embedder is trained on a large cohort without diagnoses, and adapted to a
small labeled one: frozen, fine-tuned, and as a control the same network
from scratch. All three are scored on the same splits, together with
logistic regression on the measures themselves.
"""

# %%
# A large cohort without labels, and a small one with labels
# ----------------------------------------------------------
# Here both come from one simulation, so that subjects differ and sites do
# not. Encoders of two modalities are pretrained to find each other's
# representation of a subject.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl import CLIPEmbedder, FineTunedClassifier, compare_transfer
from skmmcl.datasets import make_cohort

X, y, _ = make_cohort(
    1400, modalities=["t2", "clinical"], prevalence=0.4, random_state=0
)
large, small, diagnosis = X[:1000], X[1000:], y[1000:]
big = CLIPEmbedder(encoders="mlp", max_epochs=30, random_state=0).fit(large)

# %%
# One fit
# -------
# The classifier copies the network of the embedder and puts a linear head
# on it. The embedder itself does not change.
clf = FineTunedClassifier(big, layers="all", random_state=0).fit(
    small[:200], diagnosis[:200]
)
print(f"accuracy on others: {clf.score(small[200:], diagnosis[200:]):.2f}")

# %%
# Subjects of the pretraining are no test subjects. They are found by their
# identifiers.
print(
    clf.seen_in_pretraining(X).sum(),
    "of",
    len(X),
    "were in the pretraining",
)

# %%
# What does pretraining give?
# ---------------------------
# A learning curve: 20, 40 and 80 labeled subjects, drawn ten times.
linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.03))
sizes, curves = (20, 40, 80), {}
for size in sizes:
    splits = StratifiedShuffleSplit(
        10, train_size=size, test_size=200, random_state=0
    )
    found = compare_transfer(
        clf,
        small,
        diagnosis,
        cv=splits,
        scoring="roc_auc",
        others={"linear": linear},
    )
    for arm, scores in found.scores.items():
        curves.setdefault(arm, []).append(scores)
print(found.to_frame("scratch").round(3).to_string())

# %%
# The mean over draws, with its standard error:
axes = plt.subplots(figsize=(5.5, 3.2), layout="constrained")[1]
for arm, scores in curves.items():
    mean, error = (
        np.mean(scores, axis=1),
        np.std(scores, axis=1) / np.sqrt(10),
    )
    axes.errorbar(sizes, mean, error, marker="o", capsize=3, label=arm)
axes.set(xlabel="labeled subjects", ylabel="ROC AUC", xticks=sizes)
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False)
plt.show()

# %%
# Pretraining helps the network with few labels. With 80 labels the same
# network from scratch is as good, and a linear model on the measures is
# better. See :ref:`fine_tuning` for results on real cohorts.
