"""Cross-modal contrast in closed form."""

import numpy as np
import pytest

from skmmcl.exceptions import DataError, ModalityError
from skmmcl.solvers import MultisetCCA


def make_shared(n_samples=200, n_shared=3, seed=0, widths=(8, 12, 400)):
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(99)
    shared = rng.normal(size=(n_samples, n_shared))
    return {
        f"m{width}": shared @ mixing.normal(size=(n_shared, width))
        + rng.normal(size=(n_samples, width))
        for width in widths
    }, shared


def retrieval(shown):
    one, other = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in shown)
    return np.mean((one @ other.T).argmax(axis=1) == np.arange(len(one)))


def test_without_regularization_it_is_canonical_correlation():
    (blocks, _) = make_shared(widths=(4, 6))
    solver = MultisetCCA(n_components=4, regularization=0.0, power=0.0).fit(blocks)
    one, other = (np.linalg.qr(b - b.mean(axis=0))[0] for b in blocks.values())
    expected = np.linalg.svd(one.T @ other, compute_uv=False)
    np.testing.assert_allclose(solver.correlations_, expected, atol=1e-9)
    shown = solver.transform(blocks)
    for k in range(4):
        found = np.corrcoef(shown[:, 0, k], shown[:, 1, k])[0, 1]
        assert found == pytest.approx(expected[k], abs=1e-9)


def test_with_much_regularization_it_is_the_svd_of_the_cross_covariance():
    (blocks, _) = make_shared(widths=(4, 6))
    solver = MultisetCCA(n_components=3, regularization=1e9, power=0.0).fit(blocks)
    z = [(b - b.mean(axis=0)) / b.std(axis=0) for b in blocks.values()]
    left = np.linalg.svd(z[0].T @ z[1])[0]
    shown = solver.transform(blocks)[:, 0]
    for k in range(3):
        assert abs(np.corrcoef(shown[:, k], z[0] @ left[:, k])[0, 1]) > 1 - 1e-6


def test_what_modalities_share_is_found_in_new_subjects():
    blocks, _ = make_shared()
    new, shared = make_shared(seed=1)
    shown = MultisetCCA(n_components=3).fit(blocks).transform(new)
    assert shown.shape == (200, 3, 3)
    for part in np.moveaxis(shown, 1, 0):
        known = np.c_[part, np.ones(200)]
        rest = shared - known @ np.linalg.lstsq(known, shared, rcond=None)[0]
        assert rest.var() / shared.var() < 0.35
    assert retrieval(shown[:, [1, 2]].swapaxes(0, 1)) > 0.05  # by chance 0.005


def test_weights_are_copies_but_for_the_order():
    blocks, _ = make_shared(n_samples=60)
    weight = np.arange(60) % 3
    many = np.repeat(np.arange(60), weight)
    weighted = MultisetCCA(n_components=4).fit(blocks, sample_weight=weight)
    copied = MultisetCCA(n_components=4).fit({name: b[many] for name, b in blocks.items()})
    np.testing.assert_allclose(weighted.correlations_, copied.correlations_)
    np.testing.assert_allclose(weighted.transform(blocks), copied.transform(blocks), atol=1e-8)


def test_covariances_are_those_of_subjects_who_have_both():
    blocks, _ = make_shared(n_samples=120, widths=(5, 7))
    mask = np.ones((120, 2), dtype=bool)
    mask[80:100, 0] = mask[100:, 1] = False
    spoiled = {name: np.where(mask[:, [i]], b, 1e6) for i, (name, b) in enumerate(blocks.items())}
    solver = MultisetCCA(n_components=3, regularization=0.0).fit(spoiled, mask)
    shown = solver.transform(spoiled, mask)
    assert np.abs(shown).max() < 100
    both = mask.all(axis=1)
    assert np.corrcoef(shown[both, 0, 0], shown[both, 1, 0])[0, 1] > 0.8
    full = solver.transform(blocks)
    assert np.corrcoef(shown[~mask[:, 1], 1, 0], full[~mask[:, 1], 1, 0])[0, 1] > 0.5


def test_order_of_modalities_and_subjects():
    blocks, _ = make_shared()
    order = np.random.default_rng(0).permutation(200)
    first = MultisetCCA(n_components=3).fit(blocks)
    second = MultisetCCA(n_components=3).fit(
        {name: block[order] for name, block in reversed(blocks.items())}
    )
    np.testing.assert_allclose(
        second.transform(blocks)[:, ::-1], first.transform(blocks), atol=1e-8
    )


def test_modalities_that_share_nothing_give_finite_numbers():
    rng = np.random.default_rng(0)
    blocks = {"a": rng.normal(size=(30, 3)), "b": np.ones((30, 2))}
    solver = MultisetCCA().fit(blocks)
    assert np.isfinite(solver.transform(blocks)).all()
    with pytest.raises(ModalityError, match="at least 2"):
        MultisetCCA().fit({"a": blocks["a"]})


@pytest.mark.parametrize(
    "params",
    [{"n_components": 0}, {"n_components": 2.5}, {"max_axes": 0}, {"power": np.nan}]
    + [{"regularization": value} for value in (-1, np.nan, np.inf)],
    ids=str,
)
def test_parameters_out_of_range(params):
    blocks, _ = make_shared(n_samples=20)
    with pytest.raises(ValueError, match=f"{next(iter(params))}=.*: expected a finite"):
        MultisetCCA(**params).fit(blocks)


def test_what_cannot_be_aligned_is_refused():
    rng = np.random.default_rng(0)
    blocks = {"a": rng.normal(size=(9, 3)), "b": rng.normal(size=(9, 2))}
    for constant in ({name: np.ones_like(b) for name, b in blocks.items()}, two_of(blocks)):
        with pytest.raises(DataError, match=r"None of the modalities \['a', 'b'\] varies"):
            MultisetCCA().fit(constant)
    solver = MultisetCCA().fit(blocks)
    with pytest.raises(DataError, match="NaN, infinite or huge values"):
        solver.transform(blocks | {"b": np.full((9, 2), np.nan)})


def two_of(blocks):
    return {name: block[:2] for name, block in blocks.items()}


@pytest.mark.parametrize("widths", [(8, 12), (80, 400)])
def test_training_columns_are_those_of_transform(widths):
    blocks, _ = make_shared(n_samples=60, widths=widths)
    mask = np.ones((60, 2), dtype=bool)
    mask[:9, 1] = False
    solver = MultisetCCA(n_components=4).fit(blocks, mask)
    np.testing.assert_allclose(
        solver.training_scores_, solver.transform(blocks, mask), rtol=0, atol=1e-9
    )


def test_few_subjects_are_solved_as_many(monkeypatch):
    blocks, _ = make_shared(n_samples=60, widths=(80, 400))
    few = MultisetCCA(n_components=4).fit(blocks)
    monkeypatch.setattr("skmmcl.solvers._multiset_cca.EXACT_UP_TO", 0)
    many = MultisetCCA(n_components=4).fit(blocks)
    np.testing.assert_allclose(few.correlations_, many.correlations_)
    np.testing.assert_allclose(few.transform(blocks), many.transform(blocks), rtol=0, atol=1e-8)
