"""
What each objective keeps
=========================

Two modalities share factors, such as a disease that both show, and each has private factors of its
own. Which of them survive in an embedding is a matter of the objective. On a simulated cohort the
factors are known, and a linear probe tells how much of each an embedding still holds.
"""

# %%
# A cohort whose factors are known
# --------------------------------
# Both modalities show two shared factors alike. Each shows two private ones as well, which are
# stronger, the age and the site of the scan, which are nuisances, and noise.

import numpy as np

from skmmcl.datasets import make_cohort


def cohort(seed):
    return make_cohort(
        400,
        modalities={"mri": (40,), "pet": (40,)},
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
# An embedder is trained on half of the subjects. Of the other half, each factor is predicted by
# ridge regression from the representation of one modality, in cross-validation: a proportion of
# explained variance near 1 says that the factor is there to be read, one near 0 that it is lost.

from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def probe(h, factors):
    ridge = make_pipeline(StandardScaler(), Ridge(alpha=10.0))
    return max(0.0, cross_val_score(ridge, h, factors, scoring="r2", cv=5).mean())


def kept(embedder, seed):
    X, _, truth = cohort(seed)
    train, test = np.arange(200), np.arange(200, 400)
    h = embedder.fit(X[train]).transform(X[test]).reshape(200, 2, -1)
    nuisance = X.meta["age"][test]
    return [
        [
            probe(h[:, view], truth.shared[test]),
            probe(h[:, view], truth.private[name][test]),
            probe(h[:, view], nuisance),
        ]
        for view, name in enumerate(X.modalities)
    ]


# %%
# Five objectives
# ---------------
# ``S`` asks that the embeddings of the two modalities of a subject agree, ``AE`` that each can be
# decoded to its modality, ``S-AE`` both. ``L-CL`` compares an embedding with the features of the
# first layer of its own and of the other modality. The mixture of experts of
# :class:`~skmmcl.decomposition.MMVAEEmbedder` decodes each embedding to both modalities.

from skmmcl.cross_decomposition import DeepInfoMaxEmbedder
from skmmcl.decomposition import MMVAEEmbedder

common = {"n_components": 4, "lr": 0.01, "max_epochs": 40, "random_state": 0}
embedders = {
    name: DeepInfoMaxEmbedder(objectives=name, **common) for name in ["S", "AE", "S-AE", "L-CL"]
}
embedders["MMVAE"] = MMVAEEmbedder(**common)
found = {
    name: np.mean([kept(embedder, seed) for seed in range(5)], axis=(0, 1))
    for name, embedder in embedders.items()
}
for name, (shared, private, nuisance) in found.items():
    print(f"{name:6} shared {shared:.2f}   private {private:.2f}   age {nuisance:.2f}")

# %%
# The picture
# -----------
# Means over five cohorts and both modalities.

import matplotlib.pyplot as plt

fig, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
place = np.arange(len(found))
for k, label in enumerate(["shared factors", "private factors", "age"]):
    ax.bar(place + 0.27 * (k - 1), [values[k] for values in found.values()], 0.25, label=label)
ax.set(ylabel="explained variance", ylim=(0, 1), xticks=place, xticklabels=list(found))
fig.legend(loc="outside lower center", ncols=3, frameon=False)
plt.show()
