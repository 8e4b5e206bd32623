"""Saliency of every embedder is the change of what it gives, whatever its network."""

import numpy as np
import pytest

from skmmcl import MultimodalData
from skmmcl.base import BaseEmbedder
from skmmcl.inspection import saliency
from skmmcl.utils import all_estimators

EMBEDDERS = [cls for _, cls in all_estimators() if issubclass(cls, BaseEmbedder)]
STEP = 1e-6


@pytest.mark.parametrize("cls", EMBEDDERS)
@pytest.mark.filterwarnings("ignore")
def test_gradient_is_the_change_of_what_transform_gives(cls):
    rng = np.random.default_rng(0)
    smri, fc = rng.normal(size=(12, 6)), rng.normal(size=(12, 4, 4))
    embedder = cls(solver="gradient", n_components=8, max_epochs=1, dtype="float64", random_state=0)
    embedder.fit({"smri": smri, "fc": fc}, np.arange(12) % 2)
    smri[3] = np.nan  # matters where modalities are fused
    X = MultimodalData(smri=smri, fc=fc)
    maps = saliency(embedder, X, modality="fc", n_samples=1, stdevs=0, rescale=False)
    moved = fc.copy()
    moved[:, 1, 2] += STEP * fc[:, 1, 2].std()
    change = embedder.transform(X.assign(fc=moved)) - embedder.transform(X)
    np.testing.assert_allclose(maps[:, :, 1, 2].T, change[:, -len(maps) :] / STEP, atol=1e-6)
