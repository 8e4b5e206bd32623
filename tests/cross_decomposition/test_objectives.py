"""What each objective promises to keep, on simulated cohorts whose factors are known.

Measured are means over five cohorts of the variance of factors that a linear probe explains.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from skmmcl.cross_decomposition import DeepInfoMaxEmbedder
from skmmcl.datasets import make_cohort
from skmmcl.networks import VolumeEncoder

SEEDS = range(300, 305)
TRAIN, TEST = np.arange(200), np.arange(200, 400)

# Regions by measures: each region is a place of the local maps.
REGIONS = {
    "cohort": {"modalities": dict.fromkeys(["mri", "pet"], (10, 4)), "private_scale": 1.5}
    | {"noise": 0.5},
    "embedder": {"lr": 0.02, "weight_decay": 0.03, "batch_size": 200, "max_epochs": 80},
    "weights": {"S-AE": {"AE": 10.0}},
}


class Coarse(VolumeEncoder):
    """An encoder of volumes that is cheap enough for five cohorts."""

    def __init__(self, shape, n_components):
        super().__init__(shape, local_layer="conv")
        self.pool = nn.AvgPool3d(4)
        self.conv = nn.Conv3d(1, 8, kernel_size=3, padding=1)
        self.relu = nn.ReLU()
        self.flat = nn.Flatten()
        self.fc = nn.Linear(8 * 8**3, n_components)


# Squared errors are means over voxels, of which a blob covers few: hence the weight.
VOLUMES = {
    "cohort": {"modalities": dict.fromkeys(["mri", "pet"], (32, 32, 32))}
    | {"age_effect": 0.2, "site_effect": 0.2},
    "embedder": {"lr": 0.01, "weight_decay": 0.03, "optimizer": "adamw", "max_epochs": 25}
    | {"encoders": Coarse},
    "weights": {"S-AE": {"AE": 300.0}},
}
SETTINGS = {"regions": REGIONS, "volumes": VOLUMES}


def explained(h, factors):
    probe = make_pipeline(StandardScaler(), Ridge(alpha=10.0))
    return max(0.0, cross_val_score(probe, h, factors, scoring="r2", cv=5).mean())


@cache
def kept(setting, objectives):
    """Explained variance of shared and of private factors."""
    options = SETTINGS[setting]
    found = []
    for seed in SEEDS:
        X, _, truth = make_cohort(
            400, n_shared=2, n_private=2, complementarity=0, class_sep=0, random_state=seed,
            **options["cohort"],
        )  # fmt: skip
        embedder = DeepInfoMaxEmbedder(
            objectives=objectives, weights=options["weights"].get(objectives), n_components=5,
            random_state=0, **options["embedder"],
        )  # fmt: skip
        h = embedder.fit(X[TRAIN]).transform(X[TEST])
        for name, of_view in zip(X.modalities, np.split(h, 2, axis=1), strict=True):
            factors = truth.shared, truth.private[name]
            found.append([explained(of_view, f[TEST]) for f in factors])
    return np.mean(found, axis=0)


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS)
def test_similarity_keeps_what_is_shared_and_loses_what_is_private(setting):
    shared, private = kept(setting, "S")
    assert shared > 0.85
    assert private < 0.15


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS)
def test_an_autoencoder_keeps_what_is_private(setting):
    assert kept(setting, "AE")[1] > 0.5
    assert kept(setting, "AE")[1] > kept(setting, "S")[1] + 0.4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "objectives"), [("regions", "S-AE"), ("regions", "L-CL"), ("volumes", "S-AE")]
)
def test_a_sum_of_both_kinds_keeps_both(setting, objectives):
    shared, private = kept(setting, objectives)
    assert shared > 0.6
    assert private > 0.4


if __name__ == "__main__":  # the table of the user guide
    for case in [(of, name) for of in SETTINGS for name in ("S", "AE", "S-AE")] + [
        ("regions", "L-CL")
    ]:
        print(*case, kept(*case).round(2))  # noqa: T201
