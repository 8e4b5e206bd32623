"""
Predict a diagnosis when modalities are missing
===============================================

In clinical data some modalities are often missing. This example shows how
much several models lose if new subjects lack modalities.
"""

# %%
# Take modalities away
# --------------------
# A simulated cohort of five modalities. The training subjects have all of
# them. From the test subjects, modalities are removed at random. Everybody
# keeps at least one.

import numpy as np
from sklearn.model_selection import train_test_split

from skmmcl import MultimodalData
from skmmcl.datasets import make_cohort

X, y, _ = make_cohort(
    n_subjects=1200, n_rois=10, n_features=6, random_state=0
)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=225, stratify=y, random_state=0
)


def take_away(X, rate, rng):
    kept = rng.random(X.mask.shape) >= rate
    kept[np.arange(len(X)), rng.integers(0, X.mask.shape[1], len(X))] = True
    return MultimodalData(dict(X.items()), mask=kept)


take_away(X_test, 0.5, np.random.default_rng(0))

# %%
# Models that take them
# ---------------------
# No embedder needs imputed input. CMC+CSS, solved by default, fills the
# columns of a missing modality by their conditional means given the
# subject's other columns. Trained, it replaces the representation of a
# missing modality by the mean of the training subjects or by a regression
# on the subject's other modalities, as ``impute`` says.
# :class:`~skmmcl.cross_decomposition.CoMMEmbedder` fuses the modalities
# that are present. The usual alternative is to impute the input, thousands
# of columns, and to put all modalities side by side.
#
# Columns that are solved in closed form have a scale that counts: do not
# z-score them. Those of a network have none.

from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl import CMCCSSEmbedder, CoMMEmbedder


def classifier(C):
    return LogisticRegression(C=C, class_weight="balanced", max_iter=1000)


def scaled(C):
    return make_pipeline(StandardScaler(), classifier(C))


short = {"max_epochs": 15, "random_state": 0}
models = {
    "CMC+CSS": make_pipeline(CMCCSSEmbedder(), classifier(1.0)),
    "trained, mean": make_pipeline(
        CMCCSSEmbedder(solver="gradient", **short), scaled(0.1)
    ),
    "trained, ridge": make_pipeline(
        CMCCSSEmbedder(solver="gradient", impute="ridge", **short),
        scaled(0.1),
    ),
    "CoMM": make_pipeline(CoMMEmbedder(**short), scaled(0.1)),
    "imputed input": make_pipeline(SimpleImputer(), scaled(0.01)),
}
for model in models.values():
    model.fit(X_train, y_train)

# %%
# What is lost
# ------------
# Lines are means over four draws of the missing modalities; bands are their
# standard deviation. They describe one set of training subjects, and
# another one may rank the models differently. :ref:`missing_modalities` has
# the comparison over many training sets.

import matplotlib.pyplot as plt
from sklearn.metrics import balanced_accuracy_score

rates = [0.0, 0.15, 0.3, 0.45, 0.6]
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for name, model in models.items():
    scores = np.array(
        [
            [
                balanced_accuracy_score(
                    y_test,
                    model.predict(
                        take_away(X_test, rate, np.random.default_rng(draw))
                    ),
                )
                for rate in rates
            ]
            for draw in range(4)
        ]
    )
    mean, deviation = scores.mean(axis=0), scores.std(axis=0)
    ax.plot(rates, mean, "o-", label=name)
    ax.fill_between(rates, mean - deviation, mean + deviation, alpha=0.15)
ax.axhline(0.5, color="0.8", zorder=0)
ax.set(xlabel="fraction of missing modalities", ylabel="balanced accuracy")
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)

# %%
# Subjects without any modality
# -----------------------------
# A subject without any modality is an error that names the subject. If
# predictions have to match the rows of a table, ``on_empty="nan"`` returns
# a row of NaN instead.

embedder = models["CMC+CSS"][0].set_params(on_empty="nan")
nobody = MultimodalData(dict(X_test[:3].items()), mask=np.zeros((3, 5)))
embedder.transform(nobody)[:, :3]
