"""
Tune the classifier on top of an embedding
==========================================

A simple classifier reads an embedding, and its score depends on its
regularization. The protocol of Fedorov et al. [1]_ is a logistic regression
with an elastic net whose strength and mixture are searched over a wide
range. This example runs it with scikit-learn's random search and with
Optuna, which uses earlier trials to choose the next.
"""

# %%
# A cohort and its embedding
# --------------------------
# With ``css_weight=0`` the embedder sees no ``y``, so fitting it once on
# all training subjects leaks nothing of their classes into the search. A
# method that uses ``y`` belongs in the pipeline that is searched;
# ``memory=`` of the pipeline caches its output in each fold.
import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import loguniform, uniform
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    RandomizedSearchCV,
    StratifiedKFold,
    train_test_split,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl import CMCCSSEmbedder
from skmmcl.datasets import make_cohort

X, y, _ = make_cohort(250, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=100, stratify=y, random_state=0
)
embedder = CMCCSSEmbedder(css_weight=0, max_epochs=10, random_state=0).fit(
    X_train
)
Z_train, Z_test = embedder.transform(X_train), embedder.transform(X_test)

classifier = LogisticRegression(
    solver="saga", class_weight="balanced", max_iter=200, tol=1e-2
)
pipeline = Pipeline([("scale", StandardScaler()), ("classify", classifier)])
search = {
    "cv": StratifiedKFold(5, shuffle=True, random_state=0),
    "scoring": "roc_auc",
    "random_state": 0,
}
N_TRIALS = 40

# %%
# Random search
# -------------
# ``C`` spans nine orders of magnitude, from a classifier that is all
# penalty to one that has none; ``l1_ratio`` goes from ridge (0) to lasso
# (1). The paper takes 500 trials.
space = {
    "classify__C": loguniform(1e-6, 1e3),
    "classify__l1_ratio": uniform(0, 1),
}
random_search = RandomizedSearchCV(
    pipeline, space, n_iter=N_TRIALS, **search
)
random_search.fit(Z_train, y_train)

# %%
# Optuna
# ------
# :class:`optuna_integration.OptunaSearchCV` has the same interface and
# takes Optuna's distributions; install it by ``pip install
# "skmmcl[search]"``.
import optuna
from optuna.distributions import FloatDistribution
from optuna_integration import OptunaSearchCV

optuna.logging.set_verbosity(optuna.logging.WARNING)
warnings.filterwarnings("ignore", category=FutureWarning, module="optuna")
warnings.filterwarnings(
    "ignore", category=optuna.exceptions.ExperimentalWarning
)
space = {
    "classify__C": FloatDistribution(1e-6, 1e3, log=True),
    "classify__l1_ratio": FloatDistribution(0, 1),
}
optuna_search = OptunaSearchCV(pipeline, space, n_trials=N_TRIALS, **search)
optuna_search.fit(Z_train, y_train)

# %%
# All trials, and the test score
# ------------------------------
# The score of the best trial is optimistic, because it is the best of many.
# The score of the test subjects, who took no part in the search, is not.
tried = {
    "random": (
        np.array(
            [p["classify__C"] for p in random_search.cv_results_["params"]]
        ),
        random_search.cv_results_["mean_test_score"],
    ),
    "Optuna": (
        np.array(
            [trial.params["classify__C"] for trial in optuna_search.trials_]
        ),
        np.array([trial.value for trial in optuna_search.trials_]),
    ),
}
fig, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
for (name, (strength, scores)), marker in zip(
    tried.items(), "o^", strict=True
):
    ax.semilogx(strength, scores, marker, alpha=0.6, label=name)
ax.set(xlabel="C", ylabel="AUC in cross-validation")
ax.legend()
plt.show()

for name, fitted in (("random", random_search), ("Optuna", optuna_search)):
    print(
        f"{name}: best trial {fitted.best_score_:.2f}, "
        f"test subjects {fitted.score(Z_test, y_test):.2f}, "
        f"{fitted.best_params_}"
    )

# %%
# Both searches take pipelines with an embedder and
# :class:`~skmmcl.data.MultimodalData` as well. The embedder's own
# parameters are then searched by names such as ``embed__temperature``, and
# each trial trains encoders.
#
# .. [1] Fedorov A. et al. (2021). On self-supervised multi-modal
#    representation learning: an application to Alzheimer's disease. ISBI.
