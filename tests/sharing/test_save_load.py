"""What is saved is loaded as it was, to the last bit."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from torch import nn

from skmmcl import CLIPEmbedder, SupConEmbedder, load_model, model_info, save_model
from skmmcl.exceptions import ModelFileError
from skmmcl.sharing._file import FORMAT_VERSION
from tests.sharing.fitted import cases, fit, input_of, same, subjects, what_it_gives

CASES = cases()
IDS = [f"{cls.__name__}-{solver}" for cls, solver in CASES]


class Encoder(nn.Module):
    """An encoder of the user."""

    def __init__(self, shape, n_components):
        super().__init__()
        self.layer = nn.Linear(int(np.prod(shape)), n_components)

    def forward(self, x):
        return self.layer(x.flatten(1))


class Other(Encoder):
    """Has the state of another one."""


def saved(model, tmp_path, **options):
    save_model(model, tmp_path / "a.skmmcl", **options)
    return load_model(tmp_path / "a.skmmcl")


@pytest.mark.parametrize(("cls", "solver"), CASES, ids=IDS)
def test_every_estimator_gives_the_same_bits(cls, solver, tmp_path):
    model, (X, _) = fit(cls, solver), input_of(cls)
    loaded = saved(model, tmp_path)
    expected, found = what_it_gives(model, X), what_it_gives(loaded, X)
    assert expected.keys() == found.keys() != set()
    for name, value in expected.items():
        assert same(found[name], value)
    params, kept = model.get_params(deep=False), loaded.get_params(deep=False)
    assert {k: repr(v) for k, v in kept.items()} == {k: repr(v) for k, v in params.items()}
    clone(loaded)


@pytest.mark.parametrize(("cls", "solver"), CASES, ids=IDS)
def test_every_estimator_can_be_saved_before_it_is_fitted(cls, solver, tmp_path):
    model = clone(fit(cls, solver))
    assert repr(saved(model, tmp_path)) == repr(model)


def test_a_path_may_begin_with_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    save_model(LogisticRegression(C=3), "~/a.skmmcl")
    assert [p.name for p in tmp_path.iterdir()] == ["a.skmmcl"]
    assert load_model("~/a.skmmcl").C == model_info("~/a.skmmcl")["parameters"]["C"] == 3


def test_a_loaded_model_is_saved_as_the_same_file(tmp_path):
    save_model(fit(CLIPEmbedder), tmp_path / "a")
    save_model(load_model(tmp_path / "a"), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_training_goes_on_from_a_loaded_model_as_from_a_pickled_one(tmp_path):
    X, y = subjects()
    model = SupConEmbedder(max_epochs=2, solver="gradient", warm_start=True, random_state=0)
    model.fit(X, y)
    loaded = saved(model, tmp_path)
    assert same(loaded.partial_fit(X, y).transform(X), model.partial_fit(X, y).transform(X))


def test_a_pipeline_keeps_its_output_and_the_names_of_columns(tmp_path):
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(np.random.default_rng(0).normal(size=(30, 5)), columns=list("abcde"))
    modalities = {"smri": ["a", "b"], "fc": ["c", "d", "e"]}
    embedder = CLIPEmbedder(modalities=modalities, max_epochs=1, random_state=0)
    pipe = make_pipeline(embedder, LogisticRegression()).set_output(transform="pandas")
    loaded = saved(pipe.fit(table, np.arange(30) % 2), tmp_path)
    pandas.testing.assert_frame_equal(loaded[:-1].transform(table), pipe[:-1].transform(table))
    assert loaded.feature_names_in_.tolist() == list("abcde")
    assert same(loaded.predict_proba(table), pipe.predict_proba(table))


def test_the_file_says_what_it_holds(tmp_path):
    model = fit(SupConEmbedder)
    save_model(model, tmp_path / "a", scores={"balanced_accuracy": np.float32(0.75)})
    about = model_info(tmp_path / "a")
    assert about["class"].endswith("SupConEmbedder")
    assert about["modalities"] == ["smri", "fc"]
    assert about["shapes"] == {"smri": [6], "fc": [4, 4]}
    assert about["classes"] == [0, 1]
    assert about["parameters"]["max_epochs"] == 2
    assert about["scores"] == {"balanced_accuracy": 0.75}
    assert set(about["versions"]) >= {"python", "skmmcl", "numpy", "scikit-learn", "torch"}
    assert not about["holds_subjects"]
    assert not about["trusts"]


def test_weights_are_where_safetensors_finds_them(tmp_path):
    safetensors = pytest.importorskip("safetensors")
    model = fit(CLIPEmbedder)
    save_model(model, tmp_path / "a")
    with safetensors.safe_open(tmp_path / "a", "pt") as file:
        held = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for weight in model.net_.module_.parameters():
        shape = sorted(weight.shape)
        assert any(sorted(t.shape) == shape and t.sum() == weight.sum() for t in held.values())


def test_an_encoder_of_the_user_needs_trust(tmp_path):
    X, _ = subjects()
    encoders = {"smri": Encoder((6,), 4), "fc": Encoder((4, 4), 4)}
    model = CLIPEmbedder(encoders=encoders, n_components=4, max_epochs=1, random_state=0).fit(X)
    save_model(model, tmp_path / "a")
    assert model_info(tmp_path / "a")["trusts"] == [f"{__name__}.Encoder"]
    with pytest.raises(ModelFileError, match=r"names '.*\.Encoder'.*trusted=\[\.\.\.\]"):
        load_model(tmp_path / "a")
    for trusted in ([Encoder], {"Encoder": Encoder}, {"Encoder": Other}):
        assert same(load_model(tmp_path / "a", trusted=trusted).transform(X), model.transform(X))


def test_what_is_code_is_named(tmp_path):
    with pytest.raises(ModelFileError, match=r"encoders\.smri: .*<lambda> is a lambda"):
        save_model(CLIPEmbedder(encoders={"smri": lambda shape: None}), tmp_path / "a")
    hooked = nn.Linear(2, 2)
    hooked.register_forward_hook(lambda *_: None)
    with pytest.raises(ModelFileError, match=r"encoders: it is a Linear with hooks"):
        save_model(CLIPEmbedder(encoders=hooked), tmp_path / "a")
    with pytest.raises(TypeError, match="takes an estimator, got Linear"):
        save_model(nn.Linear(2, 2), tmp_path / "a")
    with pytest.raises(ModelFileError, match=r"groups: it is of the class builtins\.object"):
        save_model(CLIPEmbedder(groups=object()), tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_weights_that_are_not_finite_are_refused(tmp_path):
    layer = nn.Linear(2, 2)
    layer.bias.data[0] = torch.nan
    with pytest.raises(ModelFileError, match="bias: it is a weight with NaN"):
        save_model(CLIPEmbedder(encoders=layer), tmp_path / "a")


def test_scores_must_be_finite_numbers(tmp_path):
    for score in (np.nan, np.inf, "high"):
        with pytest.raises(ValueError, match=r"scores\['auc'\]: .*expected a number"):
            save_model(LogisticRegression(), tmp_path / "a", scores={"auc": score})
    assert not list(tmp_path.iterdir())


def test_a_file_of_a_later_format_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("skmmcl.sharing._file.FORMAT_VERSION", FORMAT_VERSION + 1)
    save_model(LogisticRegression(), tmp_path / "a")
    monkeypatch.undo()
    with pytest.raises(ModelFileError, match=f"version {FORMAT_VERSION + 1} of the format"):
        load_model(tmp_path / "a")


def test_without_safetensors_the_message_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match=r'pip install "skmmcl\[weights\]"'):
        save_model(LogisticRegression(), tmp_path / "a")


@pytest.mark.parametrize(
    "value",
    [
        np.float32(0.1), np.datetime64("2020-01-01"), np.array(["a", "bc"]), np.array([1 + 2j]),
        np.array([None, "x", 1.5], dtype=object), np.asfortranarray(np.eye(3)), np.zeros((0, 2)),
        np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1), np.array(5), float("nan"), -0.0,
        2**70, 1j, slice(1, None), range(3), (1, (2,)), {(1, "a"): {3}}, frozenset({1}),
        np.dtype("<f4"), np.random.RandomState(3), np.random.default_rng(3), "\ud800 é", np.log1p,
        torch.arange(6).reshape(2, 3).T, torch.ones(2, dtype=torch.bfloat16), torch.float16,
    ],
    ids=lambda value: repr(value).partition(" at 0x")[0],
)  # fmt: skip
def test_any_plain_value_comes_back(value, tmp_path):
    found = saved(CLIPEmbedder(groups=value), tmp_path).groups
    assert type(found) is type(value)
    if isinstance(value, np.random.RandomState):
        found, value = found.normal(size=3), value.normal(size=3)
    if isinstance(value, np.random.Generator):
        found, value = found.normal(size=3), value.normal(size=3)
    if isinstance(value, np.ndarray):
        assert (found.dtype, found.strides) == (value.dtype, value.strides) or not value.size
        assert same(found, value)
    elif isinstance(value, torch.Tensor):
        assert (found.dtype, found.stride()) == (value.dtype, value.stride())
        assert torch.equal(found, value)
    else:
        assert repr(found) == repr(value)


def test_what_is_shared_stays_shared(tmp_path):
    shared = [1]
    found = saved(CLIPEmbedder(groups=[shared, shared, {"a": shared}]), tmp_path).groups
    assert found[0] is found[1] is found[2]["a"]
