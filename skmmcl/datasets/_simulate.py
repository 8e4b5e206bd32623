"""Simulated multimodal cohorts whose factors are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.utils import Bunch

from skmmcl.data import MultimodalData
from skmmcl.datasets import _generative as model
from skmmcl.datasets._simulate_parameters import check_scalars, missing_rates, modality_specs

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from skmmcl.utils._typing import RandomState


def make_cohort(
    n_subjects: int = 300,
    *,
    modalities: Sequence[str] | dict[str, tuple[int, ...] | str] | None = None,
    n_rois: int = 30,
    n_features: int = 20,
    prevalence: float = 0.3,
    class_sep: float = 2.5,
    n_subtypes: int = 2,
    complementarity: float = 0.4,
    interaction: float = 0.0,
    n_shared: int = 4,
    n_private: int = 15,
    private_scale: float = 1.0,
    noise: float = 1.0,
    n_sites: int = 3,
    site_effect: float = 0.5,
    age_effect: float = 0.5,
    label_noise: float = 0.0,
    unlabeled: float = 0.0,
    missing: float | dict[str, float] = 0.0,
    dtype: DTypeLike = "float32",
    random_state: RandomState = None,
) -> tuple[MultimodalData, np.ndarray, Bunch]:
    r"""Simulate a multimodal neuroimaging cohort whose factors are known.

    By default it resembles the cohort of [1]_: 300 subjects, 30 % of them patients, five
    modalities. A few *shared* factors are seen by every modality and carry the class; each
    modality also shows many *private* factors, the site, the age and noise. Patients deviate
    from the controls along shared factors that differ by subtype of the disease. See the
    :ref:`user guide <datasets>` for the model.

    Parameters
    ----------
    n_subjects : int, default=300
        Number of subjects, at least 2.
    modalities : sequence of str or dict, optional
        Some of the default modalities by name, or a dict from name to what one subject has: a
        shape such as ``(40,)``, ``(30, 20)`` or, for volumes, ``(32, 32, 32)``, or
        ``"functional"`` or ``"structural"`` for a connectome of ``n_rois`` regions. By default
        ``smri`` (radiomics, ``(n_rois, n_features)``), ``sc`` (structural) and ``fc``
        (functional connectome), ``t2`` (64 image features) and ``clinical`` (20 columns).
    n_rois : int, default=30
        Number of brain regions. The paper has 87; the default keeps a fit within seconds.
    n_features : int, default=20
        Radiomic features per region. The paper has 100.
    prevalence : float, default=0.3
        Proportion of patients, between 0 and 1; there is at least one subject of each class.
    class_sep : float, default=2.5
        Distance of the mean of the patients of a subtype from that of the controls, in standard
        deviations of a shared factor. 0 gives labels that nothing can predict, if
        ``interaction`` is 0 too.
    n_subtypes : int, default=2
        Number of subtypes of patients, each deviating along shared factors of its own. 1 makes
        the class linear in the shared factors.
    complementarity : float, default=0.4
        Degree, in [0, 1], to which modalities carry different parts of the class. Each shared
        factor is seen exactly by one modality, and by the others with correlation
        ``1 - complementarity``: at 0 all modalities carry the same, at 1 each its own part, and
        none if there are fewer shared factors than modalities (the last of the defaults).
    interaction : float, default=0.0
        Correlation, in [0, 1), of one private factor of the first with one of the second
        modality (the third and the fourth, ...), negated in controls: class information that no
        modality has alone.
    n_shared : int, default=4
        Number of shared factors, at least ``n_subtypes``.
    n_private : int, default=15
        Number of private factors of each modality.
    private_scale : float, default=1.0
        Standard deviation of a private factor; that of a shared one is 1.
    noise : float, default=1.0
        Standard deviation of the noise of each column, relative to what the shared factors
        give together.
    n_sites : int, default=3
        Number of sites, drawn with equal probability.
    site_effect : float, default=0.5
        Strength of the sites: they shift the columns, and scale the noise.
    age_effect : float, default=0.5
        Strength of the age, as a factor that every modality shows.
    label_noise : float, default=0.0
        Proportion of subjects whose label in ``y`` is the wrong one.
    unlabeled : float, default=0.0
        Proportion of subjects whose label in ``y`` is -1.
    missing : float or dict of str to float, default=0.0
        Proportion of subjects who lack a modality, completely at random; by modality, or the
        same for all. Every subject keeps at least one modality. Absent rows are NaN, and False
        in ``X.mask``.
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
        1 for patients, 0 for controls, -1 for unlabeled subjects.
    truth : Bunch
        ``y`` (true classes), ``subtype`` (-1 for controls), ``shared`` (n_subjects, n_shared),
        ``views`` (by modality, what it sees of them), ``private`` (by modality), ``fidelity``
        (n_modalities, n_shared), ``shifts`` (n_subtypes, n_shared), ``loadings`` (by modality:
        shared, private, age, sites, in this order), ``maps`` (by modality of volumes, a mask of
        the blob of each shared, then of each private factor), ``networks`` (of the regions),
        ``class_score`` (log likelihood ratio given the shared factors), ``oracle_auc`` (of that
        score) and ``DESCR``.

    Raises
    ------
    ModalityError
        For an unknown modality, or a shape that is none.

    Notes
    -----
    With :math:`s_i` the shared factors of a subject and :math:`g_m` the fidelity, modality
    :math:`m` sees :math:`v_{im} = g_m s_i + \sqrt{1 - g_m^2} e_{im}`. A table shows
    :math:`v_{im}`, its private factors, age and site through normal loadings, plus noise. A
    connectome does the same to the loadings :math:`A_{im}` of its regions on networks, and is
    the correlation matrix of :math:`A_{im} A_{im}^T + I / 2`: symmetric, positive definite, with
    a unit diagonal. Structural loadings are cut at zero, so that the matrix is sparse. In a
    volume each factor is the height of a smooth blob, at a place that differs between
    modalities; the age changes all voxels equally, and each site adds a gradient.

    References
    ----------
    .. [1] Li et al., "Joint self-supervised and supervised contrastive learning for multimodal
       MRI data", Artificial Intelligence in Medicine 157, 2024.

    Examples
    --------
    >>> from skmmcl.datasets import make_cohort
    >>> X, y, truth = make_cohort(random_state=0)
    >>> X.shapes
    {'smri': (30, 20), 'sc': (30, 30), 'fc': (30, 30), 't2': (64,), 'clinical': (20,)}
    >>> int(y.sum())
    90
    >>> X, y, truth = make_cohort(87, modalities={"mri": (50,), "pet": (40,)}, random_state=0)
    >>> truth.views["pet"].shape
    (87, 4)

    Volumes in which two shared and two private factors are blobs at known places:

    >>> sizes = {"t1": (32, 32, 32), "pet": (32, 32, 32)}
    >>> X, y, truth = make_cohort(20, modalities=sizes, n_shared=2, n_private=2, random_state=0)
    >>> truth.maps["t1"].shape
    (4, 32, 32, 32)
    """
    check_scalars(locals())
    chosen = modality_specs(modalities, n_rois, n_features)
    names = list(chosen)
    rates = missing_rates(missing, names)
    rng = _generator(random_state)

    n_patients = min(max(round(prevalence * n_subjects), 1), n_subjects - 1)
    y_true = rng.permutation(np.arange(n_subjects) < n_patients).astype(int)
    people = model.draw_people(rng, n_subjects, n_sites)
    fidelity = model.fidelities(len(chosen), n_shared, complementarity)
    truth = Bunch(y=y_true, fidelity=fidelity, networks=model.network_labels(n_rois), DESCR=DESCR)
    shifts = model.class_shifts(rng, n_shared, n_subtypes, class_sep)
    truth.update(_draw_shared(rng, y_true, shifts))
    truth.private = model.draw_private(rng, y_true, names, n_private, interaction)
    truth.views = {
        name: _view(rng, truth.shared, row) for name, row in zip(names, fidelity, strict=True)
    }
    strengths = {"private": private_scale, "age": age_effect, "site": site_effect, "noise": noise}
    arrays, truth.loadings = _draw_arrays(rng, chosen, truth, people, strengths, n_sites)
    truth.maps = {
        name: model.blob_masks(truth.loadings[name], n_shared + n_private)
        for name, array in arrays.items()
        if array.ndim == 4
    }

    mask = _draw_mask(rng, n_subjects, rates)
    X = MultimodalData(
        {name: _hide(a.astype(dtype), mask[:, i]) for i, (name, a) in enumerate(arrays.items())},
        meta=people,
        index=np.array([f"sub-{i + 1:04d}" for i in range(n_subjects)]),
        mask=mask,
    )
    return X, _draw_labels(rng, y_true, label_noise, unlabeled), truth


DESCR = """Simulated multimodal cohort (skmmcl.datasets.make_cohort).

Shared factors carry the class. Every modality sees them with the given fidelity, and shows
them among private factors, age, site and noise through random loadings."""


def _generator(random_state: Any) -> np.random.Generator:
    """Return a generator of our own: ``None`` does not lead to numpy's global one."""
    if isinstance(random_state, np.random.RandomState):
        random_state = random_state.randint(np.iinfo(np.int32).max)
    return np.random.default_rng(random_state)


def _draw_shared(rng: np.random.Generator, y: np.ndarray, shifts: np.ndarray) -> dict[str, Any]:
    """Draw shared factors and the subtypes behind them, and score them by the true model."""
    subtype = np.where(y == 1, rng.integers(len(shifts), size=len(y)), -1)
    shared = rng.standard_normal((len(y), shifts.shape[1])) + y[:, None] * shifts[subtype]
    score = model.log_likelihood_ratio(shared, shifts)
    return {
        "subtype": subtype,
        "shared": shared,
        "shifts": shifts,
        "class_score": score,
        "oracle_auc": roc_auc_score(y, score),
    }


def _view(rng: np.random.Generator, shared: np.ndarray, fidelity: np.ndarray) -> np.ndarray:
    """Return the shared factors as a modality sees them."""
    return fidelity * shared + np.sqrt(1 - fidelity**2) * rng.standard_normal(shared.shape)


def _draw_arrays(
    rng: np.random.Generator,
    specs: dict[str, tuple],
    truth: Bunch,
    people: dict[str, np.ndarray],
    strengths: dict[str, float],
    n_sites: int,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return array and loadings of each modality."""
    nuisance = [
        strengths["age"] * (people["age"][:, None] - 40) / 11.5,
        strengths["site"] * np.eye(n_sites)[people["site"]],
    ]
    unit = 1 / np.sqrt(truth.shared.shape[1])  # the shared factors give columns of unit variance
    arrays, loadings = {}, {}
    for name, spec in specs.items():
        private = strengths["private"] * truth.private[name]
        factors = unit * np.hstack([truth.views[name], private, *nuisance])
        site_scale = np.exp(strengths["site"] / 2 * rng.standard_normal(n_sites))
        noise = strengths["noise"] * site_scale[people["site"]]
        arrays[name], loadings[name] = model.observe(rng, factors, spec, noise, n_sites)
    return arrays, loadings


def _draw_mask(rng: np.random.Generator, n_subjects: int, rates: np.ndarray) -> np.ndarray:
    """Draw the presence (n_subjects, n_modalities): gaps at random, and no empty row."""
    margin = rng.random((n_subjects, len(rates))) - rates
    present = margin >= 0
    present[np.arange(n_subjects), margin.argmax(axis=1)] = True
    return present


def _hide(array: np.ndarray, present: np.ndarray) -> np.ndarray:
    array[~present] = np.nan
    return array


def _draw_labels(
    rng: np.random.Generator, y_true: np.ndarray, label_noise: float, unlabeled: float
) -> np.ndarray:
    """Draw labels as a study would have them: some wrong, some absent."""
    y = y_true.copy()
    wrong = rng.permutation(len(y))[: round(label_noise * len(y))]
    y[wrong] = 1 - y[wrong]
    y[rng.permutation(len(y))[: round(unlabeled * len(y))]] = -1
    return y
