"""Terms of SepVAE and Deep UCSL: who takes part, and precision."""

import pytest
import torch

from skmmcl.losses import DeepUCSLLoss, SepVAELoss


@pytest.mark.parametrize("term", ["conditional", "of_patients", "of_controls"])
def test_subjects_of_whom_nothing_is_known_have_no_gradient(term):
    target = torch.tensor([[1.0, 0.3, 0.7], [torch.nan] * 3, [0.0, 0.5, 0.5]])
    x = torch.randn(3, 2, generator=torch.Generator().manual_seed(0)).requires_grad_()
    method = getattr(DeepUCSLLoss((0.5, 2.0)), term)
    value = method(x, target)
    torch.testing.assert_close(value, method(x[[0, 2]], target[[0, 2]]))
    value.backward()
    assert torch.isfinite(x.grad).all()
    assert (x.grad[1] == 0).all()


def test_half_precision_is_summed_in_single():
    x, target = torch.full((3, 200), 100.0, dtype=torch.float16), torch.tensor([[0.0], [1], [1]])
    loss = SepVAELoss()
    of_x = loss.reconstruction({"a": x}, {"a": -x}, None, target)
    assert of_x == 200 * 200.0**2
    assert loss.common_prior(x, 0 * x, target) == 200 * 100.0**2 / 2
    assert loss.salient_prior(x, 0 * x, target).isfinite()


def test_an_unknown_reduction():
    with pytest.raises(ValueError, match="reduction must be one of"):
        SepVAELoss(reduction="median")
