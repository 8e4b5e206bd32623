"""The discriminants against models that are fitted anew, and against what they have to be."""

from functools import partial

import numpy as np
import pytest

from skmmcl.exceptions import DataError, ModalityError
from skmmcl.solvers import KernelDiscriminant, simplex_codes
from skmmcl.solvers._ridge import PENALTIES

WIDTHS = {"fc": 5, "sc": 12, "t1": 90}
# Of the study that came before this package, on the data of its test below.
PROTOTYPE = {
    "penalties": [0.03162277660168379, 1.0, 0.31622776601683794],
    "training": [
        [0.1527230110763007, 0.12057010705259952, 0.1773549216563297],
        [0.48273539273876787, -0.004811424910275086, -0.09721932771729946],
    ],
    "new": [0.35058495177807336, -0.6560654660418417, -0.48590706161961655],
}

ExactDiscriminant = partial(KernelDiscriminant, kernel_features="exact")


def make_data(n_samples=40, n_classes=2, seed=0):
    rng = np.random.default_rng(seed)
    blocks = {name: rng.normal(size=(n_samples, width)) for name, width in WIDTHS.items()}
    classes = rng.permutation(np.arange(n_samples) % n_classes)
    blocks["fc"][:, 0] += classes
    return blocks, simplex_codes(classes), rng


def take(blocks, rows):
    return {name: block[rows] for name, block in blocks.items()}


def rescaled_kernel(rows, weight):
    """Half linear, half Gaussian kernel of z-scored rows, each divided by its centered trace."""
    total = weight.sum()
    mean = weight @ rows / total
    z = (rows - mean) / np.sqrt(weight @ (rows - mean) ** 2 / total) / np.sqrt(rows.shape[1])
    linear = z @ z.T
    squares = np.diagonal(linear)
    gaussian = np.exp(-(squares[:, None] + squares - 2 * linear) / 2)
    center = np.eye(len(rows)) - np.outer(np.ones(len(rows)), weight / total)
    kernels = [
        k / (weight @ np.diagonal(center @ k @ center.T) / total) for k in (linear, gaussian)
    ]
    return (kernels[0] + kernels[1]) / 2


def weighted_trace(kernel, weight):
    center = np.eye(len(kernel)) - np.outer(np.ones(len(kernel)), weight / weight.sum())
    return weight @ np.diagonal(center @ kernel @ center.T) / weight.sum()


def refit_without(kernel, target, weight, out, penalty):
    """Discriminant of those left out, centered on the mean of the others, by a plain ridge fit."""
    keep = ~out
    w, total = weight[keep], weight[keep].sum()
    # Minimize sum w (y - b - f)^2 + penalty f'K^-1 f over f = K a and b.
    inner = kernel[np.ix_(keep, keep)]
    system = np.zeros((keep.sum() + 1, keep.sum() + 1))
    system[:-1, :-1] = inner + penalty * np.diag(1 / w)
    system[:-1, -1], system[-1, :-1] = 1, 1
    known = np.vstack([target[keep], np.zeros((1, target.shape[1]))])
    solved = np.linalg.solve(system, known)
    fitted = kernel[:, keep] @ solved[:-1]
    return (fitted - w @ fitted[keep] / total)[out], (fitted + solved[-1])[out]


@pytest.mark.parametrize("penalty", PENALTIES[::2])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("grouped", [False, True])
def test_columns_are_those_of_models_without_the_subject(penalty, n_classes, grouped):
    blocks, target, rng = make_data(n_classes=n_classes)
    weight = rng.uniform(0.5, 3, len(target))
    groups = np.arange(40) // 3 if grouped else np.arange(40)
    solver = ExactDiscriminant(penalties=[penalty], joint=False)
    solver.fit(blocks, target, sample_weight=weight, groups=groups if grouped else None)
    for index, block in enumerate(blocks.values()):
        kernel = rescaled_kernel(block, weight)
        absolute = penalty * weighted_trace(kernel, weight)
        error = 0.0
        for group in np.unique(groups):
            out = groups == group
            column, predicted = refit_without(kernel, target, weight, out, absolute)
            np.testing.assert_allclose(
                solver.training_scores_[out, index], column, rtol=1e-9, atol=1e-9
            )
            error += weight[out] @ ((target[out] - predicted) ** 2).mean(axis=1)
        assert solver.errors_[index] == pytest.approx(error / weight.sum(), rel=1e-9)


def test_the_penalty_has_the_least_error():
    blocks, target, _ = make_data(seed=3)
    errors = [
        ExactDiscriminant(penalties=[penalty]).fit(blocks, target).errors_ for penalty in PENALTIES
    ]
    solver = ExactDiscriminant().fit(blocks, target)
    np.testing.assert_allclose(solver.errors_, np.min(errors, axis=0))
    np.testing.assert_allclose(solver.penalties_, PENALTIES[np.argmin(errors, axis=0)])


@pytest.mark.parametrize("kernel_features", ["exact", 64])
def test_weights_are_copies(kernel_features):
    blocks, target, rng = make_data()
    weight = rng.integers(0, 4, len(target))
    many = np.repeat(np.arange(len(target)), weight)
    options = {"kernel_features": kernel_features, "random_state": 0}
    weighted = KernelDiscriminant(**options)
    weighted.fit(blocks, target, sample_weight=weight, groups=np.arange(40))
    copied = KernelDiscriminant(**options).fit(take(blocks, many), target[many], groups=many)
    np.testing.assert_allclose(weighted.training_scores_[many], copied.training_scores_, atol=1e-9)
    new = make_data(seed=1)[0]
    np.testing.assert_allclose(weighted.transform(new), copied.transform(new), atol=1e-9)


def test_numbers_of_the_prototype():
    t = np.arange(12.0)
    blocks = {"a": np.c_[np.sin(t), np.cos(2 * t), t % 3], "b": np.c_[t % 5, np.sin(3 * t)]}
    target = np.where(t[:, None] % 2 == 0, -1.0, 1.0)
    solver = ExactDiscriminant().fit(blocks, target)
    new = {"a": np.array([[0.1, 0.2, 0.3]]), "b": np.array([[1.0, -0.5]])}
    np.testing.assert_allclose(solver.penalties_, PROTOTYPE["penalties"])
    np.testing.assert_allclose(solver.training_scores_[:2, :, 0], PROTOTYPE["training"], atol=1e-9)
    np.testing.assert_allclose(solver.transform(new)[0, :, 0], PROTOTYPE["new"], atol=1e-9)


@pytest.mark.parametrize("share", [0.5, 0.1])
@pytest.mark.parametrize("n_scans", [1, 2])
def test_columns_do_not_betray_random_labels(share, n_scans):
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(120), n_scans)  # whose scans are duplicates
    widths = {"fc": 5, "t1": 90}
    correlations = []
    for _ in range(50):
        scans = {name: rng.normal(size=(120, width))[people] for name, width in widths.items()}
        target = np.where(rng.permutation(120) < share * 120, 1.0, -1.0)[people]
        solver = ExactDiscriminant().fit(scans, target[:, None], groups=people)
        columns = solver.training_scores_[:, :, 0].T
        correlations.append([np.corrcoef(column, target)[0, 1] for column in columns])
    assert np.abs(np.mean(correlations, axis=0)).max() < 0.05


@pytest.mark.parametrize("kernel_features", ["exact", 64])
def test_order_and_signs_of_modalities_subjects_and_targets(kernel_features):
    blocks, target, rng = make_data(n_classes=3)
    options = {"kernel_features": kernel_features, "random_state": 0}
    order = rng.permutation(len(target))
    reversed_ = dict(reversed(blocks.items()))
    first = KernelDiscriminant(**options).fit(blocks, target)
    second = KernelDiscriminant(**options).fit(take(reversed_, order), -target[order])
    assert second.block_names_ == ("t1", "sc", "fc", "joint")
    expected = -first.training_scores_[order][:, [2, 1, 0, 3]]
    np.testing.assert_allclose(second.training_scores_, expected, atol=1e-9)
    np.testing.assert_allclose(first.transform(reversed_), first.transform(blocks))


def test_features_may_be_turned_over():
    blocks, target, _ = make_data()
    turned = {name: -block[:, ::-1] * 7 + 3 for name, block in blocks.items()}
    np.testing.assert_allclose(
        ExactDiscriminant().fit(turned, target).training_scores_,
        ExactDiscriminant().fit(blocks, target).training_scores_,
        atol=1e-9,
    )


def test_each_block_is_fitted_on_those_who_have_it():
    blocks, target, rng = make_data()
    mask = rng.random((40, 3)) < 0.7
    mask[:, 0] |= ~mask.any(axis=1)
    nothing = {name: np.where(mask[:, [i]], b, 1e9) for i, (name, b) in enumerate(blocks.items())}
    solver = ExactDiscriminant().fit(nothing, target, mask=mask)
    for index, (name, block) in enumerate(blocks.items()):
        alone = ExactDiscriminant().fit({name: block[mask[:, index]]}, target[mask[:, index]])
        np.testing.assert_allclose(
            solver.training_scores_[mask[:, index], index], alone.training_scores_[:, 0], atol=1e-9
        )
    assert np.isfinite(solver.training_scores_).all()


def test_absent_columns_are_expected_from_the_others():
    rng = np.random.default_rng(0)
    classes = np.arange(400) % 2
    signal = classes + 0.8 * rng.normal(size=400)
    noise = [rng.normal(size=(400, 4)) / 3 for _ in range(2)]
    blocks = {"a": signal[:, None] + noise[0], "b": signal[:, None] + noise[1]}
    mask = rng.random((400, 2)) < 0.75
    mask[:, 0] |= ~mask[:, 1]
    target = simplex_codes(classes)
    full = ExactDiscriminant().fit(blocks, target).training_scores_
    filled = ExactDiscriminant().fit(blocks, target, mask=mask).training_scores_
    absent = ~mask[:, 1]
    assert np.corrcoef(full[absent, 1, 0], filled[absent, 1, 0])[0, 1] > 0.85


def test_the_joint_column_needs_what_no_training_subject_lacked():
    blocks, target, _ = make_data()
    complete = ExactDiscriminant().fit(blocks, target)
    lacking = np.ones((40, 3), dtype=bool)
    lacking[:8, 1] = False
    without = np.ones((40, 3), dtype=bool)
    without[:, 1] = False
    spoiled = blocks | {"sc": np.full((40, 12), 1e9)}
    # Expected from the own columns of the others, and so a linear function of them.
    shown = complete.transform(spoiled, without)[:, :, 0]
    known = np.c_[shown[:, [0, 2]], np.ones(40)]
    assert np.abs(known @ np.linalg.lstsq(known, shown[:, 3])[0] - shown[:, 3]).max() < 1e-9
    # Some training subjects did without it: the joint discriminant has learned what to do.
    learned = ExactDiscriminant().fit(blocks, target, mask=lacking)
    shown = learned.transform(spoiled, without)[:, :, 0]
    known = np.c_[shown[:, [0, 2]], np.ones(40)]
    assert np.abs(known @ np.linalg.lstsq(known, shown[:, 3])[0] - shown[:, 3]).max() > 1e-3


def test_unlabeled_subjects_scale_and_get_ordinary_columns():
    blocks, target, _ = make_data()
    target[30:] = np.nan
    solver = ExactDiscriminant().fit(blocks, target)
    np.testing.assert_allclose(
        solver.training_scores_[30:], solver.transform(take(blocks, slice(30, None)))
    )
    alone = ExactDiscriminant().fit(take(blocks, slice(30)), target[:30])
    assert not np.allclose(solver.training_scores_[:30], alone.training_scores_)


def test_one_modality_has_no_joint_block():
    blocks, target, _ = make_data()
    assert ExactDiscriminant().fit({"fc": blocks["fc"]}, target).block_names_ == ("fc",)
    assert ExactDiscriminant(joint=False).fit(blocks, target).block_names_ == tuple(WIDTHS)


@pytest.mark.parametrize("kernel_features", ["exact", 32, 200])
def test_a_constant_modality_gives_zeros(kernel_features):
    blocks, target, _ = make_data()
    blocks["sc"] = np.full((40, 3), 0.1)
    solver = KernelDiscriminant(kernel_features=kernel_features).fit(blocks, target)
    assert np.abs(solver.training_scores_[:, 1]).max() == 0
    assert np.abs(solver.transform(blocks)[:, 1]).max() == 0
    assert np.isfinite(solver.training_scores_).all()


def test_a_subject_alone_in_its_class_has_zeros():
    blocks, target, _ = make_data()
    target[:] = -1.0
    target[7] = 1.0
    solver = ExactDiscriminant().fit(blocks, target)
    np.testing.assert_allclose(solver.training_scores_[7], 0, atol=1e-9)


def test_a_modality_of_two_labeled_subjects_is_said():
    blocks, target, _ = make_data()
    mask = np.ones((40, 3), dtype=bool)
    mask[2:, 1] = False
    with pytest.warns(UserWarning, match=r"Fewer than three .*\['sc'\]"):
        solver = ExactDiscriminant().fit(blocks, target, mask=mask)
    assert np.abs(solver.training_scores_[:2, 1]).max() == 0


def test_nothing_given_is_changed():
    blocks, target, _ = make_data()
    kept, kept_target = {name: b.copy() for name, b in blocks.items()}, target.copy()
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    KernelDiscriminant(kernel_features=32).fit(blocks, target).transform(blocks)
    ExactDiscriminant().fit(blocks, target).transform(blocks)
    assert all((kept[name] == blocks[name]).all() for name in blocks)
    assert (kept_target == target).all()
    assert (state == np.random.get_state()[1]).all()  # noqa: NPY002


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"target": np.full((40, 1), np.nan)}, DataError, "Found 0 labeled subjects"),
        ({"target": np.r_[[[1.0], [-1.0]], np.full((38, 1), np.nan)]}, DataError, "at least 3"),
        ({"target": np.zeros(40)}, DataError, r"target of shape \(40, number of columns\)"),
        ({"target": np.full((40, 1), np.inf)}, DataError, "infinite"),
        ({"groups": np.zeros(40)}, DataError, "All labeled subjects are in one group"),
        ({"groups": np.zeros(39)}, DataError, "Expected 40 groups"),
        ({"sample_weight": np.full(40, -1.0)}, DataError, "not negative"),
        ({"sample_weight": np.zeros(40)}, DataError, "not all 0"),
        ({"mask": np.ones((40, 2))}, DataError, r"mask of shape \(40, 3\)"),
        ({"mask": np.ones((40, 3)) * [1, 0, 1]}, ModalityError, "'sc' is absent from all"),
        ({"mask": np.full((40, 3), "False")}, DataError, "True and False, found"),
        ({"mask": np.full((40, 3), np.nan)}, DataError, "True and False, found"),
        ({"blocks": {}}, ModalityError, "at least one modality"),
        ({"nuisance": np.full((40, 1), np.nan)}, DataError, "unknown for 40 subjects"),
        ({"nuisance_strength": 0.0}, ValueError, "nuisance_strength must be above 0"),
    ],
)
def test_bad_input(change, error, message):
    blocks, target, _ = make_data()
    with pytest.raises(error, match=message):
        ExactDiscriminant().fit(**{"blocks": blocks, "target": target, **change})


@pytest.mark.parametrize("penalties", [[], 1.0, [-1.0], [np.nan], [[1.0]]])
def test_penalties_are_a_list_of_numbers(penalties):
    blocks, target, _ = make_data()
    with pytest.raises(ValueError, match="penalties must be a list of numbers of at least 0"):
        KernelDiscriminant(penalties=penalties).fit(blocks, target)


@pytest.mark.parametrize("kernel_features", ["exact", 64])
def test_nan_of_new_subjects_and_of_those_without_weight_is_refused(kernel_features):
    blocks, target, _ = make_data()
    solver = KernelDiscriminant(kernel_features=kernel_features)
    solver.fit(blocks, target)
    blocks["sc"][7, 2] = np.nan
    message = r"1 of 40 subjects have NaN, infinite or huge values \(first: row 7\)"
    with pytest.raises(DataError, match=message):
        solver.transform(blocks)
    mask = np.ones((40, 3), dtype=bool)
    mask[7, 1] = False
    assert np.isfinite(solver.transform(blocks, mask)).all()
    with pytest.raises(DataError, match=message):
        solver.fit(blocks, target, sample_weight=np.arange(40) != 7)


def test_subjects_of_unknown_group_are_left_out_alone():
    blocks, target, _ = make_data()
    unknown = np.array([None] * 3 + [*range(37)], dtype=object)
    np.testing.assert_array_equal(
        ExactDiscriminant().fit(blocks, target, groups=unknown).training_scores_,
        ExactDiscriminant().fit(blocks, target, groups=np.arange(40)).training_scores_,
    )


def test_blocks_that_do_not_fit():
    blocks, target, _ = make_data()
    with pytest.raises(ModalityError, match=r"expected 40 rows in 'sc'"):
        ExactDiscriminant().fit(blocks | {"sc": np.zeros((39, 2))}, target)
    with pytest.raises(DataError, match=r"'sc' has 1 features with NaN"):
        ExactDiscriminant().fit(blocks | {"sc": np.array([[1, np.nan]] * 40)}, target)
    solver = ExactDiscriminant().fit(blocks, target)
    with pytest.raises(ModalityError, match=r"Expected the modalities"):
        solver.transform({"fc": blocks["fc"]})
    with pytest.raises(ModalityError, match=r"'fc' had 5 features"):
        solver.transform(blocks | {"fc": np.zeros((40, 4))})


@pytest.mark.parametrize("kernel_features", ["all", 0, True, 2.5])
def test_kernel_features_are_a_number_or_a_word(kernel_features):
    blocks, target, _ = make_data()
    with pytest.raises(ValueError, match='kernel_features is "auto", "exact" or a positive number'):
        KernelDiscriminant(kernel_features=kernel_features).fit(blocks, target)


def test_the_default_is_close_to_the_exact_kernel_and_repeats():
    blocks, target, _ = make_data(n_samples=120)
    solver = KernelDiscriminant().fit(blocks, target)
    again = KernelDiscriminant().fit(blocks, target)
    np.testing.assert_array_equal(solver.training_scores_, again.training_scores_)
    exact = ExactDiscriminant().fit(blocks, target)
    assert not solver.holds_subjects_
    for index in range(4):
        pair = solver.training_scores_[:, index, 0], exact.training_scores_[:, index, 0]
        assert np.corrcoef(*pair)[0, 1] > 0.9


def test_too_many_subjects_for_the_exact_kernel():
    blocks = {"fc": np.random.default_rng(0).normal(size=(15000, 2))}
    target = np.where(blocks["fc"][:, :1] > 0, 1.0, -1.0)
    with pytest.raises(DataError, match=r"takes 8 GiB of memory. Set kernel_features=\d+"):
        ExactDiscriminant().fit(blocks, target)
    assert not KernelDiscriminant(kernel_features="auto").fit(blocks, target).holds_subjects_
