"""Kernels, bandwidths and metrics name what is wrong with their input."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import torch

from skmmcl import kernels, metrics

Y = torch.tensor([[0.0, 1.0], [1.0, 0.0], [3.0, 1.0]])
OF_DISTANCE = [kernels.gaussian, kernels.cauchy, kernels.exponential, kernels.epanechnikov]
ALL = [*OF_DISTANCE, kernels.cosine, kernels.delta, kernels.jaccard, kernels.affinity]
ANATOMY = [kernels.local_anatomy, kernels.global_anatomy]


@pytest.mark.parametrize("kernel", [*ALL, *ANATOMY])
@pytest.mark.parametrize("y", [np.ones((3, 2)), [[1.0]], None, 3.0, "a", Y + 1j, pd.Series([1.0])])
def test_what_is_no_tensor_is_named(kernel, y):
    with pytest.raises(
        TypeError, match=r"(y|measures) must be a torch.Tensor of shape \(\.\.\., n_s"
    ):
        kernel(y)


@pytest.mark.parametrize("kernel", [*ALL, *ANATOMY])
def test_infinite_numbers_and_too_few_dimensions_are_named(kernel):
    y = torch.ones(3, 2, 2)
    y[0, 0, 0] = -torch.inf
    with pytest.raises(ValueError, match=r"(y|measures) has 1 infinite numbers"):
        kernel(y)
    with pytest.raises(ValueError, match=r"must be a torch.Tensor of shape .* got shape \(\)"):
        kernel(torch.tensor(1.0))


@pytest.mark.parametrize("kernel", [*OF_DISTANCE, kernels.affinity])
@pytest.mark.parametrize(
    "bandwidth",
    [
        0, -1.0, np.nan, np.inf, "scott", None, [1.0], (1.0, 2.0), np.ones(2), 1j, Fraction(1, 2),
        torch.zeros(2), torch.ones(3), torch.ones(2, 2), torch.ones(2) * 1j,
        torch.tensor(torch.nan),
    ],
)  # fmt: skip
def test_bandwidths_out_of_range_or_of_wrong_shape(kernel, bandwidth):
    with pytest.raises((ValueError, TypeError), match="bandwidth must be a number above 0"):
        kernel(Y, bandwidth=bandwidth)


@pytest.mark.parametrize("bandwidth", [2, np.float32(2), torch.tensor(2.0), torch.full((2,), 2.0)])
def test_one_bandwidth_in_all_its_forms(bandwidth):
    expected = torch.exp(-(torch.cdist(Y, Y) ** 2) / 8)
    torch.testing.assert_close(kernels.gaussian(Y, bandwidth), expected)
    torch.testing.assert_close(kernels.affinity(Y[None], "gaussian", bandwidth)[0], expected)


@pytest.mark.parametrize(
    ("kernel", "error"),
    [
        (3, TypeError), (None, TypeError), ("tri", ValueError), ([], ValueError), ([3], ValueError),
        (["jaccard"], ValueError), (["gaussian"], ValueError), (lambda y: 1.0, ValueError),
        (lambda y: y, ValueError), (lambda y: y @ y.mT * torch.nan, ValueError),
    ],
)  # fmt: skip
def test_kernels_that_are_none(kernel, error):
    with pytest.raises(error, match="kernel"):
        kernels.affinity(Y, kernel)


def test_labels_are_zeros_and_ones():
    for function in (kernels.jaccard, lambda y: kernels.affinity(y, "jaccard")):
        with pytest.raises(ValueError, match="y must hold labels of 0 or 1; found 3"):
            function(Y)


@pytest.mark.parametrize("scale", [1e30, 1e-30])
def test_cosines_of_extreme_numbers_are_those_of_usual_ones(scale):
    torch.testing.assert_close(kernels.cosine(Y * scale), kernels.cosine(Y))
    measures = Y.reshape(1, 3, 2).expand(2, 3, 2)
    for kernel in ANATOMY:
        torch.testing.assert_close(kernel(measures * scale), kernel(measures))


@pytest.mark.parametrize(
    ("y", "options", "said"),
    [
        (["a", "b"], {}, "y: could not convert"),
        (np.ones((3, 2, 2)), {}, r"y: got shape \(3, 2, 2\); expected"),
        ([1.0, np.inf], {}, "y: 1 of them are infinite"),
        ([], {}, "y: got shape"),
        ([1.0, 1.0], {}, "metadata y have fewer than two"),
        ([1.0, 2.0], {"sample_weight": [1, 0]}, "metadata y have fewer than two"),
        ([1.0, 2.0], {"sample_weight": [1]}, r"sample_weight: got shape \(1,\)"),
        ([1.0, 2.0], {"sample_weight": [1, -1]}, "sample_weight: got"),
        ([1.0, 2.0], {"sample_weight": [np.inf, 1]}, "sample_weight: got"),
        ([1.0, 2.0], {"rule": "mean"}, "Unknown rule 'mean'"),
    ],
)
def test_bandwidths_that_cannot_be_estimated(y, options, said):
    with pytest.raises(ValueError, match=said):
        kernels.estimate_bandwidth(y, **options)


@pytest.mark.parametrize("rule", ["deviation", "scott", "silverman", "median"])
@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_bandwidths_scale_with_the_metadata(rule, scale):
    y = np.array([20.0, 30.0, 50.0, 51.0])
    found = kernels.estimate_bandwidth(y * scale, rule)
    np.testing.assert_allclose(found, scale * kernels.estimate_bandwidth(y, rule))


# ---------------------------------------------------------------------------------------- metrics

X = np.random.default_rng(0).normal(size=(30, 3))
SITES = np.arange(30) % 3
OF_TWO = [metrics.alignment, metrics.linear_cka, metrics.svcca]


@pytest.mark.parametrize("metric", OF_TWO)
@pytest.mark.parametrize(
    "odd",
    [
        X[:, :, None, None],
        X[:, 0],
        X + 1j,
        "a",
        None,
        {1},
        X[:5],
        X[:0],
        X.astype("M8[s]"),
        [[1], [1, 2]],
    ],
)
def test_representations_that_are_none_are_named(metric, odd):
    with pytest.raises((ValueError, TypeError), match=r"\bY\b"):
        metric(X, odd)


@pytest.mark.parametrize("metric", OF_TWO)
def test_metrics_of_extreme_numbers_are_those_of_usual_ones(metric):
    Z = X + np.random.default_rng(1).normal(size=X.shape)
    assert metric(np.clip(X, -1, 1) * 1e308, Z) == pytest.approx(metric(np.clip(X, -1, 1), Z))


@pytest.mark.parametrize(
    "form",
    [
        lambda s: s.astype(float),
        lambda s: s.astype(object),
        lambda s: s.astype(str),
        lambda s: s.astype("S"),
        lambda s: s.tolist(),
        lambda s: s.astype("M8[D]"),
        lambda s: np.array([Decimal(int(v)) for v in s], dtype=object),
        lambda s: pd.Series(s, dtype="Int64"),
        lambda s: pd.Series(s.astype(str), dtype="string"),
        lambda s: pd.Series(s).astype("category"),
        lambda s: [None if v is None else ["None", "NA", "null"][v] for v in s],
    ],
)
def test_sites_are_the_same_whatever_their_type(form):
    shifted = X + np.eye(3)[SITES]
    expected = metrics.site_predictability(shifted, SITES)
    assert metrics.site_predictability(shifted, form(SITES)) == expected


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sites": ["a", np.nan] * 15}, "The site of 15 of 30 subjects is missing"),
        ({"sites": [("a", 1)] * 30}, "sites must hold one value"),
        (
            {"sites": np.array(["a", 1] * 15, dtype=object)},
            "Side data 'sites' are no numbers, text",
        ),
        ({"groups": [None] * 30}, "The group of 30 of 30 subjects is missing"),
        ({"groups": np.ones((30, 2))}, "groups must hold one value"),
        ({"probe": int}, "probe must be a classifier"),
        ({"n_jobs": 0}, "n_jobs must be"),
        ({"n_jobs": "a"}, "n_jobs must be"),
        ({"cv": "a"}, "cv"),
        ({"cv": 1}, "cv: "),
        ({"cv": [(np.arange(20), np.arange(20, 30))]}, "cv only works for partitions"),
    ],
)
def test_sites_probes_and_folds_that_do_not_work_are_named(options, said):
    with pytest.raises((ValueError, TypeError), match=said):
        metrics.site_predictability(X, **{"sites": SITES, **options})


def test_results_that_leave_the_range_of_numbers_are_errors():
    ages = np.array([1.5e308, 20.0, 30.0])
    with pytest.raises(ValueError, match=r"leaves the range .*y_true up to 1\.5e\+308"):
        metrics.brain_age_gap(ages, -ages)
    with pytest.raises(ValueError, match="alpha=1e"):
        metrics.alignment(X, -X, alpha=1e300)
    with pytest.raises(TypeError, match="slope must be a number"):
        metrics.AgeBias(slope="a", intercept=0.0)
    with pytest.raises(ValueError, match="sample_weight"):
        metrics.openbhb_score(
            [20, 30], [20, 31], site_balanced_accuracy=0.5, sample_weight=[[1], [1]]
        )
