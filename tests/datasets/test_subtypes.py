"""Simulated subtypes are as they are said to be."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from skmmcl.datasets import make_subtypes
from skmmcl.exceptions import ModalityError


@pytest.mark.parametrize("form", ["linear", "nonlinear"])
@pytest.mark.parametrize("n_subtypes", [2, 3, 4])
def test_subtypes_deviate_along_factors_of_their_own(form, n_subtypes):
    X, y, truth = make_subtypes(4000, n_subtypes=n_subtypes, form=form, random_state=0)
    flat = np.asarray(X, dtype=float)
    loadings = np.hstack(list(truth.loadings.values()))
    scores = LinearRegression(fit_intercept=False).fit(loadings.T, flat.T).coef_
    salient = scores[:, 5 : 5 + n_subtypes]
    np.testing.assert_allclose(salient[y == 0].mean(axis=0), 0, atol=0.15)
    for k in range(n_subtypes):
        own = salient[truth.subtype == k]
        size = np.abs(own).mean(axis=0) if form == "nonlinear" else own.mean(axis=0)
        assert size[k] == pytest.approx(4, abs=0.2)
        assert own.mean(axis=0)[k] == pytest.approx(4 if form == "linear" else 0, abs=0.5)


def test_common_factors_vary_more_than_the_disease_in_everybody():
    _, y, truth = make_subtypes(2000, random_state=0)
    for group in (0, 1):
        assert truth.common[y == group].std() == pytest.approx(4, rel=0.05)
    assert truth.salient[y == 1].std(axis=0).max() < truth.common[y == 1].std(axis=0).min()
    assert (truth.salient[y == 0] == 0).all()


def test_truth_and_side_data_belong_to_the_subjects():
    X, y, truth = make_subtypes(100, prevalence=0.3, n_sites=4, random_state=0)
    assert y.sum() == 30
    assert ((truth.subtype >= 0) == (y == 1)).all()
    assert set(X.meta) == {"site", "age", "sex"}
    assert X.index[0] == "sub-0001"
    assert X["smri"].dtype == np.float32
    assert truth.loadings["pet"].shape == (5 + 3 + 1 + 4, 40)


def test_shapes_seeds_and_types():
    shapes = {"t1": (4, 5, 6), "fc": (10,)}
    X, *_ = make_subtypes(20, modalities=shapes, dtype="float64", random_state=1)
    assert X.shapes == shapes
    again, *_ = make_subtypes(20, modalities=shapes, dtype="float64", random_state=1)
    np.testing.assert_array_equal(X["t1"], again["t1"])
    assert X["t1"].dtype == np.float64


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"n_subtypes": 1}, ValueError, "n_subtypes"),
        ({"n_subjects": 1}, ValueError, "n_subjects"),
        ({"prevalence": 1.0}, ValueError, "prevalence"),
        ({"form": "cubic"}, ValueError, "form='cubic'"),
        ({"dtype": "int8"}, ValueError, "int8"),
        ({"modalities": {}}, ModalityError, "expected a dict"),
        ({"modalities": ["smri"]}, ModalityError, "expected a dict"),
        ({"modalities": {"smri": 60}}, ModalityError, "'smri' is 60"),
        ({"modalities": {"smri": (0,)}}, ModalityError, "'smri' is"),
    ],
)
def test_what_cannot_be_made_is_refused(params, error, message):
    with pytest.raises(error, match=message):
        make_subtypes(**params)
