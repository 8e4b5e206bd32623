"""Presets of papers: each equals the table of published values, and each can be trained."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from joblib import Parallel, delayed
from sklearn.base import clone
from skorch.callbacks import Callback
from torch import nn

from skmmcl import MultimodalData, stacked_fits
from skmmcl.augmentation import published_augmentation
from skmmcl.base import BaseEmbedder
from skmmcl.losses import (
    DecoupledUniformityLoss,
    ExpRegressionLoss,
    JaccardSupConLoss,
    PairwiseCMCLoss,
    YAwareLoss,
)
from skmmcl.networks import EfficientNet3d, ResNet3d
from skmmcl.utils import all_estimators

TABLE = json.loads((Path(__file__).parent / "data" / "recipes.json").read_text())
RECIPES, WITHOUT = TABLE["recipes"], TABLE["without"]
EMBEDDERS = {name: cls for name, cls in all_estimators() if issubclass(cls, BaseEmbedder)}
N = 8


def plain(value):
    """A setting as the table has it."""
    if isinstance(value, partial):
        return {plain(value.func): {name: plain(each) for name, each in value.keywords.items()}}
    if isinstance(value, type):
        public = (
            value.__module__.startswith("torch.optim") and "lr_scheduler" not in value.__module__
        )
        return f"torch.optim.{value.__name__}" if public else value.__name__
    if callable(value):
        return getattr(value, "name", None) or value.__name__
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("name", EMBEDDERS)
def test_every_embedder_has_a_recipe_or_a_reason(name):
    assert (name in RECIPES) != (name in WITHOUT)
    assert hasattr(EMBEDDERS[name], "from_paper") == (name in RECIPES)


def test_the_table_has_no_others():
    assert {*RECIPES, *WITHOUT} == set(EMBEDDERS)


@pytest.mark.parametrize("name", RECIPES)
def test_presets_are_what_was_published(name):
    published = RECIPES[name]["settings"]
    found = EMBEDDERS[name].from_paper()
    params = found.get_params()
    assert {key: plain(params[key]) for key in published} == {
        key: each["value"] for key, each in published.items()
    }
    assert set(EMBEDDERS[name]._paper) == set(published)
    assert all(each["source"] for each in published.values())
    defaults = EMBEDDERS[name]().get_params()
    assert all(params[key] == defaults[key] for key in set(params) - set(published))
    assert repr(clone(found)) == repr(found)


@pytest.mark.parametrize("name", RECIPES)
def test_the_docstring_says_what_cannot_be_had(name):
    notes = EMBEDDERS[name].__doc__.partition("Notes\n")[2].partition("References\n")[0]
    assert "``from_paper" in notes


# ------------------------------------------------------------------------------- training in small


class Small2d(nn.Module):
    """Stands in for networks of timm, which is not there."""

    def __init__(self, shape, n_components):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(shape[0], 4, 3, stride=4), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
            nn.Linear(16, n_components),
        )  # fmt: skip

    def forward(self, x):
        return self.layers(x)


def volumes(*names, side=32, n_regions=None):
    rng = np.random.default_rng(0)
    meta = {"age": rng.uniform(20, 80, N)}
    if n_regions:
        meta["rois"] = rng.uniform(1, 2, (N, n_regions, 3))
    arrays = {name: rng.normal(size=(N, side, side, side)).astype(np.float32) for name in names}
    return MultimodalData(arrays, meta=meta)


def images(*names, n_channels=3):
    rng = np.random.default_rng(0)
    return MultimodalData({name: rng.random((N, n_channels, 64, 64)) for name in names})


CLASSES, AGE = np.arange(N) % 2, np.linspace(40, 54, N)
SMALL = {
    "YAwareEmbedder": (volumes("t1"), AGE, {}),
    "ContrastiveRegressionEmbedder": (volumes("t1"), AGE, {}),
    "AnatCLEmbedder": (volumes("t1", n_regions=5), AGE, {}),
    "DecoupledUniformityEmbedder": (images("x"), None, {"encoders": Small2d}),
    "SimCLREmbedder": (images("x"), None, {"encoders": Small2d}),
    "SupConEmbedder": (images("x"), CLASSES, {"encoders": Small2d}),
    "EpsSupInfoNCEEmbedder": (images("x"), CLASSES, {"encoders": Small2d}),
    "MultiLabelSupConEmbedder": (images("x", n_channels=1), CLASSES, {"encoders": Small2d}),
    "CLIPEmbedder": (images("x", "y"), None, {}),
    "CoMMEmbedder": (images("x", "y"), None, {"encoders": "alexnet"}),
    "CMCCSSEmbedder": (volumes("t2", "other"), CLASSES, {}),
    "DeepInfoMaxEmbedder": (volumes("t1", "falff"), None, {}),
    "SupervisedEmbedder": (volumes("t1", "falff"), CLASSES, {}),
    "MMVAEEmbedder": (volumes("t1", "falff"), None, {}),
    "TopologicalConsistencyEmbedder": (
        volumes("t1", "t2"), None, {"encoders": {("t1", "t2"): "resnet18"}, "max_epochs": 1},
    ),
    "SepVAEEmbedder": (images("x"), CLASSES, {"encoders": Small2d}),
    "DeepUCSL": (volumes("t1"), CLASSES, {}),
}  # fmt: skip


def fitted(name, **params):
    X, y, own = SMALL[name]
    return (
        EMBEDDERS[name].from_paper(random_state=0, **{**own, "max_epochs": 1, **params}).fit(X, y)
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*(kernel is degenerate|single subject|batches of|cluster)")
@pytest.mark.parametrize("name", RECIPES)
def test_recipes_can_be_trained(name):
    model = fitted(name)
    X, _, _ = SMALL[name]
    out = model.transform(X)
    assert np.isfinite(out).all()
    assert len(out) == N
    encoders = {id(encoder) for encoder in getattr(model.net_.module_, "encoders", ())}
    if model.get_params().get("views") == "augmentation":
        assert len(encoders) == 1
        assert out.shape == (N, model.n_components)


def test_networks_of_the_recipes():
    encoder = EMBEDDERS["CMCCSSEmbedder"].from_paper().encoders
    with torch.device("meta"):
        assert isinstance(encoder((64, 64, 64), 8), EfficientNet3d)
    model = fitted("ContrastiveRegressionEmbedder")
    assert isinstance(model.net_.module_.encoders[0].module, ResNet3d)
    head = model.net_.module_.heads[0]
    assert [sorted(layer.weight.shape[-2:]) for layer in head.layers] == [[512, 512], [128, 512]]


# ----------------------------------------------------------------------- one encoder and two copies


class Look(Callback):
    """Keeps the embeddings of a batch and its loss."""

    def on_batch_end(self, net, batch, training, y_pred, loss, **kwargs):
        if training:
            Look.seen = y_pred["z"].double(), float(loss)


def of_first_batch(name, **params):
    model = fitted(name, callbacks=[Look()], batch_size=N, **params)
    return model, *Look.seen


REFERENCES = {
    "YAwareEmbedder": lambda z: YAwareLoss(0.1, bandwidth=5.0)(z, torch.tensor(AGE)),
    "ContrastiveRegressionEmbedder": lambda z: ExpRegressionLoss(0.1)(z, torch.tensor(AGE)),
    "SimCLREmbedder": PairwiseCMCLoss(0.1),
    "SupConEmbedder": lambda z: plain_supcon(z, 0.07),
    "MultiLabelSupConEmbedder": lambda z: JaccardSupConLoss(0.07)(z, torch.tensor(ONE_HOT)),
    "DecoupledUniformityEmbedder": DecoupledUniformityLoss(2.0),
}
ONE_HOT = np.eye(2)[CLASSES]


def plain_supcon(z, temperature):
    """Loops over anchors and positives."""
    u = torch.nn.functional.normalize(z.flatten(0, 1), dim=-1)
    labels, terms = np.tile(CLASSES, len(z)), []
    for i in range(len(u)):
        s = u @ u[i] / temperature
        others = [j for j in range(len(u)) if j != i]
        log_sum = torch.logsumexp(s[others], 0)
        same = [j for j in others if labels[j] == labels[i]]
        terms.append(sum(log_sum - s[j] for j in same) / len(same))
    return sum(terms) / len(terms)


@pytest.mark.parametrize("name", REFERENCES)
def test_first_batch_is_the_reference_loss_of_two_copies_by_one_encoder(name):
    small = {} if SMALL[name][2] else {"encoders": "small_cnn", "n_components": 8}
    model, z, loss = of_first_batch(name, **small)
    assert len({id(encoder) for encoder in model.net_.module_.encoders}) == 1
    assert len(z) == 2
    assert loss == pytest.approx(REFERENCES[name](z).item(), rel=1e-4)


@pytest.mark.parametrize("name", REFERENCES)
def test_copies_differ_by_the_draw_alone(name):
    small = {} if SMALL[name][2] else {"encoders": "small_cnn", "n_components": 8}
    _, z, _ = of_first_batch(name, **small, augment=published_augmentation("none"))
    assert torch.equal(z[0], z[1])
    if name != "ContrastiveRegressionEmbedder":  # whose copies are equal in the paper
        _, z, _ = of_first_batch(name, **small)
        assert not torch.equal(z[0], z[1])


@pytest.mark.parametrize("name", REFERENCES)
def test_recipes_in_a_stack_have_the_bits_of_single_fits(name):
    X, y, own = SMALL[name]
    small = own or {"encoders": "small_cnn", "n_components": 8}
    models = [
        EMBEDDERS[name].from_paper(**{**small, "max_epochs": 2}, random_state=seed)
        for seed in range(2)
    ]
    alone = [clone(model).fit(X, y).transform(X) for model in models]
    with stacked_fits():
        found = Parallel(n_jobs=2)(delayed(clone(model).fit)(X, y) for model in models)
    for one, other in zip(alone, found, strict=True):
        np.testing.assert_array_equal(one, other.transform(X))
