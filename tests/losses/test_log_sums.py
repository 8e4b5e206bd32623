"""The sums that all contrastive losses are made of: values, gradients, memory, no waiting."""

import weakref

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from skmmcl.losses import CMCLoss, PairwiseCMCLoss, SupConLoss
from skmmcl.losses._parts import _gram

N_MODELS, N_VIEWS, N_SAMPLES = 2, 3, 5


def case(each_view, n_sums, seed=0):
    """Unit vectors, inverse temperatures, weights and own shares in double precision."""
    generator = torch.Generator().manual_seed(seed)
    like = {"generator": generator, "dtype": torch.float64}
    u = torch.randn(N_MODELS, N_VIEWS, N_SAMPLES, 4, **like)
    u = torch.nn.functional.normalize(u, dim=-1).requires_grad_()
    scale = torch.tensor([2.0, 5.0], dtype=torch.float64).view(-1, 1, 1, 1)
    n_columns = N_VIEWS * N_SAMPLES
    weight = torch.rand(N_MODELS, N_VIEWS if each_view else 1, n_sums, n_columns, **like)
    weight = weight * (weight > 0.3)
    own = torch.rand(N_MODELS, 1, 1, N_SAMPLES, **like)
    own[:, ..., 0] = 0
    return u, scale, weight, own


def log_sums_by_loops(u, scale, weight, own):
    n_models, n_views, n_samples, _ = u.shape
    weight = weight.expand(-1, n_views, -1, -1)
    own = own.expand(n_models, n_views, n_views, n_samples)
    found = u.new_empty(n_models, n_views, weight.shape[2], n_samples)
    for k, v, q, i in torch.cartesian_prod(*(torch.arange(n) for n in found.shape)).tolist():
        total = 0.0
        for w in range(n_views):
            for j in range(n_samples):
                count = weight[k, v, q, w * n_samples + j] * (own[k, v, w, i] if i == j else 1)
                total = total + count * torch.exp(scale[k, 0, 0, 0] * (u[k, v, i] @ u[k, w, j]))
        found[k, v, q, i] = total.log()
    return found


forms = pytest.mark.parametrize(("each_view", "n_sums"), [(False, 1), (False, 2), (True, 3)])
shifts = pytest.mark.parametrize("shifted", [False, True])


@forms
@shifts
def test_equals_loops(each_view, n_sums, shifted):
    arguments = case(each_view, n_sums)
    found = _gram.log_sums(*arguments, shifted=shifted)
    torch.testing.assert_close(found, log_sums_by_loops(*arguments), rtol=1e-12, atol=1e-12)


@forms
@shifts
@pytest.mark.parametrize("row_bytes", [None, 2], ids=["whole", "pieces"])
def test_gradcheck(each_view, n_sums, shifted, row_bytes, monkeypatch):
    u, *others = case(each_view, n_sums)
    if row_bytes:
        monkeypatch.setattr(_gram, "MAX_PIECE_BYTES", row_bytes * N_VIEWS * N_SAMPLES * 8)
    assert torch.autograd.gradcheck(
        lambda u: _gram.log_sums(u, *others, shifted=shifted), (u,), fast_mode=True
    )


@shifts
def test_a_sum_of_nothing_is_removed_without_gradient(shifted):
    u, scale, weight, own = case(each_view=True, n_sums=1)
    weight[0, 1] = 0
    found = _gram.log_sums(u, scale, weight, own, shifted=shifted)
    found.sum().backward()
    assert (found[0, 1] == _gram.REMOVED).all()
    assert (found[0, 0] > _gram.REMOVED / 2).all()
    assert torch.isfinite(u.grad).all()
    alone = u.detach()[:1].clone().requires_grad_()
    _gram.log_sums(alone, 2.0, weight[:1], own[:1], shifted=shifted)[:, 1].sum().backward()
    assert (alone.grad == 0).all()


@pytest.mark.parametrize("limit", ["MAX_PIECE_BYTES", "MAX_KEPT_BYTES"])
def test_pieces_give_the_same(limit, monkeypatch):
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(4, 3, 16, 5, dtype=torch.float64, generator=generator).requires_grad_()
    y = torch.randint(0, 3, (4, 16), generator=generator)

    def results():
        cmc, pairwise = CMCLoss()(z), PairwiseCMCLoss()(z)
        values = torch.stack([cmc, pairwise, SupConLoss()(z[:, 0], y)])
        return values, torch.autograd.grad(values.sum(), z)[0]

    whole = results()
    if limit == "MAX_PIECE_BYTES":
        monkeypatch.setattr(_gram, limit, 5 * 3 * 16 * 8)
    else:
        monkeypatch.setattr(_gram, limit, 0)
        monkeypatch.setattr(_gram, "MAX_PIECE_BYTES", 3 * (3 * 16) ** 2 * 8)
    assert len(_gram.pieces(z.shape, 8)) > 1
    for found, expected in zip(results(), whole, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("loss", [CMCLoss, PairwiseCMCLoss])
def test_low_temperature_has_the_value_of_the_plain_form(loss):
    z = torch.randn(3, 6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    shifted, plain = loss(0.02), loss(0.02)
    assert shifted.shifted
    plain.shifted = False
    torch.testing.assert_close(shifted(z), plain(z), rtol=1e-12, atol=0)


class Memory(TorchDispatchMode):
    """Bytes of the storages that came into being under it and still live; and the peak."""

    def __init__(self):
        super().__init__()
        self.live, self.peak, self.seen = 0, 0, set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(tensor, torch.Tensor):
                self.add(tensor.untyped_storage())
        return result

    def add(self, storage):
        if storage._cdata in self.seen:
            return
        self.seen.add(storage._cdata)
        self.live += storage.nbytes()
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self.remove, storage._cdata, storage.nbytes())

    def remove(self, key, n_bytes):
        self.seen.discard(key)
        self.live -= n_bytes


@pytest.mark.parametrize("loss", [CMCLoss(), PairwiseCMCLoss(), SupConLoss()], ids=str)
def test_memory_of_a_large_batch_stays_flat(loss):
    z = torch.randn(2, 4096, 64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    y = torch.arange(4096) % 3
    with Memory() as memory:
        value = loss(z[0], y) if isinstance(loss, SupConLoss) else loss(z)
        value.backward()
    assert 4096 * 64 * 4 < memory.peak < 100e6


@pytest.mark.parametrize("large", [False, True], ids=["whole", "pieces"])
@pytest.mark.parametrize("temperature", [0.5, 0.01])
def test_no_value_is_waited_for(large, temperature, monkeypatch):
    """A meta tensor has no values: whatever asks for one raises."""
    if large:
        monkeypatch.setattr(_gram, "MAX_PIECE_BYTES", 1000)
    z = torch.empty(2, 3, 7, 4, device="meta", requires_grad=True)
    mask, weight, y = (torch.empty(2, 7, *s, device="meta") for s in ((3,), (), ()))
    per_model = torch.tensor([temperature, temperature])
    for form in (CMCLoss, PairwiseCMCLoss):
        form(per_model).to("meta")(z, mask, weight).sum().backward()
    SupConLoss(per_model).to("meta")(z[:, 0], y, weight).sum().backward()
    assert z.grad.shape == z.shape
