"""Losses on neighbourhoods of tokens: constants, ties, draws."""

import pytest
import torch

from skmmcl.losses import NeighbourhoodLoss, PseudoCorrespondenceLoss
from skmmcl.losses._neighbourhood import nearest
from tests.losses.test_info_max import draw


def test_drawn_negatives_agree_with_all_on_average():
    one, other = draw(1, 12, 3), draw(1, 12, 3, seed=1)
    exact = NeighbourhoodLoss(n_neighbors=3, negatives="all")(one, other)
    drawing = NeighbourhoodLoss(n_neighbors=3, negatives="sample")
    mean = torch.stack([drawing(one, other) for _ in range(300)]).mean()
    assert mean.item() == pytest.approx(exact.item(), rel=0.05)


@pytest.mark.parametrize("match", ["mutual", "identity"])
def test_drawn_negatives_between_subjects_agree_with_all_on_average(match):
    one, other = draw(1, 12, 3)[0], draw(1, 12, 3, seed=1)[0]
    exact = PseudoCorrespondenceLoss(n_neighbors=3, match=match, negatives="all")
    drawing = PseudoCorrespondenceLoss(n_neighbors=3, match=match, negatives="sample")
    pairs = [x.expand(2000, -1, -1) for x in (one, other)]
    found = drawing.of_pairs(*pairs)
    assert found.std() > 0
    assert found.mean().item() == pytest.approx(exact.of_pair(one, other).item(), rel=0.03)


def test_drawn_negatives_are_reproducible_and_where_there_are_none_there_is_no_loss():
    z = draw(3, 8, 3).requires_grad_()
    drawing = [PseudoCorrespondenceLoss(negatives="sample", seed=s)(z, z) for s in (0, 0, 1)]
    assert drawing[0] == drawing[1] != drawing[2]
    few = draw(3, 2, 2).requires_grad_()
    loss = PseudoCorrespondenceLoss(match="identity", negatives="sample")(few, few)
    loss.backward()
    assert loss.item() == 0
    assert (few.grad == 0).all()


def test_the_neighbourhood_is_a_constant():
    one, other = (draw(2, 8, 3, seed=k).requires_grad_() for k in range(2))
    NeighbourhoodLoss(n_neighbors=2).one_way(one, other).sum().backward()
    assert one.grad is None
    assert other.grad.abs().sum() > 0


def test_a_token_is_never_its_own_neighbour():
    same = torch.ones(1, 6, 3)
    near = nearest(same, 2)
    assert (near != torch.arange(6)[None, :, None]).all()


def test_identical_tokens_leave_the_margin_and_no_gradient():
    z = torch.ones(1, 6, 3).requires_grad_()
    loss = NeighbourhoodLoss(margin=0.05)(z, z)
    loss.backward()
    assert loss.item() == pytest.approx(0.1)
    assert z.grad.abs().max() < 1e-6


def test_few_tokens():
    z = draw(2, 2, 3)
    assert torch.isfinite(NeighbourhoodLoss()(z, z))


def test_absent_subjects_have_weight_zero():
    one, other = draw(3, 8, 3), draw(3, 8, 3, seed=1)
    loss = NeighbourhoodLoss()
    mask = torch.tensor([[True, True], [True, False], [True, True]])
    weight = torch.tensor([1.0, 1.0, 2.0])
    kept = torch.tensor([0, 2, 2])
    torch.testing.assert_close(loss(one, other, mask, weight), loss(one[kept], other[kept]))


@pytest.mark.parametrize("match", ["mutual", "identity"])
def test_weights_and_absence_between_subjects(match):
    one, other = draw(4, 8, 3), draw(4, 8, 3, seed=1)
    loss = PseudoCorrespondenceLoss(n_neighbors=2, match=match, max_pairs=None)
    weight = torch.tensor([1.0, 0.0, 2.0, 1.0])
    kept = torch.tensor([0, 2, 2, 3])
    weighted = loss(one, other, None, weight)
    torch.testing.assert_close(weighted, loss(one[kept], other[kept]))
    mask = torch.tensor([[True, True], [True, False], [False, True], [True, True]])
    pairs = [[(0, 2), (0, 3), (1, 0), (1, 2), (1, 3), (3, 0), (3, 2)]]
    pairs.append([(q, p) for p, q in pairs[0]])  # who shows the other modality comes first
    expected = sum(
        torch.stack([loss.of_pair(a[p], b[q]) for p, q in found]).mean()
        for found, (a, b) in zip(pairs, [(one, other), (other, one)], strict=True)
    )
    torch.testing.assert_close(loss(one, other, mask), expected)


def test_an_atlas_matches_tokens_by_their_place():
    one, other = draw(6, 4), draw(6, 4, seed=1)
    loss = PseudoCorrespondenceLoss(n_neighbors=2, match="identity", margin=0.0)
    assert loss.of_pair(one, one).item() == 0  # all orders are the same
    assert loss.of_pair(one, other).item() > 0


def test_pairs_of_subjects_are_drawn_reproducibly():
    one, other = draw(6, 8, 3), draw(6, 8, 3, seed=1)
    values = [PseudoCorrespondenceLoss(seed=1)(one, other).item() for _ in range(2)]
    assert values[0] == values[1]
    assert values[0] != PseudoCorrespondenceLoss(max_pairs=None)(one, other).item()


def test_too_few_tokens_for_a_negative_give_no_loss_and_no_gradient():
    z = draw(3, 2, 2).requires_grad_()
    loss = PseudoCorrespondenceLoss(match="identity", max_pairs=None)(z, draw(3, 2, 2, seed=1))
    loss.backward()
    assert loss.item() == 0
    assert (z.grad == 0).all()


@pytest.mark.parametrize("n_tokens", [3, 5])
def test_a_small_atlas_leaves_tokens_to_be_held_against(n_tokens):
    one, other = draw(3, n_tokens, 2), draw(3, n_tokens, 2, seed=1)
    assert PseudoCorrespondenceLoss(match="identity", max_pairs=None)(one, other) > 0
