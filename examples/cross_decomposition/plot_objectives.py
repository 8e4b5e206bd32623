"""
Compare what each objective keeps
=================================

Two modalities share factors, such as a disease that both show, and each has
private factors of its own. The objective decides which of them an embedding
keeps. In a simulated cohort the factors are known, and a linear probe
measures how much of each an embedding still contains.
"""

# %%
# A cohort whose factors are known
# --------------------------------
# Each modality has four measures of ten regions. Both show the same two
# shared factors. Each also shows two private factors, which are stronger,
# the age, the site of the scan, and noise.

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
# An embedder is trained on half of the subjects. In the other half, ridge
# regression predicts each factor from the representation of one modality,
# in cross-validation. If the proportion of explained variance is near 1,
# the representation contains the factor; near 0, the factor is lost.

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
# ``S`` makes the embeddings of the two modalities of a subject agree,
# ``AE`` makes each decodable to its modality, and ``S-AE`` does both, with
# a larger weight for the reconstruction. ``L-CL`` compares an embedding
# with the local features of each region, of its own and of the other
# modality. The mixture of experts of
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
# The private factors are noise to ``S``, and are lost. Both modalities show
# the age, so it counts as shared: no contrast between modalities can
# distinguish a common nuisance from a common disease.
#
# The figure has means over two cohorts and both modalities.

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
