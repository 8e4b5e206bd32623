"""Several modalities of the same subjects, augmented together or apart."""

from __future__ import annotations

import pytest
import torch

from skmmcl.augmentation import Cutout, Flip, GaussianNoise, Shift, augment_batch
from skmmcl.augmentation._batch import augmented_names, check_augment
from skmmcl.exceptions import ModalityError

SHAPES = {"t1": (5, 5, 5), "falff": (5, 5, 5), "clinical": (3,)}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(name="x")
def batch():
    return {name: torch.ones(6, *shape) for name, shape in SHAPES.items()}


def test_paired_modalities_get_one_draw_and_others_their_own(x):
    move = Shift(0.6, p=1)
    paired = augment_batch(x, {("t1", "falff"): move}, generator())
    assert torch.equal(paired["t1"], paired["falff"])
    apart = augment_batch(x, {"t1": move, "falff": move}, generator())
    assert torch.equal(apart["t1"], paired["t1"])
    assert not torch.equal(apart["falff"], apart["t1"])
    assert paired["clinical"] is x["clinical"]


def test_a_modality_may_have_a_part_of_its_own_after_a_paired_one(x):
    augment = {("t1", "falff"): Cutout(p=1), "t1": GaussianNoise(p=1)}
    out = augment_batch(x, augment, generator())
    cut = out["falff"] == 0
    assert cut.any()
    assert not torch.equal(out["t1"], out["falff"])
    assert augmented_names(augment) == ["t1", "falff"]
    assert augmented_names(None) == []


@pytest.mark.parametrize(
    ("augment", "message"),
    [
        ({"t2": Flip()}, r"augment names \['t2'\]; the modalities are \['t1', 'falff'"),
        ({"t1": "flip"}, r"'t1' must be called as transform\(x, generator\), got 'flip'"),
        ("flip", "augment must be a dict of modalities, .* got 'flip'"),
        ({("t1", "clinical"): Flip()}, r"their shapes differ: \[\(3,\), \(5, 5, 5\)\]"),
    ],
)
def test_what_cannot_be_augmented_is_named(augment, message):
    with pytest.raises(ModalityError, match=message):
        check_augment(augment, SHAPES)


def test_another_shape_is_named(x):
    with pytest.raises(ModalityError, match=r"modality 't1' gave shape \(6, 2, 5, 5\)"):
        augment_batch(x, {"t1": lambda x, generator: x[:, :2]}, generator())
