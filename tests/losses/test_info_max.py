"""Deep InfoMax against plain loops, and with missing or repeated subjects."""

import math

import pytest
import torch

from skmmcl.losses import DeepInfoMaxLoss, InfoMaxLoss


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_the_book(y, x, clip, penalty):
    n, d, n_y = y.shape
    n_x = x.shape[2]

    def raw(i, p, k, at):
        return (y[i, :, p] @ x[k, :, at]).item() / math.sqrt(d)

    def score(*place):
        return clip * math.tanh(raw(*place) / clip)

    losses, squares = [], []
    for i in range(n):
        others = sum(
            math.exp(score(i, q, k, m))
            for k in range(n)
            if k != i
            for q in range(n_y)
            for m in range(n_x)
        )
        for p in range(n_y):
            for at in range(n_x):
                s = score(i, p, i, at)
                losses.append(math.log(math.exp(s) + others) - s)
        squares += [
            raw(i, p, k, at) ** 2 for p in range(n_y) for k in range(n) for at in range(n_x)
        ]
    return sum(losses) / len(losses) + penalty * sum(squares) / len(squares)


def test_plain_loops():
    y, x = draw(4, 3, 2), draw(4, 3, 5, seed=1)
    found = InfoMaxLoss(clip=3.0, penalty=0.1)(y, x).item()
    assert found == pytest.approx(by_the_book(y, x, 3.0, 0.1), abs=1e-12)


@pytest.mark.parametrize("estimator", ["infonce", "jsd"])
def test_gradients(estimator):
    y, x = (draw(4, 3, 2, seed=k).requires_grad_() for k in range(2))
    loss = InfoMaxLoss(estimator=estimator)
    assert torch.autograd.gradcheck(loss, (y, x))


@pytest.mark.parametrize("estimator", ["infonce", "jsd"])
def test_a_weight_is_so_many_copies_and_an_absent_subject_is_none(estimator):
    y, x = draw(5, 3), draw(5, 3, 4, seed=1)
    loss = InfoMaxLoss(estimator=estimator)
    weight = torch.tensor([1.0, 3.0, 2.0, 1.0, 1.0], dtype=torch.float64)
    rows = torch.tensor([0, 1, 1, 1, 2, 2, 3, 4])
    torch.testing.assert_close(loss(y, x, None, weight), loss(y[rows], x[rows]))
    mask = torch.tensor([True, True, False, True, True])
    x[2] = torch.inf
    x = torch.where(mask[:, None, None], x, torch.zeros((), dtype=torch.float64))
    torch.testing.assert_close(loss(y, x, mask), loss(y[mask], x[mask]))


@pytest.mark.parametrize("n_samples", [1, 2])
def test_few_subjects(n_samples):
    y = draw(n_samples, 3).requires_grad_()
    loss = InfoMaxLoss(penalty=0.0)(y, draw(n_samples, 3, 4, seed=1))
    loss.backward()
    assert torch.isfinite(y.grad).all()
    assert (loss.item() == 0) == (n_samples == 1)


def test_half_precision_is_computed_in_single():
    y, x = draw(4, 3).half(), draw(4, 3, 4, seed=1).half()
    assert InfoMaxLoss()(y, x).dtype == torch.float32


# -------------------------------------------------------------------------------------------- edges

Z, MAPS = draw(3, 6, 4), [draw(6, 4, 5), draw(6, 4, 2, 3, seed=1), draw(6, 4, 2, seed=2)]


def test_edges_are_sums_over_ordered_pairs():
    bound = InfoMaxLoss()
    local = sum(bound(Z[i], MAPS[i]) for i in range(3))
    crossed = sum(bound(Z[i], MAPS[j]) for i in range(3) for j in range(3) if i != j)
    similar = sum(bound(Z[i], Z[j]) for i in range(3) for j in range(3) if i != j)
    for edge, expected in {"L": local, "CL": crossed, "S": similar}.items():
        torch.testing.assert_close(DeepInfoMaxLoss(edge)(Z, MAPS), expected)


def test_places_are_drawn_anew_in_training_and_alike_in_validation():
    loss = DeepInfoMaxLoss("CS", seed=3)
    values = [loss(Z, MAPS).item() for _ in range(3)]
    assert len(set(values)) == 3
    with torch.no_grad():
        watched = [loss(Z, MAPS).item() for _ in range(2)]
    assert watched[0] == watched[1] == values[0]
    again = DeepInfoMaxLoss("CS", seed=3)
    assert [again(Z, MAPS).item() for _ in range(3)] == values


def test_subjects_take_part_in_the_pairs_they_have():
    mask = torch.ones(6, 3, dtype=torch.bool)
    mask[0, 1] = mask[4, 2] = False
    expected = sum(
        InfoMaxLoss()(Z[i][both], Z[j][both])
        for i in range(3)
        for j in range(3)
        if i != j
        for both in [mask[:, i] & mask[:, j]]
    )
    torch.testing.assert_close(DeepInfoMaxLoss("S")(Z, None, mask), expected)


def test_an_edge_without_its_maps_is_refused():
    with pytest.raises(ValueError, match="needs the local maps"):
        DeepInfoMaxLoss("CL")(Z)
