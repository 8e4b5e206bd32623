"""Many fits at once: a stacked fit's loss and gradient are those of it alone, to the bit."""

import pytest
import torch

from skmmcl.losses import YAwareLoss, merge_losses
from skmmcl.losses._parts import _gram
from tests.losses.guided_losses import LOSSES, batch, every_loss, value, variant, with_gradient

N_MODELS = 5


def model_of(k, z, known, mask, weight):
    def pick(x):
        return None if x is None else x[k]

    return pick(z), {key: pick(x) for key, x in known.items()}, pick(mask), pick(weight)


@every_loss
@pytest.mark.parametrize("plain", [True, False], ids=["plain", "masked and weighted"])
@pytest.mark.parametrize("shape", [(2, 7, 3), (2, 32, 16), (3, 33, 20), (1, 2, 1)])
def test_bits_of_a_stacked_fit_are_those_of_it_alone(name, plain, shape):
    z, known, mask, weight = batch((N_MODELS, *shape))
    mask, weight = (None, None) if plain else (mask, weight)
    merged = merge_losses([variant(name, k) for k in range(N_MODELS)])
    found, gradient = with_gradient(merged, name, z, known, mask, weight)
    assert found.shape == (N_MODELS,)
    for k in range(N_MODELS):
        of_model = model_of(k, z, known, mask, weight)
        alone = merge_losses([variant(name, k)])
        expected, expected_gradient = with_gradient(
            alone, name, *model_of(slice(k, k + 1), z, known, mask, weight)
        )
        assert torch.equal(found[k : k + 1], expected)
        assert torch.equal(gradient[k : k + 1], expected_gradient)
        unstacked, gradient_without = with_gradient(variant(name, k), name, *of_model)
        assert unstacked.shape == ()
        assert torch.equal(found[k], unstacked)
        assert torch.equal(gradient[k], gradient_without)


@every_loss
def test_two_stacked_dimensions(name):
    z, known, mask, weight = batch((2, 3, 2, 5, 4), torch.float64)
    found = value(variant(name), name, z, known, mask, weight)
    assert found.shape == (2, 3)
    flat = {key: x.flatten(0, 1) for key, x in known.items()}
    others = (x.flatten(0, 1) for x in (mask, weight))
    assert torch.equal(found.flatten(), value(variant(name), name, z.flatten(0, 1), flat, *others))


@every_loss
@pytest.mark.parametrize("plain", [True, False], ids=["plain", "masked and weighted"])
def test_gradcheck(name, plain):
    merged = merge_losses([variant(name, k) for k in range(2)])
    z, known, mask, weight = batch((2, 2, 6, 3), torch.float64)
    others = () if plain else (mask, weight)
    z.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda z: value(merged, name, z, known, *others), (z,), fast_mode=True
    )


@every_loss
def test_padding_has_no_influence(name):
    z, known, mask, weight = batch((3, 2, 6, 4), torch.float64)
    more_z, more_known, _, _ = batch((3, 2, 4, 4), torch.float64, seed=1, missing=False)
    padded = (
        torch.cat([z, more_z], -2),
        {key: torch.cat([known[key], more_known[key]], 1) for key in known},
        torch.cat([mask, torch.ones(3, 4, 2, dtype=torch.bool)], 1),
        torch.cat([weight, torch.zeros(3, 4, dtype=z.dtype)], 1),
    )
    expected, expected_gradient = with_gradient(variant(name), name, z, known, mask, weight)
    found, gradient = with_gradient(variant(name), name, *padded)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(gradient[..., :6, :], expected_gradient, rtol=1e-9, atol=1e-12)
    assert (gradient[..., 6:, :] == 0).all()


@every_loss
def test_no_value_is_waited_for(name):
    """A meta tensor has no values: whatever asks for one raises."""
    z, known, mask, weight = batch((2, 2, 7, 4))
    merged = merge_losses([variant(name, k) for k in range(2)]).to("meta")
    z = z.to("meta").requires_grad_()
    known = {key: x.to("meta") for key, x in known.items()}
    value(merged, name, z, known, mask.to("meta"), weight.to("meta")).sum().backward()
    assert z.grad.shape == z.shape


def test_a_large_batch_is_computed_in_pieces(monkeypatch):
    z, known, mask, weight = batch((2, 2, 16, 4), torch.float64)
    loss = LOSSES["yaware"][0]
    whole = with_gradient(loss, "yaware", z, known, mask, weight)
    monkeypatch.setattr(_gram, "MAX_PIECE_BYTES", 5 * 2 * 16 * 8)
    pieces = with_gradient(loss, "yaware", z, known, mask, weight)
    for found, expected in zip(pieces, whole, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["yaware", "soft-supcon", "xclr"])
def test_bits_where_models_are_computed_in_groups(name, monkeypatch):
    z, known, mask, weight = batch((5, 2, 32, 8))
    merged = merge_losses([variant(name, k) for k in range(5)])
    whole = with_gradient(merged, name, z, known, mask, weight)
    model_bytes = (2 * 32) ** 2 * 4
    monkeypatch.setattr(_gram, "MAX_KEPT_BYTES", model_bytes)
    monkeypatch.setattr(_gram, "MAX_PIECE_BYTES", 2 * model_bytes)
    grouped = with_gradient(merged, name, z, known, mask, weight)
    for found, expected in zip(grouped, whole, strict=True):
        assert torch.equal(found, expected)


def test_bandwidths_of_columns_by_model():
    z, known, _, _ = batch((2, 2, 6, 4), torch.float64)
    y = known["prior"]
    bandwidths = [(1.0, 2.0, 0.5), (0.3, 1.0, 4.0)]
    losses = [YAwareLoss(0.5, bandwidth=h) for h in bandwidths]
    merged = merge_losses(losses)
    assert merged.bandwidth.shape == (2, 3)
    apart = torch.stack([loss(z[k], y[k]) for k, loss in enumerate(losses)])
    assert torch.equal(merged(z, y), apart)
    assert not merged.state_dict()
    assert merged.to("meta").bandwidth.device.type == "meta"


def test_kernels_must_be_alike_to_be_merged():
    assert merge_losses([YAwareLoss(), YAwareLoss(kernel="cauchy")]) is None
    assert merge_losses([YAwareLoss(), YAwareLoss(self_pairs=True)]) is None
