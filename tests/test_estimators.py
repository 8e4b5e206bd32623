"""Scikit-learn's contract for every estimator of the package, found by discovery."""

from __future__ import annotations

import inspect

import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.utils import estimator_checks as checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmmcl.base import BaseEmbedder
from skmmcl.utils.discovery import all_estimators

EMBEDDERS = [cls for _, cls in all_estimators() if issubclass(cls, BaseEmbedder)]
OTHERS = [cls for _, cls in all_estimators() if not issubclass(cls, BaseEmbedder)]

# Estimators that hold another one need it given here.
INNER = {
    "CrossFitTransformer": lambda cls: cls(PCA(n_components=1, svd_solver="full")),
    "LabeledOnly": lambda cls: cls(LogisticRegression()),
    "ModalityTransformer": lambda cls: cls({"x": PCA(n_components=1)}),
}

ROUNDING = "in float32 two orders of summation differ by more than the check's 1e-7"


def embedders(dtype):
    return [cls(max_epochs=5, dtype=dtype, random_state=0) for cls in EMBEDDERS]


@pytest.mark.filterwarnings("ignore:.*was given one modality:UserWarning")
@parametrize_with_checks(embedders("auto"))
def test_every_check_passes_in_the_dtype_of_the_input(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore:.*was given one modality:UserWarning")
@parametrize_with_checks(
    embedders("float32"),
    expected_failed_checks=lambda estimator: {
        "check_sample_weight_equivalence_on_dense_data": ROUNDING
    },
)
def test_every_check_passes_in_float32(estimator, check):
    check(estimator)
