"""Z-scores, component scores and their inverse, and what of them a stack holds."""

import copy

import numpy as np
import pytest
import torch

from skmmcl.networks._lanes import merge_lanes
from skmmcl.networks._multiview import MultiviewNetwork
from skmmcl.networks._standardize import InputScaler, InputStage

SHAPE = (4, 3)


def subjects(n=50):
    rng = np.random.default_rng(0)
    return rng.normal(np.arange(12).reshape(SHAPE), 1 + rng.random(SHAPE), size=(n, *SHAPE))


def stage_of(x, n_axes=3, **options):
    """Return the stage of subjects, with the principal axes of their scaled entries."""
    mean, scale = x.mean(0), x.std(0)
    unit = scale if options.get("standardize", True) else np.ones_like(scale)
    z = ((x - mean) / unit).reshape(len(x), -1)
    _, deviation, axes = np.linalg.svd(z / np.sqrt(len(x)), full_matrices=False)
    return InputStage(mean, scale, axes=axes[:n_axes], deviation=deviation[:n_axes], **options)


def test_z_scores_of_each_entry():
    x = subjects()
    x[:, 2, 1] = 7
    scaler = InputScaler(SHAPE, InputStage(x.mean(0), x.std(0)))
    out = scaler(torch.as_tensor(x)).numpy()
    np.testing.assert_allclose(out.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(out.std(0), np.where(x.std(0) > 0, 1, 0), atol=1e-12)
    assert not list(scaler.parameters())
    assert scaler.float()(torch.zeros(1, *SHAPE)).dtype == torch.float32


def test_z_scores_by_one_number():
    scaler = InputScaler((2, 2, 2), InputStage(np.array(2.0), np.array(4.0)))
    assert torch.equal(scaler(torch.full((1, 2, 2, 2), 6.0)).unique(), torch.ones(1))


def test_scores_have_a_mean_variance_of_1():
    x = subjects()
    scaler = InputScaler(SHAPE, stage_of(x))
    scores = scaler(torch.as_tensor(x)).numpy()
    assert scores.shape == (50, 3)
    assert np.mean(scores.var(0)) == pytest.approx(1)
    np.testing.assert_allclose(np.corrcoef(scores.T), np.eye(3), atol=1e-9)


def test_a_constant_entry_is_not_scaled():
    stage = InputStage(np.ones(2), np.array([2.0, 0.0]), True, np.eye(2), np.ones(2))
    scores = InputScaler((2,), stage)(torch.tensor([[3.0, 2.0]], dtype=torch.float64))
    assert scores.tolist() == [[1.0, 1.0]]


def columns(x):
    return (x - x.mean((0, 1))) / x.std((0, 1))


EXPECTED = {
    "entries": ({}, lambda x: (x - x.mean(0)) / x.std(0)),
    "columns": ({"by_column": True}, columns),
    "raw": ({"standardize": False}, lambda x: x),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_inverse_of_all_components_is_what_the_encoder_sees(name):
    x, (options, seen) = subjects(), EXPECTED[name]
    scaler = InputScaler(SHAPE, stage_of(x, 12, **options))
    found = scaler.inverse(scaler(torch.as_tensor(x)).unsqueeze(0))[0]
    np.testing.assert_allclose(found.numpy(), seen(x), atol=1e-9)


def test_inverse_of_few_components_is_a_projection():
    x = subjects()
    stage = stage_of(x)
    scaler = InputScaler(SHAPE, stage)
    z = ((x - x.mean(0)) / x.std(0)).reshape(50, -1)
    found = scaler.inverse(scaler(torch.as_tensor(x)).unsqueeze(0))[0].flatten(1)
    np.testing.assert_allclose(found.numpy(), z @ stage.axes.T @ stage.axes, atol=1e-9)


def test_z_scores_of_columns():
    x = subjects()
    scaler = InputScaler(SHAPE, InputStage(x.mean(0), x.std(0)).of_columns())
    np.testing.assert_allclose(scaler(torch.as_tensor(x)).numpy(), columns(x), atol=1e-9)


def networks():
    x, made = subjects(), []
    for seed in range(2):
        torch.manual_seed(seed)
        stages = {"a": stage_of(x[seed::2])}
        made.append(MultiviewNetwork(["a", "a"], {"a": SHAPE}, 2, stages=stages).double())
    return torch.as_tensor(x), made


def test_a_stack_holds_only_what_is_needed_in_training():
    x, made = networks()
    merged = merge_lanes(made)
    assert merged.scalers["0"].weight.numel() == merged.scalers["0"].mean.numel() == 0
    assert merged.scalers["0"].axes.shape == (2, 3, 12)
    scores = [network.prepare({"a": x})["a"] for network in made]
    h = merged.encode_lanes({"a": torch.stack(scores)})
    assert all(torch.equal(h[k], made[k].encode({"a": x})) for k in (0, 1))


def test_a_network_and_its_copies_have_one_scaler():
    for network in (networks()[1][0], copy.deepcopy(networks()[1][0])):
        readers = [encoder.encoder for encoder in network.encoders]
        assert all(reader.scaler is network.scalers["0"] for reader in readers)
        assert sum(name.endswith("axes") for name in network.state_dict()) == 1
        assert network.float().encoders[1].encoder.scaler.axes.dtype == torch.float32


@pytest.mark.parametrize(("spec", "is_kept"), [("mlp", False), ("linear", False), ("auto", True)])
def test_the_inverse_is_kept_where_an_encoder_needs_it(spec, is_kept):
    stages = {"a": stage_of(subjects())}
    network = MultiviewNetwork(["a"], {"a": SHAPE}, 2, encoders={"a": spec}, stages=stages)
    assert ("axes" in dict(network.scalers["0"].named_buffers())) == is_kept
