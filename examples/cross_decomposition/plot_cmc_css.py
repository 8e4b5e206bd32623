"""
Predict a diagnosis from five modalities
========================================

The main job of the package from beginning to end: a cohort with five modalities, an embedding that
is trained inside a scikit-learn pipeline, an honest comparison with simpler methods, a search over
parameters, and a look at what was learnt.
"""

# %%
# A cohort
# --------
# Real cohorts come from arrays, tables or a folder of files. This one is simulated, so that the
# page is made in a minute and nobody's data are needed: three arrays of regions (radiomics, a
# structural and a functional connectome), two tables, and a class that shows weakly in each of
# them. :class:`~skmmcl.data.MultimodalData` holds the modalities; its rows are subjects.

from skmmcl.datasets import make_cohort

X, y, truth = make_cohort(random_state=0)
X

# %%
# A pipeline
# ----------
# :class:`~skmmcl.cross_decomposition.CMCCSSEmbedder` trains one encoder per modality. Its output, a
# few numbers per modality, goes to any classifier. As the two are one pipeline, both are fitted on
# training folds only.

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from skmmcl import CMCCSSEmbedder

pipe = Pipeline(
    [
        ("cmc", CMCCSSEmbedder(random_state=0)),
        ("clf", LogisticRegression(class_weight="balanced", max_iter=1000)),
    ]
)
pipe

# %%
# A comparison
# ------------
# An embedding is worth its price only if it beats what is simpler: each modality alone, and all of
# them put side by side. Every method sees the same folds. Fewer than a third of the subjects belong
# to class 1, hence balanced accuracy.

from operator import itemgetter

import numpy as np
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

cv = StratifiedKFold(5, shuffle=True, random_state=0)
linear = LogisticRegression(C=0.01, class_weight="balanced", max_iter=1000)

methods = {
    name: make_pipeline(FunctionTransformer(itemgetter([name])), StandardScaler(), linear)
    for name in X.modalities
}
methods["concatenation"] = make_pipeline(StandardScaler(), linear)
methods["CMC+CSS"] = pipe

scores = {
    name: cross_val_score(method, X, y, cv=cv, scoring="balanced_accuracy")
    for name, method in methods.items()
}
for name, values in scores.items():
    print(f"{name:15}{values.mean():.3f} +- {values.std():.3f}")

# %%
# The baselines get a strong penalty, for they have hundreds of values per subject. The spread over
# folds says how much of a difference to believe.

import matplotlib.pyplot as plt

fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
for row, values in enumerate(scores.values()):
    ax.plot(values, np.full(len(values), row), "o", color="C0", alpha=0.4, mew=0)
    ax.plot(values.mean(), row, "|", color="C3", ms=18, mew=3)
ax.axvline(0.5, color="0.8", zorder=0)
ax.set_yticks(range(len(scores)), scores)
ax.invert_yaxis()
ax.set(xlabel="balanced accuracy: folds (dots), mean (bar), chance (line)")
ax.spines[["top", "right", "left"]].set_visible(False)

# %%
# A search
# --------
# The parameters of the embedder are parameters of the pipeline. ``memory`` would keep fitted
# embedders, so that values of ``C`` cost nothing; with two of them it is not worth the while.

from sklearn.model_selection import GridSearchCV

search = GridSearchCV(
    pipe.set_params(cmc__max_epochs=20),
    {"cmc__temperature": [0.1, 0.7], "clf__C": [0.1, 1.0]},
    scoring="balanced_accuracy",
    cv=StratifiedKFold(2, shuffle=True, random_state=0),
)
search.fit(X, y)
for params, score in zip(
    search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
):
    print(f"{score:.3f}  {params}")

# %%
# The best of several scores is optimistic. To report it, put the search itself into
# ``cross_val_score``.
#
# What training did
# -----------------
# ``history_`` has the mean of each term in each epoch. CMC draws the modalities of a subject
# together, CSS the subjects of a class. The first may fall below zero: in the default form of this
# loss the positives are not part of the denominator.

from sklearn.model_selection import train_test_split

X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)
embedder = CMCCSSEmbedder(random_state=0).fit(X_train, y_train)

fig, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
for name, label in {"train_loss": "total", "cmc": "CMC", "css": "CSS"}.items():
    ax.plot(embedder.history_[name], label=label, lw=2)
ax.set(xlabel="epoch", ylabel="mean loss")
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)

# %%
# What it gives
# -------------
# The columns of the output carry the names of their modalities.

embedder.get_feature_names_out()[[0, 1, -1]]

# %%
# Two principal components of it, for the subjects trained on and for those held out. The classes
# lie further apart where the embedder has seen the labels. This is why only the right-hand side
# tells anything, why the embedder has to be inside the cross-validated pipeline, and what
# :class:`~skmmcl.model_selection.CrossFitTransformer` is for.

from sklearn.decomposition import PCA

pca = PCA(2).fit(embedder.transform(X_train))
fig, axes = plt.subplots(1, 2, figsize=(8, 4), sharex=True, sharey=True, layout="constrained")
parts = {"seen in training": (X_train, y_train), "held out": (X_test, y_test)}
for ax, (title, (X_part, y_part)) in zip(axes, parts.items(), strict=True):
    points = pca.transform(embedder.transform(X_part))
    for label in (0, 1):
        ax.scatter(*points[y_part == label].T, label=f"class {label}", alpha=0.8, ec="w")
    ax.set(title=title, xlabel="PC 1", xticks=[], yticks=[])
axes[0].set_ylabel("PC 2")
axes[0].legend()
plt.show()
