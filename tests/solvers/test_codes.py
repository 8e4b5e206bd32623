"""Targets of classes, and who is in the data twice."""

import numpy as np
import pytest

from skmmcl.solvers import find_duplicates, simplex_codes, warn_of_lone_classes


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_the_simplex_is_regular_with_edges_of_length_2(n_classes):
    vertices = simplex_codes(np.arange(n_classes))
    assert vertices.shape == (n_classes, n_classes - 1)
    np.testing.assert_allclose(vertices.sum(axis=0), 0, atol=1e-12)
    distances = np.linalg.norm(vertices[:, None] - vertices, axis=2)
    np.testing.assert_allclose(distances, 2 - 2 * np.eye(n_classes), atol=1e-12)


def test_unlabeled_subjects_have_nan():
    np.testing.assert_array_equal(simplex_codes([1, -1, 0]), [[1.0], [np.nan], [-1.0]])


@pytest.mark.parametrize(
    ("classes", "groups", "lone"),
    [
        ([0, 0, 1], None, r"classes \[1\]"),
        ([0, 0, 1, 1], ["a", "b", "c", "c"], r"classes \[1\]"),
        ([0, 0, 2, 2, 1], ["a", "a", "c", "c", "d"], r"classes \[0, 1, 2\]"),
    ],
)
def test_classes_that_are_left_out_whole_are_said(classes, groups, lone):
    with pytest.warns(UserWarning, match=lone):
        warn_of_lone_classes(classes, groups)


def test_other_classes_are_not_said():
    warn_of_lone_classes([0, 0, 1, 1, -1])
    warn_of_lone_classes([0, 0, 1, 1], ["a", "b", "a", "b"])


def test_identical_subjects_are_found():
    rng = np.random.default_rng(0)
    blocks = {"fc": rng.normal(size=(6, 3)), "sc": np.zeros((6, 2), np.float32)}
    blocks["fc"][4], blocks["sc"][4, 0] = blocks["fc"][1], -0.0
    blocks["fc"][5] = blocks["fc"][0]
    blocks["sc"][5, 1] = 1
    assert find_duplicates(blocks) == [(1, 4)]


def test_what_is_absent_is_not_compared():
    blocks = {"fc": np.zeros((5, 2)), "sc": np.arange(10.0).reshape(5, 2)}
    mask = np.array([[1, 0], [1, 0], [1, 1], [0, 0], [0, 0]], dtype=bool)
    assert find_duplicates(blocks, mask) == [(0, 1)]


def test_who_agrees_in_some_values_only_is_no_copy():
    rng = np.random.default_rng(0)
    block = np.repeat(rng.normal(size=(2, 160)), 2, axis=0)  # of each, ten of which one is compared
    block[1, 5] += 1
    assert find_duplicates({"a": block}) == [(2, 3)]
    assert find_duplicates({"a": block, "b": np.arange(4.0)[:, None]}) == []


@pytest.mark.parametrize("classes", [[True, True], [0.0, 1.0], ["a", "b"], [[0], [1]]])
def test_what_are_no_codes_of_classes_is_refused(classes):
    with pytest.raises(ValueError, match=r"integers of shape \(n_samples,\), found"):
        simplex_codes(classes)
