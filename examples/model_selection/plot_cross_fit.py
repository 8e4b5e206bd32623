"""
Embeddings of subjects seen in training are optimistic
======================================================

An embedder that reads the labels pulls its training subjects of one class together, also where
the labels are noise. A classifier that is trained on these embeddings believes what it sees.
:class:`~skmmcl.model_selection.CrossFitTransformer` embeds each training subject by a model that
was fitted without that subject. This example shows both side by side, with the labels of a
simulated cohort and with the same labels shuffled, where nothing can be learnt.
"""

# %%
# One cohort, two sets of labels
# ------------------------------
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import StratifiedShuffleSplit, cross_val_score

from skmmcl import CMCCSSEmbedder, CrossFitTransformer
from skmmcl.datasets import make_cohort

X, y, _ = make_cohort(n_subjects=200, random_state=0)
X = X[list(X.modalities[:3])]
labels = {"shuffled": np.random.default_rng(0).permutation(y), "true": y}
splits = list(StratifiedShuffleSplit(3, test_size=0.5, random_state=0).split(X, y))
X


# %%
# Three embeddings
# ----------------
# One fit of ``CrossFitTransformer`` holds all that we compare: the model of all training subjects,
# which gives the usual embeddings of the subjects that it *has seen* and of *new* ones, and the
# *cross-fitted* embeddings of the training subjects.
def embed(y, train, test):
    embedder = CMCCSSEmbedder(max_epochs=30, random_state=0)
    cross = CrossFitTransformer(embedder, cv=4)
    cross_fitted = cross.fit_transform(X[train], y[train])
    return {
        "seen": cross.transform(X[train]),
        "cross-fitted": cross_fitted,
        "new": cross.transform(X[test]),
    }


embeddings = {
    name: [embed(target, train, test) for train, test in splits] for name, target in labels.items()
}

# %%
# What a classifier sees when there is nothing to see
# ---------------------------------------------------
# The labels are shuffled, so honest embeddings of the two classes look alike. We project all three
# on the direction that a logistic regression finds in the embeddings of the subjects seen in
# training.
train, test = splits[0]
first, target = embeddings["shuffled"][0], labels["shuffled"]
direction = LogisticRegression(max_iter=1000).fit(first["seen"], target[train])
limits = np.array([direction.decision_function(Z) for Z in (first["seen"], first["new"])])
bins = np.linspace(limits.min(), limits.max(), 25)

fig, axes = plt.subplots(3, 1, sharex=True, figsize=(6, 5), layout="constrained")
for ax, (name, Z) in zip(axes, first.items(), strict=True):
    classes = target[test if name == "new" else train]
    projected = np.clip(direction.decision_function(Z), bins[0], bins[-1])
    for value in (0, 1):
        ax.hist(projected[classes == value], bins, density=True, alpha=0.6, label=f"class {value}")
    ax.set_title(f"{name}: AUC {roc_auc_score(classes, projected):.2f}", loc="left")
    ax.set_yticks([])
axes[0].legend()
axes[-1].set_xlabel("decision function of the classifier")
fig.suptitle("Shuffled labels")
plt.show()

# %%
# The subjects seen in training fall apart into two classes that do not exist. The cross-fitted
# embeddings look as those of new subjects do.


# %%
# What it does to scores
# ----------------------
# For a classifier trained on either kind of embedding: its cross-validated score *within* the
# training embeddings, its score for new subjects, and the log-loss of its probabilities for new
# subjects. The dotted line is chance, or always saying the share of the classes.
def scores(embedded, y, train, test, kind):
    classifier = LogisticRegression(max_iter=1000)
    inner = cross_val_score(classifier, embedded[kind], y[train], scoring="roc_auc").mean()
    classifier.fit(embedded[kind], y[train])
    probability = classifier.predict_proba(embedded["new"])[:, 1]
    return inner, roc_auc_score(y[test], probability), log_loss(y[test], probability)


kinds = ("seen", "cross-fitted")
results = {
    (name, kind): np.mean(
        [
            scores(embedded, labels[name], *split, kind)
            for embedded, split in zip(embeddings[name], splits, strict=True)
        ],
        axis=0,
    )
    for name in labels
    for kind in kinds
}
print(f"{'labels':10}{'trained on':14}{'inner AUC':>10}{'test AUC':>10}{'log-loss':>10}")
for (name, kind), values in results.items():
    print(f"{name:10}{kind:14}" + "".join(f"{value:10.2f}" for value in values))

# %%
share = np.mean(y)
constant_loss = -share * np.log(share) - (1 - share) * np.log(1 - share)
titles = (
    "AUC within the\ntraining embeddings",
    "AUC for\nnew subjects",
    "log-loss for\nnew subjects",
)

fig, axes = plt.subplots(1, 3, figsize=(8, 3.5), layout="constrained")
positions = np.arange(len(labels))
for column, (ax, title) in enumerate(zip(axes, titles, strict=True)):
    for shift, kind in zip((-0.2, 0.2), kinds, strict=True):
        heights = [results[name, kind][column] for name in labels]
        ax.bar(positions + shift, heights, width=0.38, label=f"trained on {kind}")
    ax.axhline(constant_loss if column == 2 else 0.5, color="black", linestyle=":")
    ax.set_xticks(positions, [f"{name} labels" for name in labels])
    ax.set_title(title, fontsize="medium")
axes[0].set_ylim(0, 1)
axes[1].set_ylim(0, 1)
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
plt.show()

# %%
# The score within the training embeddings is near its maximum whatever the labels, until they are
# cross-fitted: then it agrees with the score for new subjects. That score itself is honest in all
# cases. What the classifier says of its own certainty is not: trained on seen subjects it is
# overconfident, which the log-loss shows.
