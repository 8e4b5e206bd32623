"""group_contrast, latent_links, and images of maps."""

import nibabel as nib
import numpy as np
import pytest
from scipy.stats import false_discovery_control, mannwhitneyu

from skmmcl.exceptions import DataError
from skmmcl.inspection import _contrast as contrast_module
from skmmcl.inspection import group_contrast, latent_links, maps_to_image
from skmmcl.volumes import load_volumes

GRID = (4, 5, 6)
AFFINE = np.diag([2.0, 2, 3, 1])


@pytest.fixture
def maps():
    maps = np.random.default_rng(0).normal(size=(30, *GRID)).astype(np.float32).round(1)  # ties
    maps[:, 0] = 0
    maps[:, 1, 0, 0] = 7
    return maps


@pytest.fixture
def y():
    return np.random.default_rng(1).permutation(np.repeat(["AD", "HC", "MCI"], 10))


def test_agrees_with_scipy_voxel_by_voxel(maps, y):
    found = group_contrast(maps, y, groups=("AD", "HC"))
    assert found.groups == ("AD", "HC")
    assert found.n_subjects == (10, 10)
    p_values = []
    for voxel in np.ndindex(GRID):
        a, b = maps[y == "AD"][:, *voxel], maps[y == "HC"][:, *voxel]
        if len(np.unique([a, b])) == 1:
            assert (found.rbc[voxel], found.p_values[voxel], found.q_values[voxel]) == (0, 1, 1)
            continue
        test = mannwhitneyu(a, b, method="asymptotic")
        assert found.rbc[voxel] == pytest.approx(2 * test.statistic / 100 - 1)
        assert found.p_values[voxel] == pytest.approx(test.pvalue)
        p_values.append(test.pvalue)
    varying = found.p_values < 1
    np.testing.assert_allclose(
        np.sort(found.q_values[varying])[-1], false_discovery_control(p_values).max()
    )


def test_chunks_and_mask(maps, y, monkeypatch):
    mask = np.random.default_rng(2).random(GRID) > 0.5
    mask[1, 1] = True
    whole = group_contrast(maps, y == "AD", mask=mask)
    assert whole.groups == (True, False)
    assert (whole.rbc[~mask] == 0).all()
    assert (whole.p_values[~mask] == 1).all()
    monkeypatch.setattr(contrast_module, "N_VALUES", 100)
    parts = group_contrast(maps, y == "AD", mask=nib.Nifti1Image(mask.astype(float), AFFINE))
    for name in ("rbc", "p_values", "q_values", "mask"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    everywhere = group_contrast(maps, y == "AD")
    np.testing.assert_array_equal(everywhere.rbc[mask], whole.rbc[mask])


def test_planted_effect_is_found_and_only_that(maps):
    y = np.arange(30) % 2
    maps[y == 1, 2, 1:4, 1:5] += 3
    found = group_contrast(maps, y)
    effect = found.to_image(AFFINE, alpha=0.05).get_fdata()
    assert (effect[2, 1:4, 1:5] > 0.5).all()
    assert np.count_nonzero(effect) <= 12 + 2
    assert np.count_nonzero(found.to_image(AFFINE).get_fdata()) > 50


def test_several_maps_as_one_family(maps):
    y = np.arange(30) % 2
    other = np.random.default_rng(5).normal(size=(30, 9))
    maps[y == 1, 2, 1] += 2
    named = {("t1", 0): maps, ("t1", 1): maps[::-1], "fc": other}
    singles = {name: group_contrast(values, y) for name, values in named.items()}
    for name, found in group_contrast(named, y).items():
        for field in ("rbc", "p_values", "q_values"):
            np.testing.assert_array_equal(getattr(found, field), getattr(singles[name], field))
    together = group_contrast(named, y, fdr="all")
    assert list(together) == list(named)
    varies = {name: np.ptp(values, axis=0) > 0 for name, values in named.items()}
    p_values = [found.p_values[varies[name]] for name, found in singles.items()]
    expected = false_discovery_control(np.concatenate(p_values))
    q_values = [found.q_values[varies[name]] for name, found in together.items()]
    np.testing.assert_allclose(np.concatenate(q_values), expected)
    for name, found in together.items():
        np.testing.assert_array_equal(found.p_values, singles[name].p_values)
        assert (found.q_values[~varies[name]] == 1).all()


def test_masks_of_several_maps(maps):
    y = np.arange(30) % 2
    mask = np.zeros(GRID)
    mask[2:] = 1
    found = group_contrast({"t1": maps, "fc": maps}, y, mask={"t1": mask}, fdr="all")
    assert (found["t1"].p_values[:2] == 1).all()
    assert found["fc"].mask.all()
    with pytest.raises(DataError, match=r"mask names \['t2'\]; the maps are \['t1'\]"):
        group_contrast({"t1": maps}, y, mask={"t2": mask})
    with pytest.raises(DataError, match="There are no maps"):
        group_contrast({}, y)
    with pytest.raises(ValueError, match="fdr must be 'each' or 'all'"):
        group_contrast(maps, y, fdr="both")


def test_a_constant_cohort_is_no_effect():
    found = group_contrast(np.zeros((6, 3)), [0, 0, 0, 1, 1, 1])
    assert (found.rbc == 0).all()
    assert (found.p_values == 1).all()
    assert (found.q_values == 1).all()


@pytest.mark.parametrize("names", [("AD", "HC"), ("patient", "control"), ("ad", "CN")])
def test_the_sign_does_not_depend_on_the_spelling(maps, names):
    codes = np.arange(30) % 2
    maps[codes == 1, 2] += 3
    of_codes = group_contrast(maps, codes)
    y = np.where(codes == 1, *names)
    assert (of_codes.rbc[2] > 0.5).all()
    np.testing.assert_array_equal(group_contrast(maps, y, groups=names).rbc, of_codes.rbc)
    reversed_order = group_contrast(maps, y, groups=names[::-1])
    np.testing.assert_allclose(reversed_order.rbc, -of_codes.rbc, atol=1e-12)
    for kind in (y, y.astype(object)):
        with pytest.raises(DataError, match=r"have no order.*groups=\('.*', '.*'\)"):
            group_contrast(maps, kind)


@pytest.mark.parametrize(
    ("y", "groups"),
    [
        (np.arange(30) % 2 == 1, (True, False)),
        (np.arange(30) % 2 * 2 - 1, (1, -1)),
        ((np.arange(30) % 2).astype(float).tolist(), (1.0, 0.0)),
        ((np.arange(30) % 2).astype(object), (1, 0)),
    ],
)
def test_numbers_have_an_order(maps, y, groups):
    found = group_contrast(maps, y)
    assert found.groups == groups
    assert repr(found) == (
        f"GroupContrast of 120 entries: positive where {groups[0]} (15 subjects) > {groups[1]} "
        "(15 subjects)"
    )
    said = f"rank-biserial correlation, {groups[0]} > {groups[1]}"
    assert found.effect == said
    assert found.to_image(AFFINE).header["descrip"].item().decode() == said


@pytest.mark.parametrize(
    ("y", "groups", "message"),
    [
        (np.zeros(30), None, r"y has 1 group\(s\), \[0.0\]"),
        (np.arange(30) % 3, None, r"y has 3 group\(s\), \[0, 1, 2\]; say which two"),
        (np.arange(30) % 2, (1, 2), "Group 2 is empty"),
        (np.arange(30) % 2, (1, 1), "two different labels, got 1 twice"),
        (np.arange(29) % 2, None, r"y has shape \(29,\)"),
    ],
)
def test_unusable_groups(maps, y, groups, message):
    with pytest.raises(DataError, match=message):
        group_contrast(maps, y, groups=groups)


@pytest.mark.parametrize("unknown", [None, np.nan])
def test_unknown_groups_are_left_out(maps, unknown):
    y = np.arange(30) % 2
    expected = group_contrast(maps[4:], y[4:])
    numbers, text = y.astype(object), np.array(["b", "a"], dtype=object)[y]
    numbers[:4] = text[:4] = unknown
    for labels, groups in ((numbers, None), (text, ("a", "b"))):
        found = group_contrast(maps, labels, groups=groups)
        np.testing.assert_array_equal(found.rbc, expected.rbc)
        assert found.n_subjects == (13, 13)


def test_numbers_among_objects_have_an_order(maps):
    y = np.array([None, *np.tile([0, 1], 15)[1:]], dtype=object)  # the numbers are of numpy
    assert group_contrast(maps, y).groups == (1, 0)


def test_unusable_maps(maps):
    y = np.arange(30) % 2
    maps[3, 2, 2, 2] = np.nan
    with pytest.raises(ValueError, match="hold NaN or infinite values"):
        group_contrast(maps, y)
    with pytest.raises(DataError, match="mask has shape"):
        group_contrast(maps, y, mask=np.ones((5, 4, 6)))
    mask = np.ones(GRID)
    mask[2, 2, 2] = 0
    assert np.isfinite(group_contrast(maps, y, mask=mask).rbc).all()


def test_links_are_correlations_within_subjects():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(3, 8, *GRID)), rng.normal(size=(2, 8, *GRID))
    b[1] = -2 * a[2] + 5 + 0.1 * b[1]
    a[1, :4] = 3
    mask = rng.random(GRID) > 0.3
    links = latent_links(a, b, mask=mask)
    assert links.correlations.shape == (3, 2)
    assert links.by_subject.shape == (8, 3, 2)
    expected = np.corrcoef(a[0, 5][mask], b[1, 5][mask])[0, 1]
    assert links.by_subject[5, 0, 1] == pytest.approx(expected)
    assert (links.by_subject[:4, 1] == 0).all()
    (best,) = links.strongest(1)
    assert (best.a, best.b) == (2, 1)
    assert best.correlation < -0.95
    assert len(links.strongest(100)) == 6


def test_unusable_links():
    a = np.zeros((2, 5, 4))
    with pytest.raises(DataError, match="on one grid"):
        latent_links(a, np.zeros((2, 5, 3)))
    with pytest.raises(DataError, match="on one grid"):
        latent_links(a[0], a[0])
    with pytest.raises(DataError, match="NaN or infinite"):
        latent_links(a, np.full((2, 5, 4), np.inf))


def test_images_keep_values_and_place(maps, tmp_path):
    image = maps_to_image(maps, AFFINE)
    assert image.shape == (*GRID, 30)
    np.testing.assert_array_equal(image.get_fdata()[..., 3], maps[3])
    np.testing.assert_array_equal(image.affine, AFFINE)
    path = tmp_path / "a.nii.gz"
    nib.save(maps_to_image(maps[3], AFFINE), path)
    volumes = load_volumes([path], cache=False)
    np.testing.assert_array_equal(volumes[0], maps[3])
    np.testing.assert_array_equal(maps_to_image(maps[3], volumes).affine, AFFINE)
    np.testing.assert_array_equal(maps_to_image(maps[3], image).affine, AFFINE)


def test_references_in_another_unit(maps):
    image = nib.Nifti1Image(maps[0], np.diag([1e-3, 1e-3, 1e-3, 1]) @ AFFINE)
    image.header.set_xyzt_units("meter")
    np.testing.assert_allclose(maps_to_image(maps, image).affine, AFFINE, atol=1e-6)


def test_unusable_references(maps):
    with pytest.raises(DataError, match=r"maps have shape \(4, 5, 6\), but the reference \(4, 5\)"):
        maps_to_image(maps, nib.Nifti1Image(np.zeros((4, 5)), AFFINE))
    with pytest.raises(TypeError, match=r"affine of shape \(4, 4\); got ndarray of shape \(3, 3\)"):
        maps_to_image(maps, np.eye(3))
    with pytest.raises(DataError, match="no voxels"):
        maps_to_image(np.zeros((3, 4)), AFFINE)
