"""``normalize=True``: representations of length one, which is all that a contrast trains."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import skmmcl.contrastive
from skmmcl import MultimodalData, SupConEmbedder, stacked_fits
from skmmcl.base import DifferentiableEncoder

METHODS = [getattr(skmmcl.contrastive, name) for name in skmmcl.contrastive.__all__]
N = 24


@pytest.fixture
def y():
    return np.arange(N) % 2


@pytest.fixture
def X(y):
    rng = np.random.default_rng(0)
    smri = rng.normal(size=(N, 5)) + y[:, None]
    smri[:3] = np.nan
    fc = rng.normal(size=(N, 4))
    fc[3:5] = np.nan
    return MultimodalData(smri=smri, fc=fc)


def fitted(method, X, y, **params):
    return method(max_epochs=2, n_components=3, random_state=0, **params).fit(X, y)


def directions(h):
    blocks = h.reshape(len(h), -1, 3)
    return (blocks / np.linalg.norm(blocks, axis=-1, keepdims=True)).reshape(h.shape)


@pytest.mark.filterwarnings("ignore:The kernel is degenerate")
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
def test_every_guided_method_gives_its_directions(method, X, y):
    as_it_is = fitted(method, X, y)
    assert not as_it_is.normalize
    on_sphere = fitted(method, X, y, normalize=True)
    np.testing.assert_allclose(
        on_sphere.transform(X), directions(as_it_is.transform(X)), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("impute", ["mean", "ridge"])
def test_what_stands_in_for_the_absent_has_length_one_too(X, y, impute):
    h = fitted(SupConEmbedder, X, y, normalize=True, impute=impute).transform(X)
    np.testing.assert_allclose(np.linalg.norm(h.reshape(N, 2, 3), axis=-1), 1, rtol=1e-6)


def test_it_may_be_set_after_the_fit_and_keeps_the_dtype(X, y):
    model = fitted(SupConEmbedder, X, y)
    h = model.transform(X)
    on_sphere = model.set_params(normalize=True).transform(X)
    assert on_sphere.dtype == h.dtype
    np.testing.assert_allclose(on_sphere, directions(h), rtol=1e-5)


def test_stacked_fits_agree(X, y):
    from joblib import Parallel, delayed

    with stacked_fits():
        h = Parallel()(
            delayed(SupConEmbedder(max_epochs=2, normalize=on, random_state=0).fit_transform)(X, y)
            for on in (True, False)
        )
    for on, found in zip((True, False), h, strict=True):
        alone = SupConEmbedder(max_epochs=2, normalize=on, random_state=0).fit_transform(X, y)
        np.testing.assert_array_equal(found, alone)


def test_gradients_are_those_of_directions(X, y):
    model = fitted(SupConEmbedder, X[5:], y[5:], normalize=True)
    encoder = DifferentiableEncoder(model, X[5:], "smri")
    with encoder.evaluated():
        z = encoder.function(np.arange(4))(encoder.read(np.arange(4)))
    np.testing.assert_allclose(z.numpy(), model.transform(X[5:9])[:, :3], rtol=1e-4, atol=1e-5)


def test_a_closed_form_says_that_it_heeds_none(X, y):
    model = SupConEmbedder(solver="closed_form", normalize=True)
    with pytest.warns(UserWarning, match="normalize had no effect"):
        model.fit(X, y)


def test_only_guided_methods_have_it():
    assert all("normalize" in inspect.signature(method).parameters for method in METHODS)
    assert "normalize" not in inspect.signature(skmmcl.CMCCSSEmbedder).parameters
