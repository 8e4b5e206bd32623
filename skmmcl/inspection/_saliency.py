"""Entries of a modality to which a latent dimension responds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_random_state, gen_batches

from skmmcl.base import DifferentiableEncoder
from skmmcl.exceptions import DataError, ModalityError
from skmmcl.inspection._maps import read_mask, rescaled, smoothed
from skmmcl.training import seeded
from skmmcl.utils._optional import import_optional, import_pandas

if TYPE_CHECKING:
    from pandas import DataFrame

    from skmmcl.base import BaseEmbedder
    from skmmcl.utils._typing import RandomState, Subjects

N_ROWS, N_ENTRIES = 256, 2**20  # in a batch: the gradients of a network hold many times as much


def saliency(
    estimator: BaseEmbedder,
    X: Subjects,
    *,
    modality: str,
    components: int | Sequence[int] | None = None,
    n_samples: int = 5,
    stdevs: float = 0.05,
    mask: Any = None,
    rescale: bool = True,
    smoothing: float = 1.5,
    batch_size: int | None = None,
    random_state: RandomState = None,
    out: np.ndarray | None = None,
    as_frame: bool = False,
) -> np.ndarray | DataFrame:
    """Map which entries of a modality drive each latent dimension, subject by subject.

    The gradient of the dimension is averaged over small random changes of the subject
    (SmoothGrad [1]_, computed by captum [2]_), with its sign. Then, as in [3]_, entries outside
    the mask are set to 0, each map is rescaled, and volumes are smoothed.

    Parameters
    ----------
    estimator : BaseEmbedder
        Fitted embedder, whose network stays as it is.
    X : MultimodalData, mapping, list of records, DataFrame or array
        All modalities of the subjects, as for ``estimator.transform``.
    modality : str
        Name of the modality; all subjects must have it.
    components : int, sequence of int or None, default=None
        Dimensions of the modality's representation: the columns of ``estimator.transform`` with
        its name, counted from 0. None for all.
    n_samples : int, default=5
        Number of random changes to average over.
    stdevs : float, default=0.05
        Standard deviation of these changes, in standard deviations of the training subjects if the
        estimator standardizes its input, and otherwise in the units of the modality.
    mask : array-like of the shape of one subject, image, path or None, default=None
        Entries other than 0 are kept. None for the mask with which volumes were loaded, if any.
    rescale : bool, default=True
        Whether each map is brought to the range from 0 to 1, in which no gradient is no longer 0.
        False keeps sign and scale: change of the latent dimension for each standard deviation of
        the entry, or for each of its units.
    smoothing : float, default=1.5
        Standard deviation, in voxels, of the Gaussian that smooths volumes within the mask; 0 for
        none. Vectors and matrices are not smoothed.
    batch_size : int or None, default=None
        Subjects in a batch; None for about a million entries in all, and at most 256 subjects.
    random_state : int, RandomState instance or None, default=None
        Draws the changes, the same for each dimension. Another batch size draws others.
    out : ndarray, default=None
        Float array of the shape of the result that receives it, such as a :obj:`numpy.memmap`
        where the maps are larger than the memory.
    as_frame : bool, default=False
        Whether maps of a modality of vectors are a DataFrame, which has the names of its columns,
        ``X.columns[modality]``, and the ids of the subjects; it needs pandas.

    Returns
    -------
    maps : ndarray of float32 of shape ``(n_components, n_subjects, *shape)``, or DataFrame
        Of shape ``(n_subjects, *shape)`` if `components` is one integer. A DataFrame has one row
        for each subject, or for each component and subject.

    Raises
    ------
    ModalityError
        If the estimator does not know the modality, a subject lacks it, or it has no such
        dimension.
    DataError
        If the mask does not fit, or gradients are not finite.
    ImportError
        Without captum.

    See Also
    --------
    group_contrast : Where maps differ between groups.
    latent_links : Dimensions of two modalities with similar maps.
    plot_regions : Draw maps of named columns.

    References
    ----------
    .. [1] Smilkov D. et al. (2017). SmoothGrad: removing noise by adding noise. arXiv 1706.03825.
    .. [2] Kokhlikyan N. et al. (2020). Captum: a unified and generic model interpretability
       library for PyTorch. arXiv 2009.07896.
    .. [3] Fedorov A. et al. (2021). On self-supervised multi-modal representation learning:
       an application to Alzheimer's disease. ISBI.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl import CMCCSSEmbedder
    >>> from skmmcl.inspection import saliency
    >>> rng = np.random.default_rng(0)
    >>> X = {"smri": rng.normal(size=(20, 6)), "fc": rng.normal(size=(20, 4, 4))}
    >>> embedder = CMCCSSEmbedder(solver="gradient", n_components=3, max_epochs=1, random_state=0)
    >>> embedder = embedder.fit(X, np.arange(20) % 2)
    >>> saliency(embedder, X, modality="fc", random_state=0).shape
    (3, 20, 4, 4)
    >>> saliency(embedder, X, modality="smri", components=0, rescale=False).shape
    (20, 6)

    The names of columns are kept by a DataFrame, which :func:`plot_regions` draws:

    >>> import pandas as pd
    >>> X["smri"] = pd.DataFrame(X["smri"], columns=["insula", "cuneus", *"abcd"])
    >>> saliency(embedder, X, modality="smri", components=0, as_frame=True).columns[:2].tolist()
    ['insula', 'cuneus']
    """
    _check_numbers(n_samples=n_samples, batch_size=batch_size, stdevs=stdevs, smoothing=smoothing)
    encoder = DifferentiableEncoder(estimator, X, modality)
    if as_frame and (len(encoder.shape) != 1 or out is not None):
        raise DataError(
            f"as_frame=True is for modalities of vectors and without out; {modality!r} has shape "
            f"{encoder.shape}."
        )
    chosen = _check_components(components, encoder)
    mask = read_mask(mask, encoder.shape, f"modality {modality!r}", encoder.array)
    maps = _check_out(out, (len(chosen), len(encoder), *encoder.shape), components)
    rng = check_random_state(random_state)
    size = batch_size or max(1, min(N_ROWS, N_ENTRIES // math.prod(encoder.shape)))
    with encoder.evaluated():
        for rows in gen_batches(len(encoder), size):
            gradients = _smooth_gradients(encoder, rows, chosen, n_samples, stdevs, rng)
            for k, gradient in enumerate(gradients):
                values = rescaled(gradient, mask) if rescale else gradient * mask
                maps[k, rows] = smoothed(values, mask, smoothing)
    if as_frame:
        return _as_frame(maps, encoder, None if isinstance(components, Integral) else chosen)
    return maps[0] if isinstance(components, Integral) else maps


def _as_frame(maps: np.ndarray, encoder: DifferentiableEncoder, components: list[int] | None):
    """Return maps with the names of columns, subjects and, unless it is one, components."""
    pd = import_pandas("A DataFrame")
    subjects = pd.Index(encoder.subjects, name="subject")
    if components is not None:
        names = ["component", "subject"]
        subjects = pd.MultiIndex.from_product([components, subjects], names=names)
    return pd.DataFrame(maps.reshape(-1, maps.shape[-1]), subjects, encoder.columns)


def _smooth_gradients(encoder, rows, components, n_samples, stdevs, rng):
    """Yield the averaged gradient of one component after another, of a batch of subjects."""
    advice = 'Saliency is computed by captum: pip install "skmmcl[inspection]".'
    captum = import_optional("captum.attr", advice)
    rows = np.arange(len(encoder))[rows]
    x = encoder.read(rows).requires_grad_()
    tunnel = captum.NoiseTunnel(captum.Saliency(encoder.function(rows)))
    seed = int(rng.randint(2**31 - 1))
    for component in components:
        with seeded(seed, encoder.device):
            gradient = tunnel.attribute(
                x,
                nt_type="smoothgrad",
                nt_samples=n_samples,
                nt_samples_batch_size=1,  # or captum would hold all changed subjects at once
                stdevs=float(stdevs),
                abs=False,
                target=component,
            )
        values = gradient.detach().cpu().numpy().astype(np.float32, copy=False)
        if not np.isfinite(values).all():
            raise DataError(
                f"Component {component} of modality {encoder.modality!r} has gradients that are "
                "not finite: the network divides by 0 or overflows."
            )
        yield values


def _check_numbers(*, n_samples, batch_size, stdevs, smoothing):
    for name, number in (("n_samples", n_samples), ("batch_size", batch_size)):
        if (number is not None or name == "n_samples") and not (
            isinstance(number, Integral) and number >= 1
        ):
            raise ValueError(f"{name} must be a positive integer, got {number!r}.")
    for name, number in (("stdevs", stdevs), ("smoothing", smoothing)):
        if not (isinstance(number, Real) and 0 <= number < math.inf):
            raise ValueError(f"{name} must be a number of at least 0, got {number!r}.")


def _check_components(components, encoder: DifferentiableEncoder) -> list[int]:
    if components is None:
        return list(range(encoder.n_components))
    listed = components if isinstance(components, Sequence | np.ndarray) else [components]
    wrong = [
        k for k in listed if not (isinstance(k, Integral) and 0 <= int(k) < encoder.n_components)
    ]
    if wrong or not len(listed):
        raise ModalityError(
            f"The representation of modality {encoder.modality!r} has the components 0 to "
            f"{encoder.n_components - 1}; got components={components!r}."
        )
    return [int(k) for k in listed]


def _check_out(out, shape: tuple[int, ...], components) -> np.ndarray:
    """Return the array of maps, with an axis of components."""
    if out is None:
        return np.empty(shape, dtype=np.float32)
    expected = shape[1:] if isinstance(components, Integral) else shape
    if out.shape != expected or out.dtype.kind != "f":
        raise ValueError(
            f"out has shape {out.shape} and type {out.dtype}; expected floats of shape {expected}."
        )
    return out[np.newaxis] if isinstance(components, Integral) else out
