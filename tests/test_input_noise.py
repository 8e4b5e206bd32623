"""The embedders' parameter ``input_noise``."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_validate

from skmmcl import CLIPEmbedder, CMCCSSEmbedder, CoMMEmbedder, MultimodalData, stacked_fits
from skmmcl.augmentation import FeatureNoise
from skmmcl.cross_decomposition import TopologicalConsistencyEmbedder

N = 60


@pytest.fixture(name="y")
def classes():
    return np.arange(N) % 2


@pytest.fixture(name="X")
def cohort(y):
    rng = np.random.default_rng(0)
    fc = rng.normal(size=(N, 8, 8)) * 5 + y[:, None, None]
    smri = rng.normal(size=(N, 10)) * np.geomspace(0.01, 100, 10) + 3
    smri[:, 4] = 7.0  # constant
    return MultimodalData(
        smri=smri, fc=fc + fc.transpose(0, 2, 1), regions=rng.normal(size=(N, 4, 3))
    )


def make(cls=CMCCSSEmbedder, **params):
    settings = {"solver": "gradient", "max_epochs": 3, "n_components": 4, "batch_size": N}
    return cls(**{**settings, "input_noise": 1.0, "random_state": 0, **params})


class Watch:
    """Remembers what the encoders are given, in training mode and not."""

    def __init__(self, embedder, X, y):
        embedder.set_params(max_epochs=1).fit(X, y)
        self.network = embedder.net_.module_
        self.trained, self.other = {}, {}
        for k, encoder in enumerate(self.network.encoders):
            encoder.register_forward_pre_hook(
                lambda module, given, k=k: (
                    (self.trained if module.training else self.other)
                    .setdefault(k, [])
                    .append(given[0][0].detach().clone().double().numpy())
                )
            )


def noise_seen(embedder, X, y, n_epochs=40):
    """Noise of each view in many epochs, (n_epochs, n_samples, ...), as its encoder sees it."""
    embedder.set_params(lr=1e-9)
    watch = Watch(embedder, X, y)
    for _ in range(n_epochs):
        embedder.partial_fit(X, y)
    found = []
    watch.other.clear()
    embedder.transform(X)
    for k in range(len(watch.network.encoders)):
        trained = np.stack([batch[: len(X)] for batch in watch.trained[k]])
        found.append(trained - watch.other[k][0][: len(X)])
    return dict(zip(embedder.modalities_, found, strict=True))


@pytest.mark.parametrize("std", [0.5, 2.0])
def test_the_encoders_see_noise_of_that_deviation(X, y, std):
    found = noise_seen(make(input_components=None, input_noise=std), X, y)
    np.testing.assert_allclose(found["regions"].std(axis=(0, 1)), std, rtol=0.1)
    np.testing.assert_allclose(found["fc"].std(axis=(0, 1)), std, rtol=0.1)
    np.testing.assert_allclose(found["fc"], found["fc"].swapaxes(2, 3), atol=1e-5)
    assert np.abs(found["regions"] - found["regions"].mean()).mean() > 0.5 * std
    deviation = found["smri"].std(axis=(0, 1))
    assert deviation[4] == 0
    np.testing.assert_allclose(np.delete(deviation, 4), std, rtol=0.1)


@pytest.mark.parametrize("standardize", [True, False])
def test_scores_have_the_noise_of_the_features(X, y, standardize):
    embedder = make(standardize=standardize)
    found = noise_seen(embedder, X, y)
    for name, mirrored in (("smri", False), ("fc", True), ("regions", False)):
        scores = embedder.net_.module_.scalers[embedder.net_.module_._key[name]]
        weight = scores.weight[0].double().numpy()
        scale = X[name].std(axis=0).ravel()
        same = np.eye(len(scale))
        if mirrored:
            same = np.maximum(
                same, np.eye(len(scale)).reshape(8, 8, -1).swapaxes(0, 1).reshape(64, -1)
            )
        expected = weight.T @ (same * np.outer(scale, scale)) @ weight
        several = np.cov(found[name].reshape(-1, weight.shape[1]).T)
        np.testing.assert_allclose(several, expected, atol=0.1 * np.abs(expected).max())


def test_connections_count_once_however_they_are_stored(X, y):
    """A connection's noise, in units of the scores, is that of a vector of connections."""
    rows, columns = np.triu_indices(8, 1)
    fc = X["fc"].copy()
    fc[:, np.arange(8), np.arange(8)] = 1.0
    both = MultimodalData(fc=fc, edges=fc[:, rows, columns])
    noise = make().fit(both, y).net_.noise_
    np.testing.assert_allclose(noise["fc"].spread, noise["edges"].spread, atol=1e-5)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_matrices_are_symmetric_whatever_their_mean(X, y, offset):
    free = np.random.default_rng(1).normal(size=(N, 8, 8))
    data = MultimodalData(fc=X["fc"] + offset, free=free + offset)
    noise = make(input_components=None).fit(data, y).net_.noise_
    assert [noise[name].kind for name in ("fc", "free")] == ["symmetric", "entries"]


def test_draws_are_anew_and_of_each_subject(X, y):
    found = noise_seen(make(input_components=None), X, y, n_epochs=3)["regions"]
    assert len(np.unique(found.round(5))) > 0.99 * found.size


def test_absent_modalities_get_no_noise(X, y):
    mask = np.random.default_rng(0).random((N, 3)) > 0.4
    mask[~mask.any(axis=1)] = True
    gaps = MultimodalData(X.to_dict(), mask=mask)
    for components in (None, 60):
        found = noise_seen(make(input_components=components), gaps, y, n_epochs=2)
        for has, values in zip(mask.T, found.values(), strict=True):
            assert (values[:, ~has] == 0).all()
            assert (values[:, has] != 0).reshape(2, has.sum(), -1).any(axis=-1).all()


def test_neither_validation_nor_transform_is_noisy(X, y):
    embedder = make(validation_fraction=0.25, n_iter_no_change=None, monitor="probe", lr=1e-9)
    watch = Watch(embedder, X, y)
    for _ in range(2):
        embedder.partial_fit(X, y)
    assert np.array_equal(embedder.transform(X), embedder.transform(X))
    for k in range(3):
        alike = {}
        for batch in watch.other[k]:
            alike.setdefault(batch.shape, []).append(batch)
        assert max(map(len, alike.values())) > 1
        assert all(np.array_equal(one, many[0]) for many in alike.values() for one in many)


def test_each_copy_of_a_lone_modality_has_noise_of_its_own(X, y):
    embedder = make(max_epochs=1, augment=None).fit(X[["smri"]], y)
    (encoder,), seen = embedder.net_.module_.encoders, []
    encoder.register_forward_pre_hook(lambda _, given: seen.append(given[0].clone()))
    embedder.partial_fit(X[["smri"]], y)
    assert not torch.equal(*seen[0].chunk(2, dim=1))


def test_the_seed_decides_and_fits_go_on_with_their_draws(X, y):
    before = torch.random.get_rng_state()
    first = make().fit(X, y).transform(X)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert np.array_equal(make().fit(X, y).transform(X), first)
    assert not np.array_equal(make(random_state=1).fit(X, y).transform(X), first)
    by_epochs = make(warm_start=True)
    for _ in range(3):
        by_epochs = pickle.loads(pickle.dumps(by_epochs.partial_fit(X, y)))
    assert np.array_equal(by_epochs.transform(X), first)


def representations(embedder, X, y, n_jobs=None):
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    fits = cross_validate(
        embedder, X, y, cv=cv, scoring=nothing, return_estimator=True, n_jobs=n_jobs
    )
    return [fitted.transform(X) for fitted in fits["estimator"]]


def nothing(*_):
    return 0.0


@pytest.mark.parametrize(
    "embedder",
    [
        make(batch_size=16),
        make(batch_size=16, input_components=None),
        make(CLIPEmbedder, batch_size=16, augment=None, self_weight=1.0),
        make(TopologicalConsistencyEmbedder, modalities=["regions"], input_components=None),
    ],
    ids=["scores", "entries", "copies", "tokens"],
)
@pytest.mark.filterwarnings("ignore:.*was given one modality")
def test_stacks_give_the_same_bits(X, y, embedder):
    expected = representations(embedder, X, y)
    with stacked_fits():
        stacked = representations(embedder, X, y)
    assert all(map(np.array_equal, stacked, expected))


@pytest.mark.slow
def test_processes_give_the_same_bits(X, y):
    embedder = make(batch_size=16)
    found = representations(embedder, X, y, n_jobs=2)
    assert all(map(np.array_equal, found, representations(embedder, X, y)))


def test_without_noise_nothing_is_drawn(X, y):
    embedder = make(input_noise=0.0).fit(X, y)
    assert embedder.net_.noise_ is None
    untouched = np.random.default_rng([embedder.net_.seed_, 1])
    assert embedder.net_.augment_rng_.integers(2**63) == untouched.integers(2**63)


def test_noise_leaves_the_order_of_the_subjects_as_it_is(X, y):
    rates = [make(input_noise=std, batch_size=16).fit(X, y).net_.rng_ for std in (0.0, 1.0)]
    assert rates[0].integers(2**63) == rates[1].integers(2**63)


def test_what_is_augmented_gets_no_noise(X, y):
    seen = []

    def spy(x, generator):
        seen.append(x.double().numpy())
        return x

    make(augment={"smri": spy}, max_epochs=2).fit(X, y)
    _, *batches = seen
    assert all(np.array_equal(batch, X["smri"].astype(np.float32)) for batch in batches)
    assert len(batches) == 2


def test_noise_that_nothing_gets_is_said(X, y):
    everywhere = {name: FeatureNoise() for name in X.modalities}
    with pytest.warns(UserWarning, match="input_noise=0.7 has no effect"):
        make(input_noise=0.7, augment=everywhere).fit(X, y)
    with pytest.warns(UserWarning, match="input_noise=0.7 has no effect"):
        make(CoMMEmbedder, input_noise=0.7).fit(X)
    rows = np.random.default_rng(0).normal(size=(2, 4, 3, 3, 3))
    volumes = MultimodalData(a=rows[0], b=rows[1])
    with pytest.warns(UserWarning, match="input_noise=0.7 has no effect"):
        make(input_noise=0.7, encoders=flat).fit(volumes, [0, 1, 0, 1])


def flat(shape, n_components):
    return torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(int(np.prod(shape)), n_components)
    )


def test_noise_without_effect_in_a_closed_form_is_said(X, y):
    with pytest.warns(UserWarning, match="input_noise had no effect"):
        CMCCSSEmbedder(solver="closed_form", input_noise=0.3).fit(X, y)


def test_noise_may_change_between_epochs_if_it_was_there(X, y):
    embedder = make().partial_fit(X, y)
    drawn = pickle.dumps(embedder.net_.augment_rng_)
    embedder.set_params(input_noise=0.0).partial_fit(X, y)
    assert pickle.dumps(embedder.net_.augment_rng_) == drawn
    embedder.set_params(input_noise=0.5).partial_fit(X, y)
    assert pickle.dumps(embedder.net_.augment_rng_) != drawn
    without = make(input_noise=0.0).partial_fit(X, y)
    with pytest.raises(ValueError, match="began without noise"):
        without.set_params(input_noise=1.0).partial_fit(X, y)


@pytest.mark.parametrize("std", [-1.0, np.nan, np.inf, "1", None])
def test_bad_deviations_are_refused(X, y, std):
    with pytest.raises(ValueError, match="input_noise"):
        make(input_noise=std).fit(X, y)


def noisy_cohort(seed, n_features=200):
    """Two modalities of 480 subjects, in which the class is weak among much noise."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=480)
    shared = rng.normal(size=(480, 3))
    shared[:, 0] += 2.4 * (y - 0.5)
    modalities = {}
    for name in "ab":
        loadings = 0.2 * rng.normal(size=(3, n_features))
        modalities[name] = shared @ loadings + rng.normal(size=(480, n_features))
    return MultimodalData(modalities), y


def score_of_others(X, y, **params):
    """ROC AUC in 400 subjects, of 80 that were seen."""
    embedder = CMCCSSEmbedder(solver="gradient", max_epochs=60, random_state=0, **params)
    classifier = LogisticRegression(max_iter=2000).fit(
        embedder.fit_transform(X[:80], y[:80]), y[:80]
    )
    return roc_auc_score(y[80:], classifier.decision_function(embedder.transform(X[80:])))


def test_noise_helps_where_subjects_are_few_and_features_many():
    gains = []
    for seed in (400, 401):
        X, y = noisy_cohort(seed)
        scores = [
            score_of_others(X, y, input_components=None, input_noise=std) for std in (0.0, 1.0)
        ]
        gains.append(scores[1] - scores[0])
    assert np.mean(gains) > 0.005, gains
    assert min(gains) > -0.005, gains
