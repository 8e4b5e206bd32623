"""What was planted in a simulated cohort is found: places, and links between modalities."""

import numpy as np
import pytest

from skmmcl import CMCCSSEmbedder, MultimodalData
from skmmcl.datasets import make_cohort
from skmmcl.inspection import group_contrast, latent_links, saliency

LINEAR = {"encoders": "linear", "weight_decay": 1.0, "lr": 3e-3, "max_epochs": 40}


def dice(values, place):
    """Overlap of a place and as many voxels of the largest absolute values."""
    size = np.abs(values)
    top = size >= np.sort(size, axis=None)[-np.count_nonzero(place)]
    return 2 * np.count_nonzero(top & place) / (top.sum() + place.sum())


def test_a_place_that_two_modalities_share():
    rng, shape, n = np.random.default_rng(0), (10, 9, 8), 60
    y = np.arange(n) % 2
    shared, own = np.zeros((2, *shape), bool)
    shared[2:5, 3:6, 2:5] = own[6:9, 2:5, 4:7] = True
    amounts = y + rng.normal(scale=0.5, size=n)
    X = MultimodalData(
        {
            name: np.multiply.outer(amounts, shared)
            + np.multiply.outer(rng.normal(size=n), own)
            + rng.normal(size=(n, *shape))
            for name in ("t1", "falff")
        }
    )
    train, test = slice(0, 40), slice(40, None)
    embedder = CMCCSSEmbedder(
        solver="gradient", **LINEAR, n_components=2, batch_size=20, random_state=0
    )
    embedder.fit(X[train], y[train])
    maps = [saliency(embedder, X[test], modality=name, rescale=False) for name in X.modalities]
    (link,) = latent_links(*maps).strongest(1)
    assert abs(link.correlation) > 0.5
    for of_modality, component in zip(maps, (link.a, link.b), strict=True):
        assert dice(of_modality[component].mean(axis=0), shared) > 0.5
    contrast = group_contrast(X["t1"], y)
    assert dice(contrast.rbc, shared) > 0.5
    assert contrast.rbc[shared].min() > 0.2


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_the_linked_pair_of_dimensions_reads_the_shared_factors(seed):
    sizes = {"t1": (32, 32, 32), "pet": (32, 32, 32)}
    X, y, truth = make_cohort(
        160,
        modalities=sizes,
        n_shared=2,
        n_private=2,
        n_subtypes=1,
        complementarity=0.0,
        prevalence=0.5,
        n_sites=1,
        site_effect=0,
        age_effect=0,
        random_state=seed,
    )
    train, test = slice(0, 120), slice(120, None)
    embedder = CMCCSSEmbedder(
        solver="gradient", **LINEAR, n_components=2, css_weight=0, random_state=0
    )
    embedder.fit(X[train])
    of_subjects = embedder.transform(X[test]).T[:, np.newaxis]  # blobs lie at different places
    (link,) = latent_links(of_subjects[:2], of_subjects[2:]).strongest(1)
    assert abs(link.correlation) > 0.7
    for name, component in (("t1", link.a), ("pet", link.b)):
        shared = truth.maps[name][:2].any(axis=0)
        maps = saliency(embedder, X[test][:5], modality=name, components=component, rescale=False)
        assert dice(maps.mean(axis=0), shared) > 0.5
        assert dice(group_contrast(X[name], y).rbc, shared) > 0.5
