"""Pickles and model files go from CUDA to the CPU and back."""

import pickle

import numpy as np
import pytest
import torch

from skmmcl import CLIPEmbedder, load_model, save_model
from tests.sharing.fitted import cases, fit, same, subjects

TRAINED = [cls for cls, solver in cases() if solver == "gradient" and hasattr(cls, "partial_fit")]


def tensors_of(value, seen):
    """All tensors in an object."""
    if id(value) in seen:
        return
    seen[id(value)] = value
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict | list | tuple):
        parts = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        for part in parts:
            yield from tensors_of(part, seen)
    elif hasattr(value, "__dict__") and not isinstance(value, type):
        yield from tensors_of(vars(value), seen)


def on_a_device(model, monkeypatch):
    """The model, whose net says that it is on a GPU; it is asked to come from there."""
    model, asked = pickle.loads(pickle.dumps(model)), []
    to = type(model.net_).to
    monkeypatch.setattr(
        type(model.net_), "to", lambda net, device: asked.append(device) or to(net, device)
    )
    model.net_.device = "cuda"
    return model, asked


def test_a_pickle_of_a_net_on_a_gpu_is_of_the_cpu(monkeypatch):
    X, _ = subjects()
    model, asked = on_a_device(fit(CLIPEmbedder), monkeypatch)
    loaded = pickle.loads(pickle.dumps(model))
    assert asked == ["cpu"]
    assert model.net_.device == "cuda"  # itself stays where it is
    assert loaded.net_.device == "cpu"
    assert same(loaded.transform(X), fit(CLIPEmbedder).transform(X))


def test_a_file_of_a_net_on_a_gpu_is_of_the_cpu(monkeypatch, tmp_path):
    X, _ = subjects()
    model, asked = on_a_device(fit(CLIPEmbedder), monkeypatch)
    save_model(model, tmp_path / "a")
    assert asked == ["cpu"]
    loaded = load_model(tmp_path / "a")
    assert loaded.net_.device == "cpu"
    assert same(loaded.transform(X), fit(CLIPEmbedder).transform(X))


@pytest.mark.gpu
@pytest.mark.parametrize("cls", TRAINED, ids=lambda cls: cls.__name__)
def test_what_a_gpu_has_trained_is_loaded_on_the_cpu(cls, tmp_path):
    X, y = subjects()
    model = cls(
        solver="gradient",
        max_epochs=2,
        n_components=4,
        device="cuda",
        random_state=0,
        impute="ridge",
    ).fit(X, y)
    save_model(model, tmp_path / "a")
    for loaded in (load_model(tmp_path / "a"), pickle.loads(pickle.dumps(model))):
        devices = {tensor.device.type for tensor in tensors_of(loaded, {})}
        assert devices == {"cpu"}
        np.testing.assert_allclose(loaded.transform(X), model.transform(X), rtol=1e-3, atol=1e-4)
