"""Simulated patients and controls, with subtypes of the patients that are known."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import Bunch

from skmmcl.data import MultimodalData
from skmmcl.datasets._generative import draw_people
from skmmcl.datasets._simulate import _generator
from skmmcl.datasets._simulate_parameters import check_bounds, is_shape
from skmmcl.exceptions import ModalityError

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from skmmcl.utils._typing import RandomState

FORMS = ("linear", "nonlinear")
MODALITIES: Mapping[str, tuple[int, ...]] = {"smri": (60,), "pet": (40,)}

_BOUNDS = {  # name: (type, lowest, highest, which bounds are allowed)
    "n_subjects": (numbers.Integral, 2, None, "left"),
    "n_subtypes": (numbers.Integral, 2, None, "left"),
    "prevalence": (numbers.Real, 0, 1, "neither"),
    "subtype_sep": (numbers.Real, 0, None, "left"),
    "n_common": (numbers.Integral, 1, None, "left"),
    "common_scale": (numbers.Real, 0, None, "left"),
    "n_sites": (numbers.Integral, 1, None, "left"),
    "site_effect": (numbers.Real, 0, None, "left"),
    "age_effect": (numbers.Real, 0, None, "left"),
}


def make_subtypes(
    n_subjects: int = 600,
    *,
    n_subtypes: int = 3,
    form: str = "linear",
    modalities: Mapping[str, tuple[int, ...]] | None = None,
    prevalence: float = 0.5,
    subtype_sep: float = 4.0,
    n_common: int = 5,
    common_scale: float = 4.0,
    n_sites: int = 3,
    site_effect: float = 1.0,
    age_effect: float = 1.0,
    dtype: DTypeLike = "float32",
    random_state: RandomState = None,
) -> tuple[MultimodalData, np.ndarray, Bunch]:
    r"""Simulate patients of several subtypes, and controls who share their main variability.

    Patients and controls share *common* factors, whose variance is larger than that of the disease.
    Each subtype of the patients deviates from the controls along a *salient* factor of its own.
    Clustering the patients alone therefore finds the common variability; the subtypes are
    found by contrast with the controls.

    Parameters
    ----------
    n_subjects : int, default=600
        Number of subjects, at least 2.
    n_subtypes : int, default=3
        Number of subtypes of patients, at least 2, drawn with equal probability.
    form : {"linear", "nonlinear"}, default="linear"
        In the linear form all patients of a subtype deviate in one direction, and a hyperplane
        separates them from the controls. In the nonlinear form each deviates in either of two
        opposite directions, so that no hyperplane separates a subtype from the controls.
    modalities : dict of str to tuple of int, optional
        Shape of one subject by modality. By default ``{"smri": (60,), "pet": (40,)}``.
    prevalence : float, default=0.5
        Proportion of patients, between 0 and 1; there is at least one subject of each class.
    subtype_sep : float, default=4.0
        Distance of the mean of a subtype from that of the controls, in standard deviations of the
        noise. 0 gives labels that nothing can predict.
    n_common : int, default=5
        Number of common factors.
    common_scale : float, default=4.0
        Standard deviation of a common factor, in those of the noise.
    n_sites : int, default=3
        Number of sites, drawn with equal probability.
    site_effect : float, default=1.0
        Distance by which each site shifts its subjects, in standard deviations of the noise.
    age_effect : float, default=1.0
        Change with one standard deviation of the age, in standard deviations of the noise.
    dtype : {"float32", "float64"}, default="float32"
        Type of the arrays.
    random_state : int, RandomState, Generator or None, default=None
        The same int gives the same bits. The global generators are never touched.

    Returns
    -------
    X : MultimodalData
        The modalities, with ``index`` (``"sub-0001"``, ...) and the meta arrays ``site``,
        ``age`` (years) and ``sex`` (1 = male).
    y : ndarray of shape (n_subjects,)
        1 for patients, 0 for controls.
    truth : Bunch
        ``subtype`` (-1 for controls), ``common`` (n_subjects, n_common), ``salient`` (n_subjects,
        n_subtypes), ``loadings`` (by modality: common, salient, age, sites, in this order) and
        ``DESCR``.

    Raises
    ------
    ModalityError
        For modalities that are no shapes.

    See Also
    --------
    make_cohort : Cohorts with connectomes, volumes, missing modalities and wrong labels.
    skmmcl.cluster.UCSL : Finds the subtypes.

    Notes
    -----
    A subject's columns, over all modalities, are
    :math:`x_i = A c_i + B s_i + \text{age and site} + e_i` with standard normal noise
    :math:`e_i`. The columns of :math:`A` and :math:`B` are random directions of length 1, of
    which each modality has a part. The salient factors :math:`s_i` are 0 but for the one of the
    subtype, which is ``subtype_sep``, of either sign in the nonlinear form.

    Examples
    --------
    >>> from skmmcl.datasets import make_subtypes
    >>> X, y, truth = make_subtypes(random_state=0)
    >>> X.shapes
    {'smri': (60,), 'pet': (40,)}
    >>> int(y.sum()), sorted(set(truth.subtype.tolist()))
    (300, [-1, 0, 1, 2])
    """
    check_bounds(locals(), _BOUNDS)
    if form not in FORMS:
        raise ValueError(f"form={form!r}; expected 'linear' or 'nonlinear'.")
    shapes = MODALITIES if modalities is None else modalities
    _check_shapes(shapes)
    rng = _generator(random_state)
    n_patients = min(max(round(prevalence * n_subjects), 1), n_subjects - 1)
    y = rng.permutation(np.arange(n_subjects) < n_patients).astype(int)
    people = draw_people(rng, n_subjects, n_sites)
    subtype = np.where(y == 1, rng.integers(n_subtypes, size=n_subjects), -1)
    common = common_scale * rng.standard_normal((n_subjects, n_common))
    sign = rng.choice([-1.0, 1.0], size=n_subjects) if form == "nonlinear" else np.ones(n_subjects)
    salient = subtype_sep * sign[:, None] * (subtype[:, None] == np.arange(n_subtypes))
    age = age_effect * (people["age"][:, None] - 40) / 11.5
    site = site_effect * np.eye(n_sites)[people["site"]]
    arrays, loadings = _observe(rng, np.hstack([common, salient, age, site]), shapes)
    X = MultimodalData(
        {name: array.astype(dtype) for name, array in arrays.items()},
        meta=people,
        index=np.array([f"sub-{i + 1:04d}" for i in range(n_subjects)]),
    )
    truth = Bunch(subtype=subtype, common=common, salient=salient, loadings=loadings, DESCR=DESCR)
    return X, y, truth


DESCR = """Simulated subtypes of patients (skmmcl.datasets.make_subtypes).

Common factors vary in patients and controls. Each subtype of the patients deviates from the
controls along a salient factor of its own."""


def _observe(
    rng: np.random.Generator, factors: np.ndarray, shapes: Mapping[str, tuple[int, ...]]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return what each modality shows of the factors, and its loadings."""
    widths = [math.prod(shape) for shape in shapes.values()]
    directions = rng.standard_normal((factors.shape[1], sum(widths)))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    parts = np.split(directions, np.cumsum(widths)[:-1], axis=1)
    loadings = dict(zip(shapes, parts, strict=True))
    arrays = {
        name: (factors @ part + rng.standard_normal((len(factors), part.shape[1]))).reshape(
            len(factors), *shapes[name]
        )
        for name, part in loadings.items()
    }
    return arrays, loadings


def _check_shapes(modalities: Any) -> None:
    if not isinstance(modalities, dict) or not modalities:
        raise ModalityError(
            f"modalities={modalities!r}; expected a dict from name to the shape of one subject, "
            "such as {'smri': (60,)}."
        )
    for name, shape in modalities.items():
        if not is_shape(shape):
            raise ModalityError(
                f"Modality {name!r} is {shape!r}; expected the shape of one subject, a tuple of "
                "positive integers."
            )
