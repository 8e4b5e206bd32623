"""What every embedder does alike, whatever its objective."""

from __future__ import annotations

import copy
import inspect
import io
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import estimator_html_repr
from skorch.callbacks import Callback
from torch import nn

from skmmcl import CMCCSSEmbedder, MMVAEEmbedder, MultimodalData
from skmmcl.base import BaseEmbedder
from skmmcl.exceptions import FitInterruptedWarning, ModalityError
from skmmcl.training import _fit
from skmmcl.utils.discovery import all_estimators

EMBEDDERS = [cls for _, cls in all_estimators() if issubclass(cls, BaseEmbedder)]
OF_ONE_ATLAS = {"TopologicalConsistencyEmbedder"}  # all matrices must have the same regions
FUSED = {"CoMMEmbedder", "DeepUCSL", "SepVAEEmbedder"}  # give one block, whatever the modalities
OF_PATIENTS = {"DeepUCSL", "SepVAEEmbedder"}  # there must be some, who have all modalities
SPACES = {"SepVAEEmbedder": 12}  # the width of the block is not n_components
COPIED = {"SimCLREmbedder"}  # augments copies of each subject
DRAWN = {"DeepUCSL", "SepVAEEmbedder"}  # k-means draws subjects, and the discriminator pairs
DOUBLED = [
    cls
    for cls in EMBEDDERS
    if cls._make_views is BaseEmbedder._make_views and not hasattr(cls, "views")
]
N = 24
SHAPES = {"smri": (4,), "fc": (3, 5), "clinical": (2,)}
WIDTH = 4 + 15 + 2
COLUMNS = [f"smri_{i}" for i in range(4)] + [f"fc_{i}" for i in range(15)] + ["age", "iq"]
SLICES = {"smri": slice(0, 4), "fc": slice(4, 19), "clinical": slice(19, 21)}


@pytest.fixture(params=EMBEDDERS, ids=lambda cls: cls.__name__)
def make(request):
    """An embedder that trains for two epochs unless told otherwise."""

    def build(**params):
        return request.param(
            **{
                "solver": "gradient",
                "max_epochs": 2,
                "n_components": 3,
                "random_state": 0,
                **params,
            }
        )

    return build


@pytest.fixture(params=[cls for cls in EMBEDDERS if cls.__name__ not in FUSED])
def make_blocks(request):
    """Like `make`, of those that give a block of columns for each modality."""
    return partial(request.param, solver="gradient", max_epochs=2, n_components=3, random_state=0)


@pytest.fixture(name="y")
def classes():
    return np.arange(N) % 2


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    shift = (np.arange(N) % 2)[:, None]
    return {
        "smri": rng.normal(size=(N, 4)) + shift,
        "fc": rng.normal(size=(N, 3, 5)),
        "clinical": rng.normal(size=(N, 2)) - shift,
    }


@pytest.fixture(name="X")
def container(arrays):
    return MultimodalData(arrays)


def flatten(arrays):
    return np.hstack([array.reshape(N, -1) for array in arrays.values()])


def to_structured(arrays):
    dtype = [(name, array.dtype, array.shape[1:]) for name, array in arrays.items()]
    records = np.empty(N, dtype=dtype)
    for name, array in arrays.items():
        records[name] = array
    return records


class Raise(Callback):
    """Raise at one point of the training."""

    def __init__(self, error, method="on_epoch_end"):
        self.error = error
        setattr(self, method, self._raise)

    def _raise(self, net, **kwargs):
        raise self.error


class DropoutEncoder(nn.Module):
    def __init__(self, shape, n_components):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Dropout(0.5), nn.Linear(int(np.prod(shape)), n_components)
        )

    def forward(self, x):
        return self.layers(x)


# ----------------------------------------------------------------------------- accepted input

NAMED_FORMS = {
    "container": MultimodalData,
    "dict": dict,
    "records": lambda arrays: list(MultimodalData(arrays)),
    "structured": to_structured,
    "lists in a dict": lambda arrays: {name: list(array) for name, array in arrays.items()},
    "slice of more": lambda arrays: MultimodalData(
        {name: np.concatenate([array, array]) for name, array in arrays.items()}
    )[np.arange(N)],
}


@pytest.mark.parametrize("form", NAMED_FORMS)
def test_named_forms_give_the_same_bits(make, arrays, y, form):
    expected = make().fit(MultimodalData(arrays), y).transform(MultimodalData(arrays))
    given_form = NAMED_FORMS[form](arrays)
    assert np.array_equal(make().fit_transform(given_form, y), expected)
    fitted = make().fit(MultimodalData(arrays), y)
    assert np.array_equal(fitted.transform(given_form), expected)


TABLE_FORMS = {
    "array": (lambda flat: flat, SLICES),
    "fortran array": (np.asfortranarray, SLICES),
    "nested list": (lambda flat: flat.tolist(), SLICES),
    "DataFrame": (
        lambda flat: pd.DataFrame(flat, columns=COLUMNS),
        {"smri": "smri_*", "fc": slice(4, 19), "clinical": ["age", "iq"]},
    ),
    "polars": (
        lambda flat: pl.DataFrame(dict(zip(COLUMNS, flat.T, strict=True))),
        {"smri": "smri_*", "fc": "fc_*", "clinical": ["age", "iq"]},
    ),
    "DataFrame with further columns": (
        lambda flat: pd.DataFrame(flat, columns=COLUMNS).assign(site="Oslo", unused=np.nan),
        {"smri": "smri_*", "fc": "fc_*", "clinical": ["age", "iq"]},
    ),
}


@pytest.mark.parametrize("form", TABLE_FORMS)
def test_tables_give_the_same_bits(make, arrays, y, form):
    vectors = MultimodalData({name: array.reshape(N, -1) for name, array in arrays.items()})
    expected = make().fit_transform(vectors, y)
    convert, selectors = TABLE_FORMS[form]
    table = convert(flatten(arrays))
    embedder = make(modalities=selectors).fit(table, y)
    assert np.array_equal(embedder.transform(table), expected)
    assert np.array_equal(embedder.transform(vectors), expected)
    assert embedder.modalities_ == list(SHAPES)


@pytest.mark.parametrize("modalities", [None, ["smri", "fc", "clinical"]])
def test_a_flat_array_is_taken_for_the_fitted_layout(make, arrays, y, modalities):
    embedder = make(modalities=modalities).fit(arrays, y)
    assert embedder.n_features_in_ == WIDTH
    expected = embedder.transform(arrays)
    assert np.array_equal(embedder.transform(flatten(arrays)), expected)
    assert np.array_equal(embedder.transform(np.asarray(MultimodalData(arrays))), expected)


def test_a_flat_array_with_a_missing_modality(make, arrays, y):
    embedder = make().fit(arrays, y)
    flat = flatten(arrays)
    flat[3, 4:19] = np.nan
    mask = np.ones((N, 3), dtype=bool)
    mask[3, 1] = False
    expected = embedder.transform(MultimodalData(arrays, mask=mask))
    assert np.array_equal(embedder.transform(flat), expected)


def test_a_list_of_modalities_selects_and_orders(make, arrays, y):
    chosen = {name: arrays[name] for name in ("clinical", "smri")}
    embedder = make(modalities=("clinical", "smri")).fit(arrays, y)
    assert embedder.modalities_ == ["clinical", "smri"]
    assert np.array_equal(embedder.transform(arrays), make().fit_transform(chosen, y))
    assert np.array_equal(embedder.transform(chosen), embedder.transform(arrays))


def test_order_of_the_modalities_at_transform_does_not_matter(make, arrays, y):
    embedder = make().fit(arrays, y)
    turned = dict(reversed(arrays.items()))
    assert np.array_equal(embedder.transform(turned), embedder.transform(arrays))


@pytest.mark.parametrize("make", DOUBLED, indirect=True, ids=lambda cls: cls.__name__)
def test_a_lone_table_trains_two_encoders_and_says_so(make, arrays, y):
    with pytest.warns(UserWarning, match=r"one modality, 'x', and trains two.*modalities=\{"):
        embedder = make().fit(arrays["smri"], y)
    out = embedder.transform(arrays["smri"])
    assert out.shape == (N, 6)
    assert list(embedder.get_feature_names_out()) == [f"x_{i}" for i in range(6)]
    assert not np.allclose(out[:, :3], out[:, 3:])


def test_shapes_of_any_dimension(make_blocks, y):
    rng = np.random.default_rng(0)
    X = {"t1": rng.normal(size=(N, 2, 3, 2)), "age": rng.normal(size=N)}
    assert make_blocks(encoders="mlp").fit_transform(X, y).shape == (N, 6)


class LazyArray:
    """Reads rows when asked for them, as an array on disk does."""

    def __init__(self, array):
        self._array, self.shape, self.dtype = array, array.shape, array.dtype

    def __len__(self):
        return len(self._array)

    def __getitem__(self, rows):
        return self._array[rows]


def test_lazy_arrays_give_the_same_bits(make, arrays, y):
    lazy = MultimodalData({name: LazyArray(array) for name, array in arrays.items()})
    expected = make().fit_transform(arrays, y)
    assert np.array_equal(make().fit_transform(lazy, y), expected)
    part = np.arange(0, N, 3)
    embedder = make().fit(arrays, y)
    assert np.array_equal(
        embedder.transform(lazy[part]), embedder.transform(MultimodalData(arrays)[part])
    )


# --------------------------------------------------------------------------------- what comes out


def test_output_is_finite_and_named(make_blocks, X, y):
    embedder = make_blocks().fit(X, y)
    out = embedder.transform(X)
    assert out.shape == (N, 9)
    assert out.dtype == np.float32
    assert np.isfinite(out).all()
    names = [f"{name}_{i}" for name in SHAPES for i in range(3)]
    assert embedder.get_feature_names_out().tolist() == names


def test_names_follow_the_fit_not_later_parameters(make, X, y):
    embedder = make().fit(X, y).set_params(n_components=7)
    assert len(embedder.get_feature_names_out()) == embedder.transform(X).shape[1]


def test_transform_is_row_by_row(make, X, y):
    embedder = make().fit(X, y)
    rows = np.array([5, 1, 17])
    np.testing.assert_allclose(embedder.transform(X[rows]), embedder.transform(X)[rows], atol=1e-6)


def test_many_subjects_are_transformed_in_blocks(make, X, y):
    embedder = make().fit(X, y)
    many = X[np.resize(np.arange(N), 1500)]
    expected = embedder.transform(X)[np.resize(np.arange(N), 1500)]
    np.testing.assert_allclose(embedder.transform(many), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "given_dtype", "expected"),
    [
        ("float32", "float64", "float32"),
        ("float64", "float32", "float64"),
        ("auto", "float64", "float64"),
        ("auto", "float32", "float32"),
        ("auto", "float16", "float32"),
        ("auto", "int64", "float32"),
    ],
)
def test_dtype_of_net_and_output(make, arrays, y, dtype, given_dtype, expected):
    X = {name: (array * 10).astype(given_dtype) for name, array in arrays.items()}
    embedder = make(dtype=dtype).fit(X, y)
    assert embedder.transform(X).dtype == expected
    weights = next(embedder.net_.module_.parameters())
    assert str(weights.dtype) == f"torch.{expected}"
    assert embedder.mean_representation_.dtype == expected


@pytest.mark.parametrize("standardize", [True, False])
def test_standardize_makes_units_irrelevant(make, arrays, y, standardize):
    other_units = {**arrays, "clinical": arrays["clinical"] * [512, 1] + 1024}
    first = make(standardize=standardize, dtype="float64").fit_transform(arrays, y)
    second = make(standardize=standardize, dtype="float64").fit_transform(other_units, y)
    assert np.allclose(first, second, atol=1e-6) == standardize


def test_a_small_spread_on_a_large_mean_survives_float32(make, arrays, y):
    shifted = {**arrays, "clinical": arrays["clinical"] + 1e5}
    first, second = (make().fit_transform(X, y) for X in (arrays, shifted))
    np.testing.assert_allclose(first, second, atol=0.05)


@pytest.mark.parametrize("scale", [1e-42, 1e-30, 1e30])
def test_extreme_units_stay_finite(make, arrays, y, scale):
    X = {name: array * scale for name, array in arrays.items()}
    assert np.isfinite(make().fit_transform(X, y)).all()


def test_constant_columns_are_harmless(make, arrays, y):
    arrays["clinical"][:, 0] = 7
    assert np.isfinite(make().fit_transform(arrays, y)).all()


# ---------------------------------------------------------------------------------- containers out


def with_ids(arrays):
    ids = [f"sub-{i:02}" for i in range(N)]
    return MultimodalData(arrays, index=ids, meta={"site": np.arange(N) % 3})


def test_pandas_output_keeps_the_subject_ids(make, arrays, y):
    X = with_ids(arrays)
    embedder = make().set_output(transform="pandas").fit(X, y)
    rows = np.array([7, 2, 3])
    out = embedder.transform(X[rows])
    assert isinstance(out, pd.DataFrame)
    assert out.index.tolist() == ["sub-07", "sub-02", "sub-03"]
    assert out.columns.tolist() == embedder.get_feature_names_out().tolist()
    plain = embedder.set_output(transform="default").transform(X[rows])
    assert np.array_equal(out.to_numpy(), plain)
    assert make().set_output(transform="pandas").fit_transform(X, y).index[0] == "sub-00"


def test_pandas_output_without_ids_counts(make, X, y):
    out = make().set_output(transform="pandas").fit_transform(X, y)
    assert out.index.tolist() == list(range(N))


def test_pandas_output_of_a_dataframe_keeps_its_index(make, arrays, y):
    ids = [f"s{i}" for i in range(N)]
    table = pd.DataFrame(flatten(arrays), columns=COLUMNS, index=ids)
    out = make(modalities=SLICES).set_output(transform="pandas").fit_transform(table, y)
    assert out.index.tolist() == ids


def test_global_output_and_polars(make, arrays, y):
    X = with_ids(arrays)
    embedder = make().fit(X, y)
    with sklearn.config_context(transform_output="pandas"):
        assert embedder.transform(X).index[1] == "sub-01"
    with sklearn.config_context(transform_output="polars"):
        out = embedder.transform(X)
    assert isinstance(out, pl.DataFrame)
    assert out.columns == embedder.get_feature_names_out().tolist()
    assert np.array_equal(out.to_numpy(), embedder.transform(X))


def test_feature_names_in_belongs_to_dataframes(make, arrays, y):
    table = pd.DataFrame(flatten(arrays), columns=COLUMNS)
    embedder = make(modalities=SLICES).fit(table, y)
    assert embedder.feature_names_in_.tolist() == COLUMNS
    assert embedder.n_features_in_ == WIDTH
    embedder.set_params(modalities=None).fit(arrays, y)
    assert not hasattr(embedder, "feature_names_in_")
    embedder.set_params(modalities=SLICES).fit(table.to_numpy(), y)
    assert not hasattr(embedder, "feature_names_in_")


# ---------------------------------------------------------------------------- parameters and repr


def test_signature_puts_the_methods_own_parameters_first(make):
    cls = type(make())
    names = list(inspect.signature(cls).parameters)
    common = list(inspect.signature(BaseEmbedder).parameters)
    mixins = [base for base in cls.__mro__[1:] if "__dataclass_fields__" in vars(base)]
    shared = {name for base in mixins for name in vars(base)["__annotations__"]}
    annotated = vars(cls).get("__annotations__", {})
    own = [name for name in annotated if not name.startswith("_") and name not in shared]
    assert names[: len(own)] == own
    assert [name for name in names if name in common and name not in own] == [
        name for name in common if name not in own
    ]
    with pytest.raises(TypeError):
        cls(3)


def test_params_go_round(make):
    embedder = make(encoders={"fc": "mlp"}, lr=0.01)
    params = embedder.get_params()
    assert set(params) == set(inspect.signature(type(embedder)).parameters)
    twin = type(embedder)().set_params(**params)
    assert twin.get_params() == params
    assert clone(embedder).get_params() == params
    assert "lr=0.01" in repr(embedder)
    assert "temperature" not in repr(type(embedder)())
    with pytest.raises(ValueError, match="Invalid parameter 'nonsense'"):
        embedder.set_params(nonsense=1)


def test_fit_changes_no_parameter(make, X, y):
    embedder = make(encoders={"fc": DropoutEncoder})
    before = embedder.get_params()
    embedder.fit(X, y)
    after = embedder.get_params()
    assert all(before[name] is after[name] for name in before)


def test_clone_is_unfitted_and_has_modules_of_its_own(make, X, y):
    encoder = nn.Linear(4, 3)
    embedder = make(encoders={"smri": encoder}).fit(X, y)
    twin = clone(embedder)
    assert not hasattr(twin, "net_")
    assert twin.encoders["smri"] is not encoder
    with pytest.raises(NotFittedError):
        twin.transform(X)
    assert np.array_equal(twin.fit_transform(X, y), embedder.transform(X))


def test_a_module_given_as_encoder_is_not_trained_itself(make, X, y):
    encoder = nn.Linear(4, 3)
    before = encoder.weight.detach().clone()
    make(encoders={"smri": encoder}, lr=0.1).fit(X, y)
    assert torch.equal(encoder.weight, before)


@pytest.mark.parametrize("fitted", [False, True])
def test_html_repr(make, X, y, fitted):
    embedder = make(lr=0.25)
    if fitted:
        embedder.fit(X, y)
    html = estimator_html_repr(embedder)
    assert type(embedder).__name__ in html
    assert "0.25" in html


# ------------------------------------------------------------------------------------ persistence


def by_joblib(embedder):
    file = io.BytesIO()
    joblib.dump(embedder, file)
    return joblib.load(io.BytesIO(file.getvalue()))


COPIES = {
    "pickle": lambda e: pickle.loads(pickle.dumps(e)),
    "cloudpickle": lambda e: pickle.loads(cloudpickle.dumps(e)),
    "joblib": by_joblib,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("how", COPIES)
def test_copies_embed_alike_and_go_on_alike(make, X, y, how):
    embedder = make(warm_start=True, lr_schedule="cosine", validation_fraction=0.25).fit(X, y)
    twin = COPIES[how](embedder)
    assert np.array_equal(twin.transform(X), embedder.transform(X))
    assert np.array_equal(twin.fit(X, y).transform(X), embedder.fit(X, y).transform(X))


def test_fitted_estimator_does_not_keep_the_training_data(make):
    rng = np.random.default_rng(0)
    few, many = ({"a": rng.normal(size=(n, 5)), "b": rng.normal(size=(n, 5))} for n in (20, 4000))
    fitted = [make(max_epochs=1).fit(X, np.arange(len(X["a"])) % 2) for X in (few, many)]
    for each in fitted:
        vars(each).pop("labels_", None)  # of clusterers, who keep them for the user
    sizes = [len(pickle.dumps(each)) for each in fitted]
    assert sizes[1] < sizes[0] + 1000


# ------------------------------------------------------------------------------ nothing is changed


def surroundings():
    """Everything around a fit that is the user's."""
    return {
        "numpy": joblib.hash(np.random.get_state()),  # noqa: NPY002
        "torch": joblib.hash(torch.get_rng_state().numpy()),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "dtype": torch.get_default_dtype(),
        "sklearn": sklearn.get_config(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "cudnn": (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic),
        "grad": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "numpy errors": np.geterr(),
        "filters": list(warnings.filters),
    }


@pytest.mark.parametrize("encoder", ["auto", DropoutEncoder])
def test_fit_and_transform_leave_the_surroundings_alone(make, X, y, encoder):
    import_module("torch._dynamo")  # as optimizers do once; sympy, of its own, adds a filter
    before = surroundings()
    make(encoders=encoder).fit(X, y).partial_fit(X, y).transform(X)
    assert surroundings() == before


@pytest.mark.parametrize("encoder", ["auto", DropoutEncoder])
@pytest.mark.parametrize("when", ["on_train_begin", "on_batch_end", "on_epoch_end", "on_train_end"])
def test_a_fit_that_fails_leaves_the_surroundings_alone(make, X, y, encoder, when):
    before = surroundings()
    embedder = make(encoders=encoder, callbacks=[Raise(OSError("disk"), when)])
    with pytest.raises(OSError, match="disk"):
        embedder.fit(X, y)
    assert surroundings() == before
    assert not hasattr(embedder, "net_")


def test_a_failing_refit_leaves_no_stale_net(make, X, y):
    embedder = make().fit(X, y)
    with pytest.raises(ModalityError):
        embedder.set_params(encoders={"nonsense": "mlp"}).fit(X, y)
    with pytest.raises(NotFittedError):
        embedder.transform(X)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("standardize", [True, False])
def test_inputs_are_never_written_to(make, arrays, y, dtype, standardize):
    class Overwrites(nn.Module):
        def __init__(self, shape, n_components):
            super().__init__()
            self.linear = nn.Linear(int(np.prod(shape)), n_components)

        def forward(self, x):
            return self.linear(x.detach().mul_(2).flatten(1))

    X = {name: array.astype(dtype) for name, array in arrays.items()}
    weight = np.linspace(1, 2, N)
    before = joblib.hash((X, y, weight))
    embedder = make(standardize=standardize, encoders=Overwrites)
    embedder.fit(X, y, sample_weight=weight).transform(X)
    assert joblib.hash((X, y, weight)) == before


def test_read_only_arrays(make, arrays, y):
    expected = make().fit_transform(arrays, y)
    for array in (*arrays.values(), y):
        array.flags.writeable = False
    assert np.array_equal(make().fit_transform(arrays, y), expected)


# ------------------------------------------------------------------------------------------ seeds


@pytest.mark.parametrize("encoder", ["auto", DropoutEncoder])
def test_one_seed_gives_the_same_bits_and_others_do_not(make, X, y, encoder):
    def run(seed):
        return make(encoders=encoder, random_state=seed, batch_size=8).fit_transform(X, y)

    torch.manual_seed(1)
    first = run(0)
    torch.manual_seed(2)
    assert np.array_equal(run(0), first)
    assert not np.allclose(run(1), first)
    assert not np.allclose(run(None), run(None))
    assert np.array_equal(run(np.random.RandomState(0)), run(np.random.RandomState(0)))


@pytest.mark.parametrize("encoder", ["auto", DropoutEncoder])
def test_threads_fit_at_once_as_one_after_another(make, X, y, encoder):
    def run(seed):
        embedder = make(encoders=encoder, random_state=seed, batch_size=8, max_epochs=4)
        return embedder.fit(X, y).transform(X)

    expected = [run(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(run, range(4)))
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_dropout_is_off_at_transform(make, X, y):
    embedder = make(encoders=DropoutEncoder).fit(X, y)
    assert np.array_equal(embedder.transform(X), embedder.transform(X))


# ----------------------------------------------------------------------------------- going on


@pytest.mark.parametrize(
    "options", [{}, {"batch_size": 8, "gradient_clip": 0.1}, {"encoders": DropoutEncoder}]
)
def test_three_partial_fits_are_one_fit(make, X, y, options):
    whole = make(max_epochs=3, **options).fit(X, y)
    parts = make(max_epochs=3, **options)
    for _ in range(3):
        parts.partial_fit(X, y)
    assert np.array_equal(parts.transform(X), whole.transform(X))
    assert parts.n_iter_ == whole.n_iter_ == 3
    assert np.array_equal(parts.history_["train_loss"], whole.history_["train_loss"])


def test_partial_fit_after_fit_goes_on(make, X, y):
    embedder = make(max_epochs=2).fit(X, y).partial_fit(X, y)
    assert embedder.n_iter_ == 3
    expected = make(max_epochs=3).fit(X, y)
    assert np.array_equal(embedder.transform(X), expected.transform(X))


def test_warm_start_goes_on_and_cold_start_does_not(make, X, y):
    warm = make(max_epochs=2, warm_start=True).fit(X, y).fit(X, y)
    assert warm.n_iter_ == 4
    expected = make(max_epochs=4).fit(X, y)
    assert np.array_equal(warm.transform(X), expected.transform(X))
    cold = make(max_epochs=2).fit(X, y)
    assert cold.fit(X, y).n_iter_ == 2
    assert np.array_equal(cold.transform(X), make(max_epochs=2).fit_transform(X, y))


def test_warm_start_takes_a_new_learning_rate(make, X, y):
    embedder = make(warm_start=True).fit(X, y)
    before = embedder.transform(X)
    embedder.set_params(lr=1e-12, weight_decay=0).fit(X, y)
    np.testing.assert_allclose(embedder.transform(X), before, atol=1e-6)
    assert not np.allclose(embedder.set_params(lr=0.1).fit(X, y).transform(X), before)


def test_going_on_takes_a_new_weight_decay(X, y):
    embedders = [CMCCSSEmbedder(solver="gradient", random_state=0).partial_fit(X, y) for _ in "ab"]
    embedders[1].set_params(weight_decay=0.5)
    assert not np.allclose(*(embedder.partial_fit(X, y).transform(X) for embedder in embedders))


@pytest.mark.parametrize(
    "changed", [{"optimizer": "sgd"}, {"gradient_clip": 0.1}, {"temperature": 1.0}]
)
def test_going_on_warns_of_what_training_began_with(X, y, changed):
    embedder = CMCCSSEmbedder(solver="gradient", random_state=0).partial_fit(X, y)
    embedder.set_params(batch_size=16, verbose=0, sampler="balanced").partial_fit(X, y)
    text = r"{}={!r} has no effect: training goes on".format(*next(iter(changed.items())))
    with pytest.warns(UserWarning, match=text) as seen:
        embedder.set_params(**changed).partial_fit(X, y)
    assert seen[0].filename == __file__


@pytest.mark.parametrize(
    ("cls", "params", "text"),
    [
        (CMCCSSEmbedder, {"solver": "closed_form", "lr": 1.0}, "lr had no effect"),
        (CMCCSSEmbedder, {"input_noise": 0.5, "augment": lambda x, _: x}, "0.5 has no effect"),
        (CMCCSSEmbedder, {"modalities": ["smri", "fc"], "solver": "gradient"}, "No subject has"),
        (MMVAEEmbedder, {"modalities": ["clinical"]}, "trains two encoders"),
    ],
    ids=["solved", "noise", "unpaired", "lone"],
)
def test_a_warning_names_the_line_of_the_user(X, y, cls, params, text):
    smri = np.arange(N) % 2 == 0
    unpaired = MultimodalData(X.to_dict(), mask={"smri": smri, "fc": ~smri})
    with pytest.warns(UserWarning, match=text) as seen:
        cls(**{"solver": "gradient", "max_epochs": 1, **params}).fit(unpaired, y)
    assert [each.filename for each in seen] == [__file__] * len(seen)


def test_refit_on_other_modalities_forgets_the_first(make, X, y):
    embedder = make().fit(X, y)
    other = X[["fc", "smri"]]
    refitted = embedder.fit(other, y).transform(other)
    assert np.array_equal(refitted, make().fit_transform(other, y))


def test_partial_fit_on_subjects_who_all_lack_a_modality(make, X, arrays, y):
    embedder = make().fit(X, y)
    without = MultimodalData(arrays, mask={"fc": np.zeros(N, dtype=bool)})
    embedder.partial_fit(without, y)
    assert np.isfinite(embedder.mean_representation_).all()
    assert np.isfinite(embedder.transform(without)).all()


def test_partial_fit_of_one_subject(make, X, y):
    embedder = make().fit(X, y).partial_fit(X[0], y[:1])
    assert np.isfinite(embedder.transform(X)).all()


# ---------------------------------------------------------------------------- history and stopping


def test_history(make, X, y):
    embedder = make(max_epochs=3, validation_fraction=0.25).fit(X, y)
    history = embedder.history_
    assert {"train_loss", "valid_loss"} <= set(history)
    terms = [term.name for term in embedder._make_objective()]
    assert set(terms) <= set(history)
    assert all(values.shape == (3,) for values in history.values())
    assert not hasattr(make(), "n_iter_")


def test_early_stopping_keeps_the_best_epoch(make, X, y):
    embedder = make(max_epochs=200, validation_fraction=0.3, n_iter_no_change=3, lr=0.05)
    embedder.fit(X, y)
    valid = embedder.history_["valid_loss"]
    best = int(np.argmin(valid))
    assert embedder.n_iter_ < 200
    assert embedder.n_iter_ == best + 1 + 3
    at_best = make(max_epochs=best + 1, validation_fraction=0.3, n_iter_no_change=None, lr=0.05)
    assert np.array_equal(embedder.transform(X), at_best.fit(X, y).transform(X))


def test_no_early_stopping_when_it_is_turned_off(make, X, y):
    embedder = make(max_epochs=30, validation_fraction=0.3, n_iter_no_change=None, lr=0.1)
    assert embedder.fit(X, y).n_iter_ == 30


def test_probe_score_is_monitored(make, X, y):
    embedder = make(max_epochs=30, validation_fraction=0.3, monitor="probe", n_iter_no_change=4)
    probe = embedder.fit(X, y).history_["valid_probe"]
    assert ((probe >= 0) & (probe <= 1)).all()
    assert embedder.n_iter_ == int(np.argmax(probe)) + 1 + 4


def test_callbacks_of_skorch_are_called(make, X, y):
    class Count(Callback):
        epochs = 0

        def on_epoch_end(self, net, **kwargs):
            self.epochs += 1

    counter = Count()
    make(max_epochs=3, callbacks=[("count", counter)]).fit(X, y)
    assert counter.epochs == 3


def test_early_stopping_of_skorch_ends_the_fit_quietly(make, X, y):
    from skorch.callbacks import EarlyStopping

    stop = EarlyStopping(monitor="train_loss", patience=2, threshold=100, threshold_mode="abs")
    assert make(max_epochs=50, callbacks=[stop]).fit(X, y).n_iter_ < 50


@pytest.fixture
def no_interrupt_before(monkeypatch):
    monkeypatch.setattr(_fit, "_last_interrupt", -10.0)


@pytest.mark.usefixtures("no_interrupt_before")
@pytest.mark.parametrize("when", ["on_batch_end", "on_epoch_end"])
def test_ctrl_c_leaves_an_estimator_that_works(make, X, y, when):
    embedder = make(max_epochs=50, callbacks=[Raise(KeyboardInterrupt(), when)])
    with pytest.warns(FitInterruptedWarning, match="interrupted in epoch 1; .* can be used"):
        embedder.fit(X, y)
    assert np.isfinite(embedder.transform(X)).all()
    assert embedder.n_iter_ == (1 if when == "on_epoch_end" else 0)


@pytest.mark.usefixtures("no_interrupt_before")
def test_ctrl_c_twice_stops_what_is_around_the_fit(make, X, y):
    def press():
        make(max_epochs=50, callbacks=[Raise(KeyboardInterrupt())]).fit(X, y)

    with pytest.warns(FitInterruptedWarning):
        press()
    with pytest.raises(KeyboardInterrupt):
        press()


def test_verbose_is_quiet_by_default_and_shows_progress(make, X, y, capsys):
    make().fit(X, y)
    quiet = capsys.readouterr()
    assert (quiet.out, quiet.err) == ("", "")
    make(verbose=1).fit(X, y)
    assert "2/2" in capsys.readouterr().err
    make(verbose=2).fit(X, y)
    assert "train_loss" in capsys.readouterr().out


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "radam", "sgd", torch.optim.RMSprop])
@pytest.mark.parametrize("schedule", [None, "cosine", "onecycle"])
def test_optimizers_and_schedules(make, X, y, optimizer, schedule):
    embedder = make(optimizer=optimizer, lr_schedule=schedule, gradient_clip=1.0, max_epochs=3)
    assert np.isfinite(embedder.fit_transform(X, y)).all()
    assert embedder.n_iter_ == 3


def test_training_lowers_the_loss(make, X, y):
    loss = make(max_epochs=40, lr=0.01).fit(X, y).history_["train_loss"]
    assert loss[-1] < loss[0] - 0.1


# ---------------------------------------------------------------------------- missing modalities


@pytest.fixture
def mask():
    present = np.random.default_rng(1).random((N, 3)) > 0.3
    present[~present.any(axis=1), 0] = True
    return present


def test_missing_at_random_is_finite_and_as_wide(make_blocks, arrays, y, mask):
    X = MultimodalData(arrays, mask=mask)
    out = make_blocks(batch_size=8).fit_transform(X, y)
    assert out.shape == (N, 9)
    assert np.isfinite(out).all()


def test_absent_block_is_the_mean_representation(make_blocks, arrays, y, mask):
    X = MultimodalData(arrays, mask=mask)
    embedder = make_blocks().fit(X, y)
    blocks = embedder.transform(X).reshape(N, 3, 3)
    for view in range(3):
        mean = embedder.mean_representation_[view]
        np.testing.assert_allclose(mean, blocks[mask[:, view], view].mean(0), atol=1e-6)
        assert (blocks[~mask[:, view], view] == mean).all()


@pytest.mark.parametrize("garbage", [np.nan, np.inf, -1e38, 3.0])
def test_what_stands_in_a_masked_row_is_never_looked_at(make, arrays, y, mask, garbage):
    expected = make().fit_transform(MultimodalData(arrays, mask=mask), y)
    for column, array in enumerate(arrays.values()):
        rows = np.flatnonzero(~mask[:, column])
        array[rows, 0] = garbage
    X = MultimodalData(arrays, mask=mask)
    assert np.array_equal(make().fit_transform(X, y), expected)


def test_missing_in_each_form_is_the_same(make, arrays, y, mask):
    masked = MultimodalData(arrays, mask=mask)
    expected = make().fit_transform(masked, y)
    nan_rows = masked.to_dict()
    with_none = {
        name: [row if here else None for row, here in zip(array, present, strict=True)]
        for (name, array), present in zip(arrays.items(), mask.T, strict=True)
    }
    for form in (nan_rows, with_none, list(masked), MultimodalData(nan_rows)):
        assert np.array_equal(make().fit_transform(form, y), expected)


def test_a_mask_that_hides_nothing_changes_nothing(make, arrays, y):
    X = MultimodalData(arrays, mask=np.ones((N, 3), dtype=bool))
    assert np.array_equal(make().fit_transform(X, y), make().fit_transform(arrays, y))


def test_batches_in_which_nobody_has_a_modality(make, arrays, y):
    few = np.zeros(N, dtype=bool)
    few[3] = True
    X = MultimodalData(arrays, mask={"fc": few})
    embedder = make(batch_size=4, max_epochs=3).fit(X, y)
    assert np.isfinite(embedder.transform(X)).all()
    assert np.isfinite(embedder.history_["train_loss"]).all()


def test_a_modality_absent_in_all_test_subjects(make_blocks, arrays, y):
    embedder = make_blocks().fit(arrays, y)
    absent = {**arrays, "fc": np.full_like(arrays["fc"], np.nan)}
    out = embedder.transform(absent).reshape(N, 3, 3)
    assert (out[:, 1] == embedder.mean_representation_[1]).all()


# -------------------------------------------------------------------------------- sample weights


def test_zero_weights_drop_subjects(make, X, y):
    weight = np.ones(N)
    weight[[1, 4, 20]] = 0
    kept = weight > 0
    weighted = make(batch_size=8).fit(X, y, sample_weight=weight).transform(X)
    dropped = make(batch_size=8).fit(X[kept], y[kept], sample_weight=weight[kept]).transform(X)
    assert np.array_equal(weighted, dropped)


@pytest.mark.parametrize("missing", [False, True])
def test_integer_weights_are_repeats(make, arrays, y, mask, missing):
    if type(make()).__name__ in DRAWN:
        pytest.skip("repeats change what is drawn")
    X = MultimodalData(arrays, mask=mask if missing else None)
    weight = np.random.default_rng(2).integers(0, 4, N)
    rows = np.repeat(np.arange(N), weight)
    params = {"augment": None, "optimizer": "sgd"} if type(make()).__name__ in FUSED else {}
    if type(make()).__name__ in COPIED:
        params = {"views": "modality"}
    embedder = make(dtype="float64", batch_size=200, max_epochs=4, **params)
    weighted = clone(embedder).fit(X, y, sample_weight=weight)
    repeated = clone(embedder).fit(X[rows], y[rows])
    np.testing.assert_allclose(weighted.transform(X), repeated.transform(X), atol=1e-8)


def test_equal_weights_are_no_weights(make, X, y):
    expected = make(dtype="float64").fit_transform(X, y)
    weighted = make(dtype="float64").fit(X, y, sample_weight=np.ones(N)).transform(X)
    np.testing.assert_allclose(weighted, expected, atol=1e-8)


# -------------------------------------------------------------------------------------- properties

DTYPES = ["float16", "float32", "float64", "int8", "int32", "uint16", "uint64", "bool"]


@st.composite
def cohorts(draw):
    n = draw(st.integers(4, 12))
    shapes = draw(
        st.lists(st.lists(st.integers(1, 4), min_size=0, max_size=2), min_size=2, max_size=3)
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = draw(st.sampled_from([1e-3, 1.0, 50.0]))
    arrays = {
        f"m{i}": (rng.normal(size=(n, *shape)) * scale + 60).astype(draw(st.sampled_from(DTYPES)))
        for i, shape in enumerate(shapes)
    }
    mask = rng.random((n, len(shapes))) >= draw(st.sampled_from([0.0, 0.3, 0.6]))
    mask[~mask.any(axis=1), 0] = True
    mask[0] = True
    order = draw(st.sampled_from("CF"))
    return {name: np.asarray(a, order=order) for name, a in arrays.items()}, mask


@pytest.mark.parametrize("cls", EMBEDDERS, ids=lambda cls: cls.__name__)
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(cohort=cohorts(), batch_size=st.integers(2, 12), dtype=st.sampled_from(["auto", "float32"]))
def test_embeddings_are_finite_and_inputs_untouched(cls, cohort, batch_size, dtype):
    arrays, mask = cohort
    n_regions = {a.shape[1] for a in arrays.values() if a.ndim == 3 and a.shape[1] > 1}
    assume(cls.__name__ not in OF_ONE_ATLAS or len(n_regions) < 2)
    n = len(mask)
    y = np.arange(n) % 2
    before = joblib.hash((arrays, mask, y))
    X = MultimodalData(arrays, mask=mask)
    assume(cls.__name__ not in OF_PATIENTS or (n >= 8 and mask[y == 1].any(axis=0).all()))
    embedder = cls(
        solver="gradient",
        max_epochs=2,
        n_components=2,
        batch_size=batch_size,
        dtype=dtype,
        lr=0.01,
        random_state=0,
    )
    out = embedder.fit_transform(X, y)
    width = 2 if cls.__name__ in FUSED else 2 * len(arrays)
    assert out.shape == (n, SPACES.get(cls.__name__, width))
    assert np.isfinite(out).all()
    assert joblib.hash((arrays, mask, y)) == before
