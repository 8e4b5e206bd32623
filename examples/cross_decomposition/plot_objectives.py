"""
Compare what each objective keeps
=================================

Two modalities share factors, such as a disease that both show, and each has
private factors of its own. Which of them survive in an embedding is a
matter of the objective. On a simulated cohort the factors are known, and a
linear probe tells how much of each an embedding still holds.
"""

# %%
# A cohort whose factors are known
# --------------------------------
# Each modality has four measures of ten regions. Both show two shared
# factors alike. Each shows two private ones as well, which are stronger,
# the age and the site of the scan, and noise.

import numpy as np

from skmmcl.datasets import make_cohort


def cohort(seed):
    return make_cohort(
        400,
        modalities={"mri": (10, 4), "pet": (10, 4)},
        n_shared=2,
        n_private=2,
        private_scale=1.5,
        complementarity=0,
        class_sep=0,
        noise=0.5,
        random_state=seed,
    )


# %%
# Probes
# ------
# An embedder is trained on half of the subjects. Of the other half, each
# factor is predicted by ridge regression from the representation of one
# modality, in cross-validation: a proportion of explained variance near 1
# says that the factor is there to be read, one near 0 that it is lost.

from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def probe(h, factors):
    ridge = make_pipeline(StandardScaler(), Ridge(alpha=10.0))
    return max(
        0.0, cross_val_score(ridge, h, factors, scoring="r2", cv=5).mean()
    )


def kept(embedder, seed):
    X, _, truth = cohort(seed)
    train, test = np.arange(200), np.arange(200, 400)
    h = embedder.fit(X[train]).transform(X[test]).reshape(200, 2, -1)
    age = X.meta["age"][test]
    return [
        [
            probe(h[:, view], truth.shared[test]),
            probe(h[:, view], truth.private[name][test]),
            probe(h[:, view], age),
        ]
        for view, name in enumerate(X.modalities)
    ]


# %%
# Five objectives
# ---------------
# ``S`` asks that the embeddings of the two modalities of a subject agree,
# ``AE`` that each can be decoded to its modality, ``S-AE`` both; there the
# reconstruction is given a weight that lets it have a say. ``L-CL``
# compares an embedding with what the encoders have of each region, of its
# own and of the other modality. The mixture of experts of
# :class:`~skmmcl.decomposition.MMVAEEmbedder` decodes each embedding to
# both modalities.

from skmmcl import DeepInfoMaxEmbedder, MMVAEEmbedder

common = {
    "n_components": 5,
    "batch_size": 200,
    "max_epochs": 40,
    "lr": 0.03,
    "weight_decay": 0.03,
    "random_state": 0,
}
embedders = {
    "S": DeepInfoMaxEmbedder(objectives="S", **common),
    "AE": DeepInfoMaxEmbedder(objectives="AE", **common),
    "S-AE": DeepInfoMaxEmbedder(
        objectives="S-AE", weights={"AE": 10.0}, **common
    ),
    "L-CL": DeepInfoMaxEmbedder(objectives="L-CL", **common),
    "MMVAE": MMVAEEmbedder(**common),
}
found = {
    name: np.mean([kept(embedder, seed) for seed in range(2)], axis=(0, 1))
    for name, embedder in embedders.items()
}
for name, (shared, private, age) in found.items():
    print(
        f"{name:6} shared {shared:.2f}   private {private:.2f}   "
        f"age {age:.2f}"
    )

# %%
# The private factors are noise to ``S``, and are lost. The age is no factor
# of either modality, but since both show it, it is as good as shared: no
# contrast between modalities can tell a common nuisance from a common
# disease.

# %%
# The picture
# -----------
# Means over two cohorts and both modalities; the test suite has them over
# five.

import matplotlib.pyplot as plt

fig, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
place = np.arange(len(found))
for k, label in enumerate(["shared factors", "private factors", "age"]):
    ax.bar(
        place + 0.27 * (k - 1),
        [values[k] for values in found.values()],
        0.25,
        label=label,
    )
ax.set(
    ylabel="explained variance",
    ylim=(0, 1),
    xticks=place,
    xticklabels=list(found),
)
fig.legend(loc="outside lower center", ncols=3, frameon=False)
plt.show()
