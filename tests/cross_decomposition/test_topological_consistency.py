"""TopologicalConsistencyEmbedder: no collapse, more agreement, absent modalities, volumes."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression

from skmmcl import MultimodalData
from skmmcl.augmentation import RegionDropout
from skmmcl.cross_decomposition import TopologicalConsistencyEmbedder
from skmmcl.exceptions import ModalityError

REGIONS, NEIGHBORS = 12, 3


def cohort(n=40, seed=0):
    """Two modalities that show the same places of regions by other features, and noise.

    Regions are alike in all subjects, and each subject differs from that.
    """
    rng, fixed = np.random.default_rng(seed), np.random.default_rng(0)
    places = fixed.normal(size=(REGIONS, 3)) + 0.7 * rng.normal(size=(n, REGIONS, 3))
    X = {}
    for name, width in (("sc", 8), ("smri", 6)):
        noise = rng.normal(size=(n, REGIONS, width))
        X[name] = places @ fixed.normal(size=(3, width)) + 0.3 * noise
    return MultimodalData(X)


def make(**params):
    quick = {"n_components": 6, "max_epochs": 1, "n_neighbors": NEIGHBORS, "random_state": 0}
    return TopologicalConsistencyEmbedder(**{**quick, **params})


def tokens_of(embedder, X):
    x = {name: torch.as_tensor(array, dtype=torch.float32) for name, array in X.items()}
    with torch.no_grad():
        return embedder.net_.module_.eval()(x)["tokens"]


def effective_rank(tokens):
    """Exponential of the entropy of the spectrum of all tokens."""
    rows = tokens.flatten(0, 2)
    spectrum = torch.linalg.svdvals(rows - rows.mean(0))
    share = spectrum / spectrum.sum()
    return float(torch.exp(-torch.xlogy(share, share).sum()))


def agreement(tokens):
    """Part of the nearest tokens of a subject that both modalities have in common."""
    unit = tokens / tokens.norm(dim=-1, keepdim=True)
    similarity = unit @ unit.mT - 9 * torch.eye(tokens.shape[2])
    near = torch.zeros_like(similarity).scatter(-1, similarity.topk(NEIGHBORS).indices, 1.0)
    return float((near[0] * near[1]).sum(-1).mean() / NEIGHBORS)


def test_modalities_come_to_agree_on_neighbours_and_tokens_do_not_collapse():
    X, X_new = cohort(20), cohort(20, seed=1)
    before = tokens_of(make(lr=1e-12).fit(X), X_new)
    for reconstruction_weight in (1.0, 0.0):  # nor do they without
        trained = make(max_epochs=40, lr=0.01, reconstruction_weight=reconstruction_weight).fit(X)
        after = tokens_of(trained, X_new)
        assert agreement(after) > agreement(before) + 0.2
        assert effective_rank(after) > 0.9 * effective_rank(before) > 3


@pytest.mark.slow
def test_reconstruction_keeps_more_of_the_features_of_regions():
    gained = []
    for seed in range(4):
        X, X_new = (cohort(20, seed=2 * seed + k) for k in (0, 1))
        with_it, without = (
            make(max_epochs=40, lr=0.01, reconstruction_weight=weight, random_state=seed).fit(X)
            for weight in (1.0, 0.0)
        )
        gained.append(told(with_it, X, X_new) - told(without, X, X_new))
    assert np.mean(gained) > 0.03
    assert min(gained) > 0


def told(embedder, X, X_new):
    """Part of the variance of regions' features that is linear in their tokens."""
    known, new = tokens_of(embedder, X), tokens_of(embedder, X_new)
    parts = []
    for name, h, h_new in zip(X.modalities, known, new, strict=True):
        reading = LinearRegression().fit(h.flatten(0, 1), X[name].reshape(-1, X[name].shape[2]))
        parts.append(reading.score(h_new.flatten(0, 1), X_new[name].reshape(-1, X[name].shape[2])))
    return np.mean(parts)


def test_how_regions_differ_in_all_subjects_is_not_standardised_away():
    X = cohort(14)
    x = {name: torch.as_tensor(array, dtype=torch.float32) for name, array in X.items()}
    for input_components in (None, 60):  # so many are all that 14 subjects have
        embedder = make(input_components=input_components).fit(X)
        seen = embedder.net_.module_(x)["x_seen"]["0"].numpy()
        sc = X["sc"]
        expected = (sc - sc.mean((0, 1))) / sc.std((0, 1))
        np.testing.assert_allclose(seen, expected, atol=1e-4)


def test_every_term_falls_and_is_in_the_history():
    history = make(max_epochs=10, lr=0.01).fit(cohort(20)).history_
    assert set(history) == {"train_loss", "intra", "inter", "reconstruction"}
    assert all(values[-1] < values[0] for values in history.values())


def test_a_term_of_weight_zero_is_left_out():
    embedder = make(reconstruction_weight=0, inter_weight=0).fit(cohort(10))
    assert set(embedder.history_) == {"train_loss", "intra"}
    assert embedder.net_.module_.decoders is None


@pytest.mark.parametrize("negatives", ["all", "sample"])
def test_who_lacks_a_modality_does_not_change_the_others(negatives):
    """Rows of subjects without a modality may hold anything."""
    X = cohort(14)
    mask = np.ones((14, 2), dtype=bool)
    mask[:3, 0] = mask[3:5, 1] = False
    junk = {name: array.copy() for name, array in X.items()}
    junk["sc"][:3] = np.nan
    junk["smri"][3:5] = 1e6
    h = [
        make(max_epochs=3, negatives=negatives).fit_transform(MultimodalData(arrays, mask=mask))
        for arrays in (dict(X.items()), junk)
    ]
    np.testing.assert_array_equal(*h)


def test_seeds_cover_drawn_negatives():
    X = cohort(14)
    first, second, other = (
        make(negatives="sample", max_epochs=2, random_state=seed).fit_transform(X)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.allclose(first, other)


def test_three_modalities_with_one_that_has_no_places():
    X = cohort(14)
    X = MultimodalData(**dict(X.items()), clinical=np.random.default_rng(0).normal(size=(14, 4)))
    h = make(pooling="flatten").fit_transform(X)
    assert h.shape == (14, 3 * REGIONS * 6)


def test_small_volumes():
    rng = np.random.default_rng(0)
    X = MultimodalData({m: rng.normal(size=(6, 8, 8, 8)).astype("float32") for m in ("t1", "pet")})
    embedder = make(batch_size=3).fit(X)
    assert embedder.net_.module_.grid == (4, 4, 4)
    assert embedder.net_.criterion_.terms[1].loss.loss.match == "mutual"
    assert all(
        p.grad is None or torch.isfinite(p).all() for p in embedder.net_.module_.parameters()
    )
    assert np.isfinite(embedder.transform(X)).all()


def test_tokens_that_do_not_align():
    X = MultimodalData(sc=np.zeros((4, 6, 6)), smri=np.zeros((4, 5, 3)))
    with pytest.raises(ModalityError, match=r"do not align: 'sc' has 6, 'smri' has 5"):
        make().fit(X)


@pytest.mark.parametrize("margins", [(0.1,), (0.1, -1.0), (0.1, "a"), (0.1, np.inf)])
def test_margins_are_two_numbers(margins):
    with pytest.raises(ValueError, match="margins must be two numbers"):
        make(margins=margins).fit(cohort(6))


@pytest.mark.filterwarnings("ignore:.*was given one modality:UserWarning")
def test_a_lone_modality_that_is_augmented():
    X = {"sc": cohort(10)["sc"]}
    assert make(augment={"sc": RegionDropout(symmetric=False)}).fit_transform(X).shape == (10, 12)
