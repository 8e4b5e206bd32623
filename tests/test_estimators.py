"""Scikit-learn's contract for every estimator of the package, found by discovery."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.utils import estimator_checks as checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmmcl.base import BaseEmbedder
from skmmcl.utils.discovery import all_estimators

EMBEDDERS = [cls for _, cls in all_estimators() if issubclass(cls, BaseEmbedder)]
OTHERS = [
    cls
    for name, cls in all_estimators()
    if not issubclass(cls, BaseEmbedder) and name != "EmbeddingNet"  # skorch's, inside ours
]

# Estimators that hold another one need it given here.
INNER = {
    "ConfoundRegressor": lambda cls: cls("age"),
    "CrossFitTransformer": lambda cls: cls(PCA(n_components=1, svd_solver="full")),
    "LabeledOnly": lambda cls: cls(LogisticRegression()),
    "ModalityTransformer": lambda cls: cls({"x": PCA(n_components=1)}),
}

# Take named modalities or square matrices, for which scikit-learn has no check; they have tests of
# their own.
NO_TABLES = {"ComBat", "ConfoundRegressor", "ConnectomeVectorizer", "ModalityTransformer"}
CHECKS_WITHOUT_DATA = [
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_set_params",
    "check_valid_tag_types",
]
ROUNDING = "in float32 two orders of summation differ by more than the check's 1e-7"
BY_PURPOSE = "cross-fitting: fit_transform differs from fit().transform() by purpose"
LEFT_OUT = dict.fromkeys(
    ["check_transformer_general", "check_transformer_data_not_an_array"],
    "training subjects get leave-one-out columns: fit_transform differs from fit().transform() by "
    "design",
)
MINUS_ONE = "the check has a class -1, our mark of unlabelled subjects"
WEIGHTS = "check_sample_weight_equivalence_on_dense_data"
AUGMENTED = "each copy of a subject is augmented by a draw of its own"
PAIRED = "the discriminator is shown subjects paired at random, and k-means draws its starts"
COPIED = [cls.__name__ for cls in EMBEDDERS if hasattr(cls, "views")]  # of one table
DRAWN = {
    **{name: {WEIGHTS: AUGMENTED} for name in ["CoMMEmbedder", *COPIED]},
    "DeepUCSL": {WEIGHTS: PAIRED, "check_classifiers_classes": MINUS_ONE},
    "SepVAEEmbedder": {WEIGHTS: PAIRED},
}
EXPECTED_TO_FAIL = {
    "CrossFitTransformer": dict.fromkeys(
        ["check_transformer_general", "check_transformer_data_not_an_array"], BY_PURPOSE
    ),
    "LabeledOnly": {"check_classifiers_classes": MINUS_ONE},
    "UCSL": {"check_classifiers_regression_target": "numbers with fractions are a severity"},
    "MaskedZScore": {"check_estimators_dtypes": "a row of zeros is a volume with an empty mask"},
}

# The random classes of a check may have a single subject, of which embedders warn.
LONE = "ignore:.* single subject:UserWarning"
# Subtypes of noise.
FEWER = "ignore:n_clusters=. may be more:UserWarning"
UNSETTLED = "ignore:EM has not converged:sklearn.exceptions.ConvergenceWarning"
UNNAMED = "ignore:y has the labels .* is taken for the patients:UserWarning"

# Those that apply and that check_estimator does not run.
FURTHER_CHECKS = [
    "check_dataframe_column_names_consistency",
    "check_estimators_partial_fit_n_features",
    "check_get_feature_names_out_error",
    "check_global_output_transform_pandas",
    "check_global_set_output_transform_polars",
    "check_inplace_ensure_writeable",
    "check_n_features_in_after_fitting",
    "check_param_validation",
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_set_output_transform_polars",
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
]


# The checks give one table, which is one modality: not all objectives relate one to another.
# A classifier is to have learned to predict, and fewer components are checked faster.
OPTIONS = {
    "DeepInfoMaxEmbedder": {"objectives": "AE"},
    "DeepUCSL": {"max_epochs": 30, "lr": 0.01, "n_components": 2, "input_noise": 0.1},
    "SepVAEEmbedder": {"n_common": 2, "n_salient": 1, "n_components": 4},
}


def embedders(dtype):
    return [
        cls(
            **{
                "solver": "gradient",
                "max_epochs": 5,
                "dtype": dtype,
                "random_state": 0,
                **OPTIONS.get(cls.__name__, {}),
            }
        )
        for cls in EMBEDDERS
    ]


def solved():
    """Embedders of one table all of whose terms are solved."""
    X, y = np.random.default_rng(0).normal(size=(12, 3)), np.arange(12) % 2
    for cls in EMBEDDERS:
        solver = "auto" if cls.__name__ == "CMCCSSEmbedder" else "closed_form"
        embedder = cls(solver=solver, dtype="auto")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                clone(embedder).fit(X, y)
            except ValueError as error:
                if "closed_form" not in str(error):
                    raise
                continue
        yield embedder


def build(cls):
    return INNER.get(cls.__name__, lambda cls: cls())(cls)


def others():
    return [build(cls) for cls in OTHERS if cls.__name__ not in NO_TABLES]


@pytest.mark.filterwarnings("ignore:.*was given one modality:UserWarning")
@pytest.mark.filterwarnings(LONE)
@pytest.mark.filterwarnings(UNSETTLED)
@pytest.mark.filterwarnings(FEWER)
@pytest.mark.filterwarnings(UNNAMED)
@parametrize_with_checks(
    embedders("auto"),
    expected_failed_checks=lambda estimator: DRAWN.get(type(estimator).__name__, {}),
)
def test_every_check_passes_in_the_dtype_of_the_input(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore:.*was given one modality:UserWarning")
@pytest.mark.filterwarnings(LONE)
@pytest.mark.filterwarnings(UNSETTLED)
@pytest.mark.filterwarnings(FEWER)
@pytest.mark.filterwarnings(UNNAMED)
@parametrize_with_checks(
    embedders("float32"),
    expected_failed_checks=lambda estimator: (
        {WEIGHTS: ROUNDING} | DRAWN.get(type(estimator).__name__, {})
    ),
)
def test_every_check_passes_in_float32(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore:.* volumes have no histogram:UserWarning")
@pytest.mark.filterwarnings(LONE)
@pytest.mark.filterwarnings("ignore:All subjects of the classes:UserWarning")
@pytest.mark.filterwarnings("ignore:.*from which partial_fit cannot go on:UserWarning")
@pytest.mark.filterwarnings("ignore:.*was given one modality:UserWarning")
@parametrize_with_checks(
    list(solved()),
    expected_failed_checks=lambda estimator: LEFT_OUT,
)
def test_every_check_passes_where_terms_are_solved(estimator, check):
    check(estimator)


def test_all_embedders_with_a_target_are_solved():
    names = {type(embedder).__name__ for embedder in solved()}
    assert names == {
        "AnatCLEmbedder",
        "CMCCSSEmbedder",
        "ContrastiveRegressionEmbedder",
        "EpsSupInfoNCEEmbedder",
        "MultiLabelSupConEmbedder",
        "SupConEmbedder",
        "WeightedContrastiveEmbedder",
        "YAwareEmbedder",
    }


@pytest.mark.filterwarnings(UNSETTLED)
@pytest.mark.filterwarnings(UNNAMED)
@pytest.mark.filterwarnings("ignore:The subtypes follow the severity:UserWarning")
@parametrize_with_checks(
    others(),
    expected_failed_checks=lambda estimator: EXPECTED_TO_FAIL.get(type(estimator).__name__, {}),
)
def test_every_check_passes_for_the_other_estimators(estimator, check):
    check(estimator)


def further_checks():
    for estimator in [*embedders("auto"), *embedders("float32"), *others()]:
        name = type(estimator).__name__
        for check in FURTHER_CHECKS:
            of_output = "output" in check or "feature_names_out" in check
            if of_output and not hasattr(estimator, "transform"):
                continue
            if check == "check_param_validation" and not hasattr(
                estimator, "_parameter_constraints"
            ):
                continue
            dtype = getattr(estimator, "dtype", "any")
            yield pytest.param(estimator, check, id=f"{name}-{dtype}-{check}")


@pytest.mark.filterwarnings("ignore:.*was given one modality:UserWarning")
@pytest.mark.filterwarnings(UNSETTLED)
@pytest.mark.filterwarnings(FEWER)
@pytest.mark.filterwarnings(UNNAMED)
# The checks themselves mix arrays and DataFrames.
@pytest.mark.filterwarnings("ignore:X (does not have valid|has) feature names:UserWarning")
@pytest.mark.parametrize(("estimator", "check"), list(further_checks()))
def test_every_further_check_passes(estimator, check):
    getattr(checks, check)(type(estimator).__name__, clone(estimator))


@pytest.mark.parametrize("check", CHECKS_WITHOUT_DATA)
@pytest.mark.parametrize("cls", OTHERS, ids=lambda cls: cls.__name__)
def test_checks_without_data_pass_for_the_other_estimators(cls, check):
    getattr(checks, check)(cls.__name__, build(cls))


@pytest.mark.parametrize("cls", EMBEDDERS + OTHERS, ids=lambda cls: cls.__name__)
def test_parameters_are_keywords_with_constraints(cls):
    parameters = inspect.signature(cls).parameters.values()
    kinds = {p.kind for p in parameters}
    assert kinds <= {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    if issubclass(cls, BaseEmbedder):
        assert kinds == {inspect.Parameter.KEYWORD_ONLY}
        assert all(p.default is not inspect.Parameter.empty for p in parameters)
        assert set(cls._parameter_constraints) == {p.name for p in parameters}


@pytest.mark.parametrize("cls", EMBEDDERS + OTHERS, ids=lambda cls: cls.__name__)
def test_every_estimator_is_really_checked(cls):
    """An estimator whose tag ``two_d_array`` is False is given no check at all."""
    is_checked = build(cls).__sklearn_tags__().input_tags.two_d_array
    assert is_checked == (cls.__name__ not in NO_TABLES)
