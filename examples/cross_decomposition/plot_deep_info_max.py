"""
Choose which parts of modalities should agree
=============================================

Deep InfoMax maximizes the information between parts of a subject's
modalities. This example draws these parts, and measures on simulated
subjects which factors the embeddings encode: those that two modalities
share, and those that one has alone.
"""

# %%
# The edges
# ---------
# An encoder computes two things of a modality: features of each place, the
# local map, and one embedding of the whole. Four kinds of edges join them;
# most models use L and S.

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Circle, Rectangle

COLORS = ("tab:blue", "tab:orange")


def draw_modality(ax, x, color, name):
    """A local map of four by four places below, and an embedding above."""
    for i in range(4):
        for j in range(4):
            corner = x - 0.6 + 0.3 * i, 0.3 * j
            ax.add_patch(
                Rectangle(corner, 0.28, 0.28, color=color, alpha=0.35)
            )
    ax.add_patch(Circle((x, 2.3), 0.3, color=color, alpha=0.8))
    ax.text(x, -0.35, name, ha="center")


def draw_edge(ax, start, end):
    ax.annotate(
        "",
        end,
        start,
        arrowprops={"arrowstyle": "<|-|>", "lw": 2, "color": "black"},
    )


top, grid = [(0, 2.05), (3, 2.05)], [(0, 1.25), (3, 1.25)]
place = (0.45, 0.74)
EDGES = {
    "L: embedding, own places": list(zip(top, grid, strict=True)),
    "CL: embedding, places of the other": [
        (top[0], (2.6, 1.25)),
        (top[1], (0.4, 1.25)),
    ],
    "CS: one place, places of the other": [(place, (2.38, 0.74))],
    "S: embedding, embedding of the other": [((0.3, 2.3), (2.7, 2.3))],
}

fig, axes = plt.subplots(2, 2, figsize=(8, 6), layout="constrained")
for ax, (title, edges) in zip(axes.flat, EDGES.items(), strict=True):
    for x, color, name in zip((0, 3), COLORS, ("T1", "fALFF"), strict=True):
        draw_modality(ax, x, color, name)
    for start, end in edges:
        draw_edge(ax, start, end)
    if title.startswith("CS"):
        ax.add_patch(Rectangle((0.3, 0.6), 0.28, 0.28, color=COLORS[0]))
    ax.set(xlim=(-0.9, 3.9), ylim=(-0.5, 2.8), aspect="equal", title=title)
    ax.axis("off")
plt.show()

# %%
# Simulated subjects
# ------------------
# Both modalities are tables of 12 regions by 8 features. They show two
# shared factors, and two private ones each.

from skmmcl.datasets import make_cohort

X, _, truth = make_cohort(
    400,
    modalities={"t1": (12, 8), "falff": (12, 8)},
    n_shared=2,
    n_private=2,
    class_sep=0.0,
    complementarity=0.0,
    private_scale=1.5,
    noise=1.0,
    site_effect=0.0,
    age_effect=0.0,
    random_state=0,
)
train, test = slice(0, 300), slice(300, None)

# %%
# What embeddings encode
# ----------------------
# A linear regression predicts each factor from the embedding of T1, on
# subjects who took no part in training.

from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score

from skmmcl import DeepInfoMaxEmbedder

FACTORS = {"shared": truth.shared, "private": truth.private["t1"]}


def known(embedder):
    """Variance of each kind of factor that the embedding of T1 explains."""
    embedder.fit(X[train])
    h = embedder.transform(X)[:, : embedder.n_components]
    probes = {
        kind: RidgeCV().fit(h[train], f[train])
        for kind, f in FACTORS.items()
    }
    return {
        kind: r2_score(FACTORS[kind][test], p.predict(h[test]))
        for kind, p in probes.items()
    }


OBJECTIVES = {
    "S": None,
    "L": None,
    "L-CL": None,
    "AE": None,
    "S-AE": {"AE": 10.0},
}
training = {
    "n_components": 4,
    "max_epochs": 20,
    "lr": 8e-3,
    "random_state": 0,
}
found = {
    name: known(
        DeepInfoMaxEmbedder(objectives=name, weights=weights, **training)
    )
    for name, weights in OBJECTIVES.items()
}

fig, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
for k, kind in enumerate(FACTORS):
    values = [found[name][kind] for name in OBJECTIVES]
    ax.bar(
        np.arange(len(OBJECTIVES)) + 0.4 * k,
        values,
        width=0.38,
        label=f"{kind} factors",
    )
ax.set_xticks(np.arange(len(OBJECTIVES)) + 0.2, OBJECTIVES)
ax.set(
    ylim=(0, 1),
    xlabel="objective",
    ylabel="explained variance",
)
fig.legend(loc="outside upper center", ncols=2, frameon=False)
# sphinx_gallery_thumbnail_number = 2
plt.show()
for name, values in found.items():
    print(
        f"{name:5}",
        {kind: round(float(value), 2) for kind, value in values.items()},
    )
