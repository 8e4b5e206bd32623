"""
Predict a diagnosis from five modalities
========================================

The main job of the package from beginning to end: a cohort with five
modalities, an embedding that is fitted inside a scikit-learn pipeline, an
honest comparison with simpler methods, a search over parameters, and a look
at what was learned.
"""

# %%
# A cohort
# --------
# Real cohorts come from arrays, tables or a folder of files. This one is
# simulated, so the script needs no data: three arrays of regions
# (radiomics, a structural and a functional connectome), two tables, and a
# class that shows weakly in each of them.
# :class:`~skmmcl.data.MultimodalData` holds the modalities; its rows are
# subjects.

from skmmcl.datasets import make_cohort

X, y, truth = make_cohort(random_state=0)
X

# %%
# A pipeline
# ----------
# :class:`~skmmcl.cross_decomposition.CMCCSSEmbedder` returns a few columns
# per modality for any classifier. Both steps of the pipeline are fitted on
# training folds only. By default the embedder is solved in closed form, so
# a fit takes a fraction of a second.

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from skmmcl import CMCCSSEmbedder

pipe = Pipeline([("cmc", CMCCSSEmbedder()), ("clf", LogisticRegression())])
pipe

# %%
# A comparison
# ------------
# Use an embedding only if it beats simpler methods: each modality alone,
# and all of them side by side, with a penalty that is chosen within the
# training folds. Every method sees the same folds. The last one trains
# networks, as the paper does.

from operator import itemgetter

import numpy as np
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skmmcl import stacked_fits

cv = RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=0)
linear = LogisticRegressionCV(
    Cs=np.logspace(-4, 0, 5),
    l1_ratios=(0,),
    cv=3,
    scoring="neg_log_loss",
    max_iter=300,
    tol=1e-3,
    use_legacy_attributes=False,
)  # fmt: skip

methods = {
    name: make_pipeline(
        FunctionTransformer(itemgetter([name])), StandardScaler(), linear
    )
    for name in X.modalities
}
methods["concatenation"] = make_pipeline(StandardScaler(), linear)
methods["CMC+CSS"] = pipe
methods["CMC+CSS, gradient"] = make_pipeline(
    CMCCSSEmbedder(solver="gradient", max_epochs=50, random_state=0),
    LogisticRegression(),
)

with stacked_fits():
    scores = {
        name: cross_val_score(method, X, y, cv=cv, scoring="roc_auc")
        for name, method in methods.items()
    }
for name, values in scores.items():
    print(f"{name:20}{values.mean():.3f} +- {values.std():.3f}")

# %%
# The spread over folds shows which differences to believe.

import matplotlib.pyplot as plt

fig, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
for row, (name, values) in enumerate(scores.items()):
    color = "C3" if name == "CMC+CSS" else "C0"
    ax.plot(
        values,
        np.full(len(values), row),
        "o",
        color=color,
        alpha=0.35,
        mew=0,
    )
    ax.plot(values.mean(), row, "|", color=color, ms=18, mew=3)
ax.axvline(0.5, color="0.8", zorder=0)
ax.set_yticks(range(len(scores)), scores)
ax.invert_yaxis()
ax.set(xlabel="ROC AUC: folds (dots), mean (bar), chance (line)")
ax.spines[["top", "right", "left"]].set_visible(False)

# %%
# A search
# --------
# The parameters of the embedder are parameters of the pipeline. The best of
# several scores is optimistic. To report it, put the search itself into
# ``cross_val_score``.

from sklearn.model_selection import GridSearchCV

grid = {"cmc__n_components": [4, 16], "clf__C": [0.1, 1.0, 10.0]}
search = GridSearchCV(pipe, grid, scoring="roc_auc", cv=5).fit(X, y)
for params, score in zip(
    search.cv_results_["params"],
    search.cv_results_["mean_test_score"],
    strict=True,
):
    print(f"{score:.3f}  {params}")

# %%
# What it gives
# -------------
# The columns of the output have the names of their modalities and of the
# term that they solve: "css", the supervised one. The last one looks at all
# modalities jointly.

from sklearn.model_selection import train_test_split

X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.3, stratify=y, random_state=0
)
embedder = CMCCSSEmbedder()
left_out = embedder.fit_transform(X_train, y_train)
embedder.get_feature_names_out()

# %%
# ``fit_transform``, which a pipeline calls, gives each training subject the
# columns of discriminants that have not seen its label. They are
# distributed as those of held-out subjects. ``transform`` of the same
# subjects is optimistic: their labels are known to it. This is why the
# embedder has to be inside the pipeline that is cross-validated.

parts = {
    "training, leave-one-out": (left_out, y_train),
    "held out": (embedder.transform(X_test), y_test),
    "training, labels seen": (embedder.transform(X_train), y_train),
}
fig, axes = plt.subplots(
    1, 3, figsize=(9, 3.4), sharex=True, sharey=True, layout="constrained"
)
for ax, (title, (columns, labels)) in zip(axes, parts.items(), strict=True):
    for label in (0, 1):
        points = columns[labels == label]
        ax.scatter(
            points[:, 0],
            points[:, -1],
            label=f"class {label}",
            alpha=0.75,
            ec="w",
        )
    ax.set(title=title, xlabel="smri_css_0")
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("joint_css_0")
fig.legend(
    *axes[0].get_legend_handles_labels(),
    loc="outside lower center",
    ncols=2,
    frameon=False,
)
plt.show()
