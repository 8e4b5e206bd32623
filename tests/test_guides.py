"""What guides a training: read anew where it goes on, of the subjects that count alone."""

from __future__ import annotations

import ast
import inspect
from typing import Any

import numpy as np
import pytest
from numpydoc.docscrape import ClassDoc

from skmmcl import (
    CMCCSSEmbedder,
    EpsSupInfoNCEEmbedder,
    MultimodalData,
    SupConEmbedder,
    YAwareEmbedder,
)
from skmmcl.base import BaseEmbedder
from skmmcl.datasets import make_cohort
from skmmcl.decomposition import SepVAEEmbedder
from skmmcl.exceptions import DataError
from skmmcl.utils import all_estimators

EMBEDDERS = [cls for _, cls in all_estimators() if issubclass(cls, BaseEmbedder)]


@pytest.fixture(name="cohort")
def small():
    X, y, _ = make_cohort(60, random_state=0)
    return X[["smri", "clinical"]], y


def make(cls, **params):
    return cls(max_epochs=1, warm_start=True, random_state=0, n_components=4, **params)


def test_metadata_that_are_changed_count_from_then_on(cohort):
    X, _ = cohort
    embedder = make(YAwareEmbedder, metadata="age").fit(X)
    embedder.set_params(metadata=None).fit(X, np.arange(60.0))
    assert embedder.metadata_names_ == ["y"]
    classes = make(SupConEmbedder, metadata="sex").fit(X)
    with pytest.raises(ValueError, match="zz"):
        classes.set_params(metadata=None).fit(X, ["zz"] * 60)


def test_a_bias_that_is_changed_counts_from_then_on(cohort):
    X, y = cohort
    embedder = make(EpsSupInfoNCEEmbedder, bias="site").fit(X, y)
    with pytest.raises(KeyError, match="nope"):
        embedder.set_params(bias="nope").fit(X, y)


def test_classes_cannot_be_asked_for_later(cohort):
    X, y = cohort
    embedder = make(CMCCSSEmbedder, css_weight=0).fit(X)
    with pytest.raises(ValueError, match="began without classes"):
        embedder.set_params(css_weight=1, solver="gradient").fit(X, y)
    embedder = make(CMCCSSEmbedder, solver="gradient").fit(X, y)
    with pytest.warns(UserWarning, match="css_weight=0 has no effect"):
        assert embedder.set_params(css_weight=0).fit(X).n_iter_ == 2


def test_patients_cannot_be_others_later(cohort):
    X, y = cohort
    embedder = make(SepVAEEmbedder, positive=0).fit(X, y)
    with pytest.raises(ValueError, match="began with the patients 0"):
        embedder.set_params(positive=1).fit(X, y)


def test_what_is_trained_on_after_a_mixed_fit_has_its_own_scale(cohort):
    X, y = cohort
    embedder = CMCCSSEmbedder(encoders="linear", n_components=4, max_epochs=2, random_state=0)
    embedder.fit(X, y)
    embedder.partial_fit(X, y)
    mean = embedder.transform(X).mean(axis=0)
    np.testing.assert_allclose(mean, embedder.mean_representation_.ravel(), atol=1e-5)


def lacking(cohort, label, but_one):
    """Subjects of a label lack a modality, but for one; who that one is."""
    X, y = cohort
    mask = X.mask.copy()
    rows = np.flatnonzero(y == label)
    mask[rows[but_one:], 1] = False
    return type(X)(dict(X.items()), mask=mask), rows[0]


@pytest.mark.parametrize(("label", "who"), [(0, "controls"), (1, "patients")])
def test_a_modality_that_would_say_who_is_a_patient(cohort, label, who):
    X, _ = lacking(cohort, label, 0)
    with pytest.raises(DataError, match=f"'clinical' is missing in all \\d+ {who}"):
        make(SepVAEEmbedder).fit(X, cohort[1])


def test_subjects_of_weight_zero_say_nothing(cohort):
    X, one = lacking(cohort, 1, 1)
    weight = np.ones(60)
    make(SepVAEEmbedder).fit(X, cohort[1], sample_weight=weight)
    weight[one] = 0
    with pytest.raises(DataError, match="'clinical' is missing in all 17 patients"):
        make(SepVAEEmbedder).fit(X, cohort[1], sample_weight=weight)
    third = cohort[1].copy()
    third[one] = 2
    make(SepVAEEmbedder).fit(cohort[0], third, sample_weight=weight)


@pytest.mark.parametrize("cls", EMBEDDERS, ids=lambda cls: cls.__name__)
def test_described_defaults_are_those_of_the_signature(cls):
    parameters = inspect.signature(cls).parameters
    for name, kind, _ in ClassDoc(cls)["Parameters"]:
        _, has_default, text = kind.partition("default=")
        if has_default:
            assert ast.literal_eval(text) == parameters[name].default, name


def test_a_network_that_is_trained_on_is_not_another(cohort):
    X, y = cohort
    embedder = make(SupConEmbedder).fit(X, y)
    with pytest.raises(ValueError, match="n_components=5: training goes on with a network"):
        embedder.set_params(n_components=5).fit(X, y)
    assert embedder.set_params(n_components=4).partial_fit(X, y).n_iter_ == 2


HEADED = [
    name
    for name, cls in all_estimators()
    if issubclass(cls, BaseEmbedder) and cls.__module__.startswith("skmmcl.contrastive")
]


@pytest.mark.filterwarnings("ignore:.*(kernel is degenerate|cannot be represented)")
@pytest.mark.parametrize("name", HEADED)
def test_guided_methods_heed_the_projection_head(name):
    rng = np.random.default_rng(0)
    X = MultimodalData(a=rng.normal(size=(24, 5)), b=rng.normal(size=(24, 4)))
    y = np.arange(24) % 2
    cls: Any = dict(all_estimators())[name]
    params = {"max_epochs": 1, "n_components": 3, "random_state": 0}
    model = cls(**params, projection_dim=(6, 2)).fit(X, y)
    plain = cls(**params).fit(X, y)
    assert [layer.weight.numel() for layer in model.net_.module_.heads[0].layers] == [18, 12]
    assert model.transform(X).shape == plain.transform(X).shape == (24, 6)
    assert plain.net_.module_.heads is None
