"""
Predict a diagnosis when modalities are missing
===============================================

At the clinic some modalities are always missing. This example shows what
models lose when they meet subjects who lack some, and what can be done
about it.
"""

# %%
# Take modalities away
# --------------------
# A simulated cohort of five modalities, in a part of which no subject lacks
# anything. From the test subjects, modalities are taken away at random.
# Everybody keeps at least one.

import numpy as np
from sklearn.model_selection import train_test_split

from skmmcl import MultimodalData
from skmmcl.datasets import make_cohort

X, y, _ = make_cohort(
    n_subjects=300, n_rois=10, n_features=6, random_state=0
)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, stratify=y, random_state=0
)


def take_away(X, rate, rng):
    kept = rng.random(X.mask.shape) >= rate
    kept[np.arange(len(X)), rng.integers(0, X.mask.shape[1], len(X))] = True
    return MultimodalData(dict(X.items()), mask=kept)


take_away(X_test, 0.5, np.random.default_rng(0))

# %%
# Models that take them
# ---------------------
# No embedder needs imputed input. CMC+CSS, solved as by default, fills the
# columns of an absent modality by their conditional means given the
# subject's other columns. Trained, it replaces the representation of an
# absent modality by the mean of the training subjects or by a regression on
# the subject's other modalities, as ``impute`` says.
# :class:`~skmmcl.cross_decomposition.CoMMEmbedder` fuses what is there. The
# usual way is to impute the input, thousands of columns, and to put all
# modalities side by side.

from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl import CMCCSSEmbedder, CoMMEmbedder


def classifier(C):
    return make_pipeline(
        StandardScaler(),
        LogisticRegression(C=C, class_weight="balanced", max_iter=1000),
    )


short = {"max_epochs": 15, "random_state": 0}
models = {
    "CMC+CSS": make_pipeline(CMCCSSEmbedder(), classifier(1.0)),
    "trained, mean": make_pipeline(
        CMCCSSEmbedder(solver="gradient", **short), classifier(0.1)
    ),
    "trained, ridge": make_pipeline(
        CMCCSSEmbedder(solver="gradient", impute="ridge", **short),
        classifier(0.1),
    ),
    "CoMM": make_pipeline(CoMMEmbedder(**short), classifier(0.1)),
    "imputed input": make_pipeline(SimpleImputer(), classifier(0.01)),
}
for model in models.values():
    model.fit(X_train, y_train)

# %%
# What is lost
# ------------
# Lines are means over eight draws of what is taken away; bands have their
# standard deviation. They describe these models and test subjects alone:
# whole comparisons, with models trained anew, are in the user guide.

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
            for draw in range(8)
        ]
    )
    mean, deviation = scores.mean(axis=0), scores.std(axis=0)
    ax.plot(rates, mean, "o-", label=name)
    ax.fill_between(rates, mean - deviation, mean + deviation, alpha=0.15)
ax.axhline(0.5, color="0.8", zorder=0)
ax.set(
    xlabel="part of the modalities taken away", ylabel="balanced accuracy"
)
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)

# %%
# Nobody has anything
# -------------------
# A subject without any modality is an error, which names it. Where
# predictions have to stay in line with a table, ``on_empty="nan"`` gives a
# row of NaN instead.

embedder = models["CMC+CSS"][0].set_params(on_empty="nan")
nobody = MultimodalData(dict(X_test[:3].items()), mask=np.zeros((3, 5)))
embedder.transform(nobody)[:, :3]
