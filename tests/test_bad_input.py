"""Each kind of bad input raises a clear error before anything is trained."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from torch import nn

import skmmcl.base._trained
from skmmcl import CMCCSSEmbedder, MultimodalData
from skmmcl.base import BaseEmbedder
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.utils.discovery import all_estimators

EMBEDDERS = [cls for _, cls in all_estimators() if issubclass(cls, BaseEmbedder)]
SUPERVISED = [cls for cls in EMBEDDERS if cls()._make_guide(None).of_classes]
OF_CLASSES = {"SupervisedEmbedder": {"task": "classification"}}  # "auto" regresses on numbers
N = 20


@pytest.fixture(params=EMBEDDERS, ids=lambda cls: cls.__name__)
def make(request):
    def build(**params):
        return request.param(
            **{
                "solver": "gradient",
                "max_epochs": 1,
                "n_components": 2,
                "random_state": 0,
                **params,
            }
        )

    return build


@pytest.fixture(params=SUPERVISED, ids=lambda cls: cls.__name__)
def make_supervised(request):
    of_classes = OF_CLASSES.get(request.param.__name__, {})

    def build(**params):
        fixed = {
            "solver": "gradient",
            "max_epochs": 1,
            "n_components": 2,
            "random_state": 0,
            **of_classes,
        }
        return request.param(**{**fixed, **params})

    return build


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return {"smri": rng.normal(size=(N, 4)), "fc": rng.normal(size=(N, 3, 3))}


@pytest.fixture(name="y")
def classes():
    return np.arange(N) % 2


@pytest.fixture
def no_training(monkeypatch):
    def fail(*args, **kwargs):
        pytest.fail("training began")

    monkeypatch.setattr(skmmcl.base._trained, "fit_net", fail)


@pytest.fixture
def refuses(no_training):
    """Check that fit raises the error, says what is expected and leaves nothing fitted."""

    def check(embedder, X, y, error, *said, **fit_params):
        with pytest.raises(error) as info:
            embedder.fit(X, y, **fit_params)
        for pattern in said:
            assert re.search(pattern, str(info.value)), f"{pattern!r} not in: {info.value}"
        assert isinstance(info.value, (ValueError, TypeError))
        assert not hasattr(embedder, "net_")

    return check


# ------------------------------------------------------------------------------ rows and shapes


def test_different_numbers_of_rows(make, arrays, y, refuses):
    X = {**arrays, "pet": np.ones((N - 1, 2))}
    refuses(make(), X, y, DataError, "'smri' 20, 'fc' 20, 'pet' 19", "'pet' is the odd one out")


@pytest.mark.parametrize("n_subjects", [0, 1])
def test_too_few_subjects(make, arrays, y, refuses, n_subjects):
    X = {name: array[:n_subjects] for name, array in arrays.items()}
    said = rf"{n_subjects} sample.* minimum of 2 is required by (\w+Embedder|DeepUCSL)"
    refuses(make(), X, y[:n_subjects], DataError, said)
    refuses(make(), MultimodalData(arrays)[:n_subjects], y[:n_subjects], DataError, said)
    flat = np.ones((n_subjects, 3))
    refuses(make(), flat, y[:n_subjects], ValueError, said)
    table = pd.DataFrame(flat, columns=["a", "b", "c"])
    refuses(make(modalities={"s": "a", "t": "b"}), table, y[:n_subjects], DataError, said)


def test_one_subject_that_counts(make, arrays, y, refuses):
    weight = np.zeros(N)
    weight[3] = 1
    refuses(make(), arrays, y, ValueError, "1 sample|two classes", sample_weight=weight)


def test_zero_subjects_at_transform(make, arrays, y):
    embedder = make().fit(arrays, y)
    with pytest.raises(DataError, match=r"0 sample.* minimum of 1"):
        embedder.transform(MultimodalData(arrays)[:0])


def test_no_modality_at_all(make, y, refuses):
    refuses(make(), {}, y, ModalityError, "at least one modality")


def test_empty_modality(make, arrays, y, refuses):
    X = {**arrays, "pet": np.empty((N, 0))}
    refuses(make(), X, y, DataError, r"'pet' is empty: shape \(20, 0\)")


def test_subjects_of_unequal_shape(make, arrays, y, refuses):
    X = {**arrays, "pet": [np.ones(3)] * 7 + [np.ones(4)] * (N - 7)}
    refuses(make(), X, y, DataError, r"'pet': subject 7 has shape \(4,\), subject 0 has \(3,\)")


def test_modality_that_everyone_lacks(make, arrays, y, refuses):
    X = {**arrays, "pet": np.full((N, 2), np.nan)}
    refuses(make(), X, y, DataError, "'pet' is missing in all 20 subjects")


def test_subject_without_any_modality(make, arrays, y, refuses):
    mask = np.ones((N, 2), dtype=bool)
    mask[[3, 8]] = False
    ids = [f"sub-{i:02}" for i in range(N)]
    said = "2 subject.* no modality at all.*: sub-03, sub-08. Leave them out"
    refuses(make(), MultimodalData(arrays, mask=mask, index=ids), y, DataError, said)
    refuses(make(), MultimodalData(arrays, mask=mask), y, DataError, r": 3, 8\. Leave")


@pytest.mark.parametrize("X", [np.ones((N, 3, 3)), np.ones(N), 3.0, "table.csv", None])
def test_what_is_no_table(make, y, refuses, X):
    refuses(make(), X, y, (ValueError, TypeError), "array|sequence")


# ----------------------------------------------------------------------------- modality by name


@pytest.fixture
def fitted(make, arrays, y):
    return make().fit(arrays, y)


def test_missing_modality_at_transform(fitted, arrays):
    with pytest.raises(
        ModalityError,
        match=r"Expected the modalities \['smri', 'fc'\], found \['smri'\]; missing: \['fc'\]\. "
        "A modality that no subject has is given as rows of NaN",
    ):
        fitted.transform({"smri": arrays["smri"]})


def test_extra_and_unknown_modality_at_transform(fitted, arrays):
    with pytest.raises(ModalityError, match=r"unknown: \['pet'\]"):
        fitted.transform({**arrays, "pet": arrays["smri"]})
    with pytest.raises(ModalityError, match=r"missing: \['fc'\]; unknown: \['FC'\]"):
        fitted.transform({"smri": arrays["smri"], "FC": arrays["fc"]})


@pytest.mark.parametrize("shape", [(N, 3), (N, 3, 4), (N, 9)])
def test_other_shape_at_transform(fitted, arrays, shape):
    said = rf"'fc' has shape {re.escape(str(shape[1:]))} per subject.* was fitted on \(3, 3\)"
    with pytest.raises(ModalityError, match=said):
        fitted.transform({**arrays, "fc": np.ones(shape)})


def test_other_shape_at_partial_fit(fitted, arrays, y):
    before = fitted.transform(arrays)
    with pytest.raises(ModalityError, match=r"'smri' has shape \(5,\)"):
        fitted.partial_fit({**arrays, "smri": np.ones((N, 5))}, y)
    assert np.array_equal(fitted.transform(arrays), before)


def test_flat_array_of_another_width(fitted, arrays):
    with pytest.raises(ValueError, match=r"X has 12 features, but .* is expecting 13 features"):
        fitted.transform(np.ones((N, 12)))


def test_bad_values_at_transform(fitted, arrays):
    arrays["smri"][2, 1] = np.nan
    with pytest.raises(DataError, match="'smri': 1 NaN in 1 of 20 present subjects"):
        fitted.transform(arrays)
    arrays["smri"][2] = np.nan
    arrays["fc"][2] = np.nan
    with pytest.raises(DataError, match=r"1 subject.* no modality at all"):
        fitted.transform(arrays)


@pytest.mark.parametrize(
    ("modalities", "said"),
    [
        (["smri", "pet"], r"missing: \['pet'\]"),
        (["fc", "fc"], "selected twice"),
        ([], r"modalities=\[\] is empty; None means all"),
        ({}, r"modalities=\{\} is empty"),
    ],
)
def test_bad_choice_of_modalities(make, arrays, y, refuses, modalities, said):
    refuses(make(modalities=modalities), arrays, y, ModalityError, said)


def test_duplicated_and_nameless_modalities(make, arrays, y, refuses):
    with pytest.raises(ModalityError, match="given twice: fc"):
        MultimodalData({"fc": arrays["fc"]}, fc=arrays["fc"])
    refuses(make(), {1: arrays["fc"]}, y, ModalityError, "non-empty text; got 1")


def test_encoder_of_an_unknown_modality(make, arrays, y, refuses):
    said = r"encoders names \['pet'\]; the modalities are \['smri', 'fc'\]"
    refuses(make(encoders={"pet": "mlp"}), arrays, y, ModalityError, said)


# ------------------------------------------------------------------------------ column selectors

SELECTORS = [
    ({"smri": slice(0, 3), "fc": slice(2, 5)}, "columns 2 are in both 'smri' and 'fc'"),
    ({"smri": [0, 0], "fc": [1]}, "columns 0 are twice in 'smri'"),
    ({"smri": slice(0, 0), "fc": [1]}, "selector of 'smri' selects no column"),
    ({"smri": slice(0, 9), "fc": [1]}, "'smri' goes to column 9, there are 6"),
    ({"smri": [17], "fc": [1]}, "Column 17 of 'smri' is out of range"),
    ({"smri": "age", "fc": [1]}, r"'smri' are given by name \('age'\), but X has no column names"),
    ({}, "must map each name to its columns"),
]


@pytest.mark.parametrize(("modalities", "said"), SELECTORS)
def test_bad_selectors_of_an_array(make, y, refuses, modalities, said):
    refuses(make(modalities=modalities), np.ones((N, 6)), y, ModalityError, said)


def test_bad_selectors_of_a_dataframe(make, y, refuses):
    table = pd.DataFrame(np.ones((N, 4)), columns=["age", "iq", "fc_0", "fc_1"])
    for modalities, said in [
        ({"a": ["age", "fc_0"], "b": "fc_*"}, "columns 'fc_0' are in both 'a' and 'b'"),
        ({"a": "age", "b": "dti_*"}, "selector of 'b' selects no column: 'dti_"),
        ({"a": "agee", "b": "fc_*"}, "Column 'agee'.*did you mean 'age'"),
    ]:
        refuses(make(modalities=modalities), table, y, ModalityError, said)


def test_names_alone_do_not_split_a_table(make, y, refuses):
    said = r"modalities=\['a', 'b'\] names modalities, but X is one table. Give the columns"
    refuses(make(modalities=["a", "b"]), np.ones((N, 6)), y, ModalityError, said)


def test_text_in_a_selected_column(make, y, refuses):
    table = pd.DataFrame({"age": np.arange(N), "iq": np.arange(N), "site": ["Oslo"] * N})
    modalities = {"clinical": ["age", "site"], "iq": ["iq"]}
    refuses(make(modalities=modalities), table, y, DataError, "'clinical'", "site|text")


# ---------------------------------------------------------------------------------------- values


def put(array, value):
    array = array.copy()
    array[2, 1], array[5, :2] = value, value
    return array


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.nan, r"'smri': 3 NaN in 2 of 20 present subjects \(first: row 2, column 1\)"),
        (np.inf, r"'smri': 3 infinite in 2 of 20 present subjects \(first: row 2, column 1\)"),
        (-np.inf, "3 infinite in 2 of 20"),
        (1e39, r"'smri': 3 too large for float32 in 2 of 20 .*\n.*dtype='float64'"),
    ],
)
def test_values_that_cannot_be_trained_on(make, arrays, y, refuses, value, said):
    X = {**arrays, "smri": put(arrays["smri"], value)}
    refuses(make(), X, y, DataError, said)
    refuses(make(), list(MultimodalData(X)), y, DataError, said)
    table = X["smri"]
    modalities = {"smri": slice(0, 3), "age": [3]}
    refuses(make(modalities=modalities), table, y, DataError, said)


def test_nan_in_a_connectome_says_where_and_what_to_do(make, arrays, y, refuses):
    arrays["fc"][4, 1, 2] = np.nan
    ids = [f"sub-{i}" for i in range(N)]
    X = MultimodalData(arrays, index=ids)
    said = r"'fc': 1 NaN in 1 of 20 .*subject 'sub-4', position \(1, 2\)", "SimpleImputer"
    refuses(make(), X, y, DataError, *said)


@pytest.mark.filterwarnings("ignore:.*was given one modality:UserWarning")
def test_nan_in_a_lone_table(make, arrays, y, refuses):
    refuses(make(), put(arrays["smri"], np.nan), y, DataError, "3 NaN in 2 of 20")


def test_large_values_train_in_float64(make, arrays, y):
    X = {**arrays, "smri": arrays["smri"] * 1e39}
    for dtype in ("float64", "auto"):
        assert np.isfinite(make(dtype=dtype).fit_transform(X, y)).all()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.full((N, 2), "a"), "'pet' holds text"),
        (np.full((N, 2), b"a"), "'pet' holds text"),
        (np.full((N, 2), None), "'pet' is an array of Python objects"),
        (np.ones((N, 2), dtype=complex), "'pet' is complex"),
        (np.zeros((N, 2), dtype="datetime64[D]"), "'pet' holds no numbers"),
        (sparse.eye_array(N, format="csr"), r"'pet' is a sparse matrix; give it as .toarray\(\)"),
        (sparse.dok_array((N, 3)), "'pet' is a sparse matrix"),
        ({"a": np.ones(N)}, "'pet' is a dict of its own; modalities cannot be nested"),
        (torch.ones(N, 2), r"'pet' is a torch.Tensor.*\.cpu\(\)\.numpy\(\)"),
        (3.0, "'pet' is a single number"),
    ],
)
def test_arrays_of_the_wrong_kind(make, arrays, y, refuses, values, said):
    refuses(make(), {**arrays, "pet": values}, y, DataError, said)


@pytest.mark.parametrize(
    ("X", "error", "said"),
    [
        (sparse.eye_array(N, format="csr"), TypeError, "Sparse data"),
        (sparse.dok_array((N, 3)), TypeError, "Sparse data"),
        (np.full((N, 2), "a"), ValueError, "numeric"),
        (np.ones((N, 2), dtype=complex), ValueError, "Complex data not supported"),
    ],
)
@pytest.mark.parametrize("modalities", [None, {"a": [0], "b": [1]}])
def test_tables_of_the_wrong_kind(make, y, refuses, X, error, said, modalities):
    refuses(make(modalities=modalities), X, y, error, said)


# ---------------------------------------------------------------------------------------- targets


def test_target_of_another_length(make, arrays, y, refuses):
    refuses(make(), arrays, y[:-1], DataError, "y has 19 entries, but X has 20 subjects")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (np.zeros(N), r"at least two classes in y, found 1 class.*\[0.0\], with 0 unlabeled"),
        (np.full(N, -1), r"\[\], with 20 unlabeled subjects \(y = -1\)"),
        (np.where(np.arange(N) % 2, 1, -1), r"\[1\], with 10 unlabeled subjects \(y = -1\)"),
        (["case"] * N, r"\['case'\]"),
    ],
)
def test_fewer_than_two_classes(make_supervised, arrays, refuses, target, said):
    refuses(make_supervised(), arrays, target, DataError, said)


def test_a_class_that_only_uncounted_subjects_have(make_supervised, arrays, y, refuses):
    said = r"at least two classes in y, found 1 class.*\[0\]"
    refuses(make_supervised(), arrays, y, DataError, said, sample_weight=1.0 - y)


def test_continuous_target(make_supervised, arrays, refuses):
    target = np.random.default_rng(0).normal(size=N)
    embedder = make_supervised()
    said = "Set task='regression'" if "task" in embedder.get_params() else "YAwareEmbedder"
    refuses(embedder, arrays, target, DataError, "Unknown label type: continuous", said)


def test_cmccss_before_a_regressor(arrays, refuses):
    pipe = make_pipeline(CMCCSSEmbedder(solver="gradient", max_epochs=1), Ridge())
    said = "set css_weight=0", "YAwareEmbedder", "ContrastiveRegressionEmbedder"
    refuses(pipe, MultimodalData(arrays), np.linspace(20, 60, N), DataError, *said)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"validation_fraction": 0.3, "monitor": "probe"}, "monitor='probe' needs classes"),
        ({"sampler": "balanced"}, "sampler='balanced' needs classes"),
    ],
)
def test_numbers_where_the_probe_or_sampler_wants_classes(arrays, refuses, params, said):
    embedder = CMCCSSEmbedder(css_weight=0, max_epochs=1, **params)
    refuses(embedder, arrays, np.linspace(0, 1, N), DataError, said)
    with pytest.raises(UserWarning, match=said):  # warnings are errors here
        embedder.fit(arrays, np.arange(20, 20 + N))


@pytest.mark.parametrize("dtype", [int, float, np.uint8, object])
def test_ages_in_whole_years_are_no_classes_in_silence(make_supervised, arrays, dtype, no_training):
    age = np.arange(20, 20 + N).astype(dtype)
    embedder = make_supervised()
    if "task" in embedder.get_params():
        embedder.set_params(task="auto")
    with pytest.raises(UserWarning, match=r"The 20 different numbers of y, given to .* classes"):
        embedder.fit(arrays, age)  # warnings are errors here


def test_target_of_two_columns(make_supervised, arrays, y, refuses):
    refuses(make_supervised(), arrays, np.c_[y, y], ValueError, r"1d array.* shape \(20, 2\)")


def test_no_target(make_supervised, arrays, refuses):
    refuses(make_supervised(), arrays, None, ValueError, "requires y to be passed")


def test_new_class_at_partial_fit(make_supervised, arrays, y):
    embedder = make_supervised().fit(arrays, y)
    with pytest.raises(ValueError, match=r"y holds \[7\], not among the classes \[0, 1\]"):
        embedder.partial_fit(arrays, np.where(y, 7, 0))


@pytest.mark.parametrize(
    ("weight", "said"),
    [
        (np.ones(N - 1), "sample_weight.shape"),
        (-np.ones(N), "Negative values"),
        (np.full(N, np.nan), "contains NaN"),
        (np.zeros(N), "0 sample|zero"),
    ],
)
def test_bad_weights(make, arrays, y, refuses, weight, said):
    refuses(make(), arrays, y, ValueError, said, sample_weight=weight)


# ------------------------------------------------------------------------------------- parameters

PARAMETERS = [
    ("batch_size", 1, r"'batch_size' .* int in the range \[2, inf\). Got 1"),
    ("n_components", 0, "'n_components'"),
    ("max_epochs", 0, "'max_epochs'"),
    ("lr", 0.0, "'lr'"),
    ("weight_decay", -1.0, "'weight_decay'"),
    ("optimizer", "lbfgs", "'optimizer' .*'adam'"),
    ("lr_schedule", "step", "'lr_schedule'"),
    ("validation_fraction", 1.0, "'validation_fraction'"),
    ("monitor", "accuracy", "'monitor'"),
    ("dtype", "float16", "'dtype'"),
    ("modalities", "fc", "'modalities'"),
    ("random_state", "a", "'random_state'"),
]


@pytest.mark.parametrize(("name", "value", "said"), PARAMETERS)
def test_bad_parameters(make, arrays, y, refuses, name, value, said):
    refuses(make(**{name: value}), arrays, y, ValueError, said, "Embedder|DeepUCSL")


def test_validation_set_that_is_too_small(make, arrays, y):
    with pytest.raises(ValueError, match=r"validation_fraction=0.01 of 20 subjects leaves 20 for"):
        make(validation_fraction=0.01).fit(arrays, y)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA")
def test_cuda_asked_for_and_absent(make, arrays, y, refuses):
    said = "device='cuda' was asked for, but torch finds no CUDA device.*Use device='auto'"
    refuses(make(device="cuda"), arrays, y, ValueError, said)
    refuses(make(device="cuda:1"), arrays, y, ValueError, "'cuda:1'")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA")
def test_auto_falls_back_to_the_cpu(make, arrays, y):
    assert make(device="auto").fit(arrays, y).net_.device == "cpu"


class WrongShape(nn.Module):
    def __init__(self, shape, n_components):
        super().__init__()
        self.linear = nn.Linear(4, n_components)

    def forward(self, x):
        return self.linear(x)[:, None]


@pytest.mark.parametrize(
    ("encoder", "said"),
    [
        (WrongShape, r"'smri' gave an output of shape \(2, 1, 2\) .* expected \(2, 2\)"),
        (nn.Linear(4, 5), r"'smri' gave an output of shape \(2, 5\).* Set n_components"),
        (nn.Linear(7, 2), r"'smri' does not take arrays of shape \(n_samples, 4\)"),
        ("cnn", "'smri' .*unknown encoder 'cnn'"),
        ("attention", r"'smri' .*takes matrices"),
        (lambda shape, n_components: None, "encoder of modality 'smri'"),
    ],
)
def test_encoders_that_do_not_fit(make, arrays, y, refuses, encoder, said):
    refuses(make(encoders={"smri": encoder}), arrays, y, ModalityError, said)


def test_no_default_encoder_of_so_many_axes(make, y, refuses):
    X = {"t1": np.ones((N, 2, 2, 2, 2, 2)), "age": np.ones((N, 1))}
    refuses(make(), X, y, ModalityError, "'t1' .*no default encoder.* give one")


@pytest.mark.parametrize(
    ("name", "shape", "said"),
    [
        ("resnet18", (8, 8), r"'t1' .*takes volumes .*not \(8, 8\)"),
        ("densenet121", (8, 30, 30), r"'t1' .*sides of at least 29 voxels, not \(8, 30, 30\)"),
        ("sfcn", (31, 32, 32), r"'t1' .*sides of at least 32"),
        ("dcgan", (32, 32, 30), r"'t1' .*a side of 32, 64, 128, not \(32, 32, 30\); pad"),
        ("timm/resnet18:large", (3, 8, 8), r"'t1' .*unknown encoder .*'timm/NAME:pretrained'"),
        ("timm/resnet18", (2, 4, 4, 4), r"'t1' .*'timm/resnet18' takes images"),
    ],
)
def test_networks_of_volumes_and_images_that_do_not_fit(make, y, refuses, name, shape, said):
    X = {"t1": np.ones((N, *shape), dtype="float32"), "age": np.ones((N, 1))}
    refuses(make(encoders={"t1": name}, input_components=None), X, y, ModalityError, said)
