"""What the studies of defaults share: cohorts of ages, linear probes, choice and report."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegressionCV, RidgeCV
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl import MultimodalData
from skmmcl.datasets import fetch_ixi, make_cohort

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
PENALTIES = np.logspace(-1, 5, 13)


def find_shared_data() -> None:
    """Read real cohorts from the folder next to the checkout, where there is one."""
    if SHARED.is_dir():
        os.environ.setdefault("SKMMCL_DATA", str(SHARED))


def simulated(n_subjects: int, seed: int) -> tuple[MultimodalData, np.ndarray]:
    """Two simulated tables and the ages of the subjects, of which they tell about half."""
    X, y, _ = make_cohort(n_subjects, modalities=["t2", "clinical"], random_state=seed)
    parts = MultimodalData(X.to_dict(), meta={"age": X.meta["age"], "class": y})
    return parts, np.asarray(X.meta["age"], dtype=float)


def lifespan() -> tuple[MultimodalData, np.ndarray]:
    """Thickness of both hemispheres of healthy subjects of 6 to 97 years, NKI and OASIS-2."""
    folder = Path(os.environ["SKMMCL_DATA"]) / "pcntoolkit_rois"
    table = pd.concat([pd.read_csv(folder / f"nki_oasis2_df_{part}.csv") for part in ("tr", "te")])
    arrays = {side: table.filter(regex=f"^{side}_.*thickness$") for side in ("L", "R", "lh", "rh")}
    arrays = {side: frame.to_numpy(float) for side, frame in arrays.items() if frame.shape[1]}
    known = np.isfinite(np.hstack([*arrays.values(), table[["age"]].to_numpy(float)])).all(1)
    parts = {side: array[known] for side, array in arrays.items()}
    sex = table["sex"].to_numpy()[known]
    return MultimodalData(parts, meta={"sex": sex}), table["age"].to_numpy(float)[known]


def ixi() -> tuple[MultimodalData, np.ndarray]:
    """Thickness of both hemispheres of healthy subjects of 20 to 86 years."""
    X, age = fetch_ixi(return_X_y=True)
    return X, np.asarray(age, dtype=float)


def directions(h: np.ndarray, n_components: int) -> np.ndarray:
    """Return each modality's representation at length one."""
    blocks = h.reshape(len(h), -1, n_components)
    length = np.linalg.norm(blocks, axis=-1, keepdims=True)
    return (blocks / np.maximum(length, 1e-12)).reshape(h.shape)


def r2_of_probe(h: np.ndarray, y: np.ndarray, h_test: np.ndarray, y_test: np.ndarray) -> float:
    """R2 of a ridge regression on the representation, of subjects held out."""
    return make_pipeline(StandardScaler(), RidgeCV(PENALTIES)).fit(h, y).score(h_test, y_test)


def auc_of_probe(h: np.ndarray, y: np.ndarray, h_test: np.ndarray, y_test: np.ndarray) -> float:
    """ROC AUC of a logistic regression on the representation, of subjects held out."""
    probe = LogisticRegressionCV(
        Cs=5, scoring="neg_log_loss", max_iter=2000, l1_ratios=(0,), use_legacy_attributes=False
    )
    model = make_pipeline(StandardScaler(), probe).fit(h, y)
    return roc_auc_score(y_test, model.decision_function(h_test))


def mean_of(values: Any) -> float:
    """Return the mean, rounded as it is published."""
    return round(float(np.mean(values)), 4)
