"""
Build a cohort with missing modalities
======================================

A :class:`~skmmcl.MultimodalData` holds the modalities of one cohort as
named arrays with the same subjects in their rows. This example builds a
cohort with gaps, draws who has what, and cross-validates a classifier.
"""

# %%
# Build it
# --------
# Sixty subjects of three sites. Diffusion imaging was not done at site C,
# and some subjects did not take the tests. A row of NaN, or None in a list,
# marks a missing modality.
import numpy as np

from skmmcl import MultimodalData

rng = np.random.default_rng(0)
n = 60
y = np.arange(n) % 2
site = np.repeat(["A", "B", "C"], n // 3)
age = rng.integers(20, 60, size=n)

smri = rng.normal(size=(n, 40)) + 0.4 * y[:, None]
fc = np.array(
    [np.corrcoef(series) for series in rng.normal(size=(n, 12, 80))]
)
sc = rng.gamma(1.0, size=(n, 12, 12))
sc[site == "C"] = np.nan
clinical = [
    None if rng.random() < 0.15 else [rng.normal(100, 15), years]
    for years in age
]

X = MultimodalData(
    smri=smri,
    fc=fc,
    sc=sc,
    clinical=clinical,
    meta={"site": site, "age": age},
    index=[f"sub-{i:03d}" for i in range(1, n + 1)],
)
X

# %%
# Who has what
# ------------
# ``X.mask`` is True where a subject has a modality.
import matplotlib.pyplot as plt
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

colors = ["#d9d9d9", "#2c7fb8"]
fig, ax = plt.subplots(figsize=(8, 2.6), layout="constrained")
ax.pcolormesh(
    X.mask.T,
    cmap=ListedColormap(colors),
    vmin=0,
    vmax=1,
    edgecolors="white",
    lw=0.5,
)
ax.set_yticks(np.arange(len(X.modalities)) + 0.5, X.modalities)
ax.invert_yaxis()
for start in (n // 3, 2 * n // 3):
    ax.axvline(start, color="black", lw=1.5)
ax.set_xticks(np.arange(n // 6, n, n // 3), ["site A", "site B", "site C"])
ax.tick_params(length=0)
ax.set_title(f"Presence of modalities in {n} subjects (a column each)")
handles = [
    Patch(color=colors[1], label="present"),
    Patch(color=colors[0], label="missing"),
]
fig.legend(
    handles=handles, loc="outside lower center", ncols=2, frameon=False
)
plt.show()

# %%
# Select subjects and modalities
# ------------------------------
# Rows are subjects, names are modalities. All parts share the arrays given
# above.
complete = X[X.mask.all(axis=1)]
print(complete[["fc", "sc"]])

# %%
# Cross-validate
# --------------
# Every splitter and search of scikit-learn takes the container as ``X``.
# Here the first step of the pipeline picks one modality.
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

pick = FunctionTransformer(lambda X: X["smri"])
pipe = make_pipeline(pick, StandardScaler(), LogisticRegression(C=0.01))
scores = cross_val_score(
    pipe, X, y, cv=StratifiedKFold(5), scoring="roc_auc"
)
print(f"AUC from smri alone: {scores.mean():.2f}")
