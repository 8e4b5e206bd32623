"""Trifeature pairs: what is shared, what is split, what the rule binds, and what is drawn."""

import itertools

import numpy as np
import pandas as pd
import pytest

from skmmcl.datasets import make_trifeature
from skmmcl.datasets._trifeature import _items, _possible
from skmmcl.datasets._trifeature_images import COLORS, SHAPES, TEXTURES, draw_images


def vectors(n_samples=400, **params):
    return make_trifeature(n_samples, kind="vectors", **{"random_state": 0, **params})


def combinations(truth):
    return set(map(tuple, truth.attributes.reshape(-1, 3)))


@pytest.mark.parametrize("kind", ["images", "vectors"])
def test_both_members_share_the_shape_and_tasks_tell_the_attributes(kind):
    X, tasks, truth = make_trifeature(300, kind=kind, size=8, random_state=0)
    first, second = truth.attributes.transpose(1, 0, 2)
    np.testing.assert_array_equal(first[:, 0], second[:, 0])
    np.testing.assert_array_equal(tasks["R"], first[:, 0])
    np.testing.assert_array_equal(tasks["U1"], first[:, 1])
    np.testing.assert_array_equal(tasks["U2"], second[:, 1])
    np.testing.assert_array_equal(tasks["S"], truth.rule[first[:, 1]] == second[:, 2])
    assert X.modalities == ("first", "second")
    assert X["first"].dtype == np.float32
    assert pd.DataFrame(tasks).shape == (300, 4)


def test_sizes_are_those_of_the_paper():
    train, test = (_items(np.random.default_rng(42), 10, s) for s in ("train", "test"))
    assert (len(train), len(test)) == (2400, 200)
    assert len(np.unique(train, axis=0)) == 800
    assert len(_possible(train, None)) == pytest.approx(576_846, rel=0.01)
    assert len(_possible(train, np.arange(10))) == pytest.approx(57_636, rel=0.02)


def test_all_pairs_come_once():
    X, _, truth = make_trifeature(None, size=8, subset="test", random_state=0)
    assert len(X) == len(np.unique(truth.pairs, axis=0))
    images, place = np.unique(truth.pairs[:, 0], return_index=True)
    assert len(images) == 200
    of_shape = np.bincount(truth.attributes[place, 0, 0])
    assert len(X) == np.sum(of_shape**2)  # every ordered pair of images of one shape


def test_subsets_have_no_combination_in_common_and_one_rule():
    (_, _, train), (_, _, test) = (vectors(subset=s) for s in ("train", "test"))
    assert not combinations(train) & combinations(test)
    np.testing.assert_array_equal(train.rule, test.rule)


def test_the_rule_is_a_bijection_that_biased_pairs_follow():
    _, tasks, truth = vectors(biased=True)
    assert tasks["S"].all()
    assert sorted(truth.rule) == list(range(5))
    _, free, _ = vectors()
    assert free["S"].mean() == pytest.approx(0.2, abs=0.06)


@pytest.mark.parametrize(("kind", "n_values"), [("images", 3), ("vectors", 12)])
def test_attributes_have_as_many_values_as_asked(kind, n_values):
    _, tasks, truth = make_trifeature(
        600, kind=kind, n_values=n_values, size=8, random_state=0, subset="train"
    )
    assert len(truth.rule) == n_values
    assert truth.attributes.max((0, 1)).tolist() == [n_values - 1] * 3
    assert tasks["S"].mean() == pytest.approx(1 / n_values, abs=0.1)


def test_attributes_that_are_not_shared_are_independent():
    _, tasks, _ = vectors(5000)
    counts = pd.crosstab(tasks["U1"], tasks["U2"]).to_numpy() / 5000
    expected = np.outer(counts.sum(1), counts.sum(0))
    np.testing.assert_allclose(counts, expected, atol=0.012)


def test_one_state_gives_the_same_bits_and_the_design_is_apart():
    X, _, truth = vectors()
    again, other = vectors(), vectors(random_state=1)
    np.testing.assert_array_equal(X["first"], again[0]["first"])
    assert not np.array_equal(X["first"], other[0]["first"])
    np.testing.assert_array_equal(truth.rule, other[2].rule)
    assert not np.array_equal(truth.rule, vectors(design_state=0)[2].rule)


def test_images_of_one_size_are_the_same_bits_and_lie_in_the_unit_range():
    X, _, _ = make_trifeature(20, size=16, random_state=0)
    again, _, _ = make_trifeature(20, size=16, random_state=0)
    np.testing.assert_array_equal(X["second"], again["second"])
    assert X["first"].min() >= 0
    assert X["first"].max() <= 1


def test_drawings_differ_by_each_attribute_and_by_nothing_else():
    codes = list(itertools.product(range(10), repeat=2))
    for column in range(3):
        attributes = np.full((10, 3), 3)
        attributes[:, column] = np.arange(10)
        # The same places and angles for all: only the attribute changes.
        images = [draw_images(np.random.default_rng(0), row[None], 64)[0] for row in attributes]
        apart = [np.abs(images[a] - images[b]).mean() for a, b in codes if a != b]
        assert min(apart) > 0.005
    assert len(SHAPES) == len(TEXTURES) == len(COLORS) == 10


def test_shapes_are_coloured_and_the_ground_is_grey():
    solid_blue_square = np.array([[1, 0, 2]])
    (image,) = draw_images(np.random.default_rng(0), solid_blue_square, 112)
    is_ground = np.all(image == 0.5, axis=0)
    is_blue = np.all(image == np.array([0, 0, 1])[:, None, None], axis=0)
    assert (is_ground | is_blue).mean() > 0.95
    assert is_blue.mean() == pytest.approx((0.7 * 64 / 112) ** 2, rel=0.05)


def test_shapes_stay_in_the_image_however_they_are_turned():
    attributes = np.repeat(np.arange(10), 20)[:, None] * [1, 0, 0] + [0, 0, 9]  # white ones
    images = draw_images(np.random.default_rng(0), attributes, 32)
    white = (images[:, 0] - 0.5).sum((1, 2)).reshape(10, 20)
    np.testing.assert_allclose(white, white.mean(1, keepdims=True).repeat(20, 1), rtol=0.06)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"kind": "video"}, "kind='video'; expected one of"),
        ({"subset": "valid"}, "subset='valid'; expected one of"),
        ({"size": 4}, "size == 4"),
        ({"n_samples": 0}, "n_samples == 0"),
        ({"n_values": 11}, "n_values == 11, must be <= 10"),
        ({"n_values": 1}, "n_values == 1, must be >= 2"),
        ({"n_samples": 10**6, "size": 8}, "n_samples=1000000, but the images make"),
    ],
)
def test_bad_input(params, message):
    with pytest.raises(ValueError, match=message):
        make_trifeature(**params)
