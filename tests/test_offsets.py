"""A mean that is very large beside the deviation costs no digits."""

import numpy as np
import pytest

from skmmcl import CMCCSSEmbedder, MultimodalData
from skmmcl.base import DifferentiableEncoder
from skmmcl.cross_decomposition import TopologicalConsistencyEmbedder

N = 30
Y = np.arange(N) % 2
SHAPES = {"vector": (5,), "matrix": (4, 4), "volume": (4, 4, 4), "ints": (3,)}


def cohort(offset):
    rng = np.random.default_rng(0)
    arrays = {
        name: rng.integers(-(2**9), 2**9, (N, *shape)) / 2**8 for name, shape in SHAPES.items()
    }
    arrays["ints"] = (arrays["ints"] * 2**8).astype(np.int64) + 2**8 * offset
    for name in ("vector", "matrix", "volume"):
        arrays[name] += offset
    arrays["matrix"][3] = arrays["vector"][7] = np.nan
    return arrays


@pytest.mark.parametrize("input_components", [None, 60])
@pytest.mark.parametrize("offset", [2**20, -(2**20), 2.0**30 / 1000])
def test_embeddings_are_those_of_centered_data(offset, input_components):
    embedder = CMCCSSEmbedder(
        solver="gradient",
        max_epochs=2,
        input_components=input_components,
        batch_size=10,
        random_state=0,
    )
    expected = embedder.fit_transform(cohort(0), Y)
    np.testing.assert_allclose(embedder.fit_transform(cohort(offset), Y), expected, atol=1e-4)


def test_rows_of_matrices_keep_how_they_differ():
    arrays = {"a": cohort(0)["matrix"] + np.arange(4.0)[:, None], "b": cohort(0)["volume"][..., 0]}
    embedder = TopologicalConsistencyEmbedder(max_epochs=2, random_state=0)
    expected = embedder.fit_transform(arrays)
    moved = {name: array + 2**20 for name, array in arrays.items()}
    np.testing.assert_allclose(embedder.fit_transform(moved), expected, atol=1e-4)


class Rows:
    def __init__(self, array):
        self._array, self.shape, self.dtype = array, array.shape, array.dtype

    def __getitem__(self, rows):
        return self._array[rows]


def test_volumes_that_are_read_when_needed():
    arrays = cohort(2**20)
    embedder = CMCCSSEmbedder(solver="gradient", max_epochs=1, random_state=0)
    expected = embedder.fit_transform(MultimodalData(arrays), Y)
    lazy = MultimodalData({**arrays, "volume": Rows(arrays["volume"])})
    np.testing.assert_allclose(embedder.fit_transform(lazy, Y), expected, atol=1e-6)


def test_gradients_are_those_at_the_subject():
    near, far = (
        MultimodalData({name: cohort(offset)[name] for name in ("volume", "ints")})
        for offset in (0, 2**20)
    )
    z = []
    for X in (near, far):
        embedder = CMCCSSEmbedder(solver="gradient", max_epochs=1, random_state=0).fit(X, Y)
        encoder, rows = DifferentiableEncoder(embedder, X, "ints"), np.arange(8)
        with encoder.evaluated():
            z.append(encoder.function(rows)(encoder.read(rows)).numpy())
        np.testing.assert_allclose(z[-1], embedder.transform(X)[:8, -16:], atol=1e-5)
    np.testing.assert_allclose(*z, atol=1e-4)


def test_what_needs_no_centering_is_shared_as_before():
    arrays = {"a": np.random.default_rng(0).normal(1000, 2, (N, 5)).astype(np.float32)}
    embedder = CMCCSSEmbedder(
        solver="gradient", max_epochs=1, input_components=None, random_state=0
    )
    embedder.fit({**arrays, "b": arrays["a"][:, :2]}, Y)
    assert embedder._trained.origins == {}
