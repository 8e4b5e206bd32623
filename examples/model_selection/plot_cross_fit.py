"""
Get honest probabilities from a trained embedder
================================================

An embedder that reads the labels pulls its training subjects of one class
together, even if the labels are noise. A classifier that is trained on
these embeddings is overconfident.
:class:`~skmmcl.model_selection.CrossFitTransformer` embeds each training
subject by a model that was fitted without that subject. This example shows
both side by side, with the labels of a simulated cohort and with the same
labels shuffled, where nothing can be learned.
"""

# %%
# One cohort, two sets of labels
# ------------------------------
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import (
    StratifiedKFold,
    StratifiedShuffleSplit,
    cross_val_predict,
    cross_val_score,
)

from skmmcl import CMCCSSEmbedder, CrossFitTransformer
from skmmcl.datasets import make_cohort

X, y, _ = make_cohort(n_subjects=200, random_state=0)
X = X[
    [name for name, shape in X.shapes.items() if len(shape) == 1]
]  # vectors train fastest
rng = np.random.default_rng(0)
splits = list(
    StratifiedShuffleSplit(4, test_size=0.5, random_state=0).split(X, y)
)
labels = {
    "shuffled": [rng.permutation(y) for _ in splits],
    "true": [y for _ in splits],
}
X


# %%
# Three embeddings
# ----------------
# One fit of ``CrossFitTransformer`` gives all three embeddings: those of
# training subjects that the model has *seen*, those of *new* subjects, and
# the *cross-fitted* ones of the training subjects. The embedder can
# memorize: the weight of the supervised term and the learning rate are
# above the defaults, and the input is not reduced to components.
def embed(y, train, test):
    embedder = CMCCSSEmbedder(
        solver="gradient",
        css_weight=3.0,
        lr=0.003,
        input_components=None,
        max_epochs=60,
        random_state=0,
    )
    cross = CrossFitTransformer(embedder, cv=4)
    cross_fitted = cross.fit_transform(X[train], y[train])
    return {
        "seen": cross.transform(X[train]),
        "cross-fitted": cross_fitted,
        "new": cross.transform(X[test]),
    }


# %%
# A logistic regression is trained on each kind of training embedding. Its
# *inner* score is cross-validated within these embeddings; its *outer*
# score is that of new subjects.
inner_cv = StratifiedKFold(5, shuffle=True, random_state=0)
kinds = ("seen", "cross-fitted")


def judge(y, train, test, embeddings, kind):
    classifier, Z = LogisticRegression(max_iter=1000), embeddings[kind]
    inner_auc = cross_val_score(
        classifier, Z, y[train], cv=inner_cv, scoring="roc_auc"
    ).mean()
    inner = cross_val_predict(
        classifier, Z, y[train], cv=inner_cv, method="decision_function"
    )
    classifier.fit(Z, y[train])
    outer = classifier.decision_function(embeddings["new"])
    probability = classifier.predict_proba(embeddings["new"])
    return {
        "inner AUC": inner_auc,
        "outer AUC": roc_auc_score(y[test], outer),
        "log-loss": log_loss(y[test], probability),
        "decisions": {
            "inner": (inner, y[train]),
            "outer": (outer, y[test]),
        },
    }


results = {(name, kind): [] for name in labels for kind in kinds}
for name, targets in labels.items():
    for target, split in zip(targets, splits, strict=True):
        embeddings = embed(target, *split)
        for kind in kinds:
            results[name, kind].append(
                judge(target, *split, embeddings, kind)
            )

# %%
# What the classifier sees if labels are noise
# --------------------------------------------
# The labels are shuffled, so an honest embedding cannot separate the
# classes. All splits together:


def pool(kind, where):
    pairs = [
        result["decisions"][where] for result in results["shuffled", kind]
    ]
    return (np.concatenate(values) for values in zip(*pairs, strict=True))


fig, axes = plt.subplots(
    2, 2, sharex="row", figsize=(7, 5), layout="constrained"
)
for row, kind in zip(axes, kinds, strict=True):
    for ax, where in zip(row, ("inner", "outer"), strict=True):
        decision, truth = pool(kind, where)
        if where == "inner":
            bins = np.histogram_bin_edges(decision, 25)
        decision = np.clip(decision, bins[0], bins[-1])
        for value in (0, 1):
            ax.hist(
                decision[truth == value],
                bins,
                density=True,
                alpha=0.6,
                label=f"class {value}",
            )
        subjects = "training" if where == "inner" else "new"
        ax.set_title(
            f"trained on {kind}: {subjects} subjects", fontsize="medium"
        )
        ax.set_yticks([])
    row[0].set_ylabel("density")
axes[0, 0].legend()
fig.supxlabel("decision function of the classifier", fontsize="medium")
fig.suptitle("Shuffled labels")
plt.show()

# %%
# Upper left, subjects whose labels the embedder has seen form two classes
# that do not exist. In the cross-fitted embeddings, lower left, these
# classes are gone.
#
# Effect on scores
# ----------------
# The dotted line is chance; for the log-loss, it is that of always
# predicting the proportions of the classes.
measures = ("inner AUC", "outer AUC", "log-loss")
table = {
    key: {
        measure: np.mean([result[measure] for result in runs])
        for measure in measures
    }
    for key, runs in results.items()
}
print(
    f"{'labels':10}{'trained on':14}"
    + "".join(f"{measure:>11}" for measure in measures)
)
for (name, kind), values in table.items():
    print(
        f"{name:10}{kind:14}"
        + "".join(f"{values[measure]:11.2f}" for measure in measures)
    )

# %%
share = np.mean(y)
entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
chance = {"inner AUC": 0.5, "outer AUC": 0.5, "log-loss": entropy}
whose = {"inner AUC": "training", "outer AUC": "new", "log-loss": "new"}

fig, axes = plt.subplots(1, 3, figsize=(8, 3.5), layout="constrained")
positions = np.arange(len(labels))
for ax, measure in zip(axes, measures, strict=True):
    for shift, kind in zip((-0.2, 0.2), kinds, strict=True):
        heights = [table[name, kind][measure] for name in labels]
        ax.bar(
            positions + shift,
            heights,
            width=0.38,
            label=f"trained on {kind}",
        )
    ax.axhline(chance[measure], color="black", linestyle=":")
    ax.set_xticks(positions, [f"{name} labels" for name in labels])
    ax.set_title(f"{measure}, {whose[measure]} subjects", fontsize="medium")
for ax in axes[:2]:
    ax.set_ylim(0, 1)
fig.legend(
    *axes[0].get_legend_handles_labels(),
    loc="outside lower center",
    ncols=2,
)
plt.show()

# %%
# Within the embeddings of seen subjects the inner score is far above the
# score of new subjects, for true and for shuffled labels. Cross-fitting
# removes this optimism. With few subjects the inner score is then rather
# pessimistic, because each subject's label took part in the embeddings of
# the others.
#
# The score of new subjects is honest in all cases, and cross-fitting does
# not raise it: the classifier learns from embeddings of smaller models. It
# corrects the probabilities. On shuffled labels the classifier trained on
# seen subjects is overconfident, and its log-loss is far above that of
# always predicting the proportions of the classes. Trained on cross-fitted
# embeddings its log-loss is close to it.
