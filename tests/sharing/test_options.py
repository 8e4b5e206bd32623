"""What the options of an embedder leave behind in it is saved as well."""

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from sklearn.model_selection import cross_validate

from skmmcl import (
    UCSL,
    CLIPEmbedder,
    EmbeddingNet,
    MMVAEEmbedder,
    SupConEmbedder,
    load_model,
    save_model,
    stacked_fits,
)
from skmmcl.augmentation import Compose, FeatureNoise
from tests.sharing.fitted import same, subjects

X, Y = subjects()
OPTIONS = {
    "schedule": {"lr_schedule": "onecycle"},
    "cosine": {"lr_schedule": "cosine", "gradient_clip": 1.0},
    "early_stopping": {"validation_fraction": 0.3, "n_iter_no_change": 1, "verbose": 0},
    "probe": {"validation_fraction": 0.3, "monitor": "probe"},
    "augment": {"augment": {"smri": Compose([FeatureNoise((0.0, 0.1))])}},
    "noise": {"input_noise": 0.1},
    "ridge": {"impute": "ridge"},
    "sgd": {"optimizer": "sgd"},
    "optimizer": {"optimizer": torch.optim.Adagrad},
    "attention": {"encoders": {"fc": "attention", "smri": "linear"}},
    "float64": {"dtype": "float64"},
    "warm_start": {"warm_start": True},
    "plain": {"standardize": False, "input_components": None},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_options(options, tmp_path):
    model = SupConEmbedder(
        **{"solver": "gradient", "max_epochs": 3, "random_state": 0, **options}
    ).fit(X, Y)
    save_model(model, tmp_path / "a")
    loaded = load_model(tmp_path / "a")
    assert same(loaded.transform(X), model.transform(X))
    assert loaded.history_.keys() == model.history_.keys()
    assert loaded.n_iter_ == model.n_iter_


@pytest.mark.parametrize("encoder", ["tiny_densenet", "resnet18"])
def test_networks_of_volumes(encoder, tmp_path):
    volumes = {"t1": np.random.default_rng(0).normal(size=(6, 16, 16, 16)), "smri": X["fc"][:6, 0]}
    model = CLIPEmbedder(encoders={"t1": encoder}, max_epochs=1, n_components=2, random_state=0)
    save_model(model.fit(volumes), tmp_path / "a")
    assert same(load_model(tmp_path / "a").transform(volumes), model.transform(volumes))


def test_a_fit_of_a_stack(tmp_path):
    model = SupConEmbedder(solver="gradient", max_epochs=2, random_state=0)
    with stacked_fits():
        fits = cross_validate(model, X, Y, cv=2, scoring=lambda *_: 0, return_estimator=True)
    one = fits["estimator"][0]
    save_model(one, tmp_path / "a")
    assert same(load_model(tmp_path / "a").transform(X), one.transform(X))


def test_the_net_alone(tmp_path):
    net = MMVAEEmbedder(max_epochs=1, random_state=0).fit(X).net_
    save_model(net, tmp_path / "a")
    loaded = load_model(tmp_path / "a")
    assert isinstance(loaded, EmbeddingNet)
    expected, found = net.module_.state_dict(), loaded.module_.state_dict()
    assert all(torch.equal(found[name], value) for name, value in expected.items())


@pytest.mark.filterwarnings("ignore:EM has not converged")
def test_a_clusterer(tmp_path):
    table = np.nan_to_num(X["smri"])
    model = UCSL(clusterer=KMeans(2, n_init=1), random_state=0).fit(table, Y)
    save_model(model, tmp_path / "a")
    assert same(load_model(tmp_path / "a").predict(table), model.predict(table))
