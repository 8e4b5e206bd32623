"""Pairs of images whose shape, texture and color are redundant, unique or synergistic."""

from __future__ import annotations

import itertools
import numbers
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import Bunch, check_scalar

from skmmcl.data import MultimodalData
from skmmcl.datasets._simulate import _generator
from skmmcl.datasets._trifeature_images import COLORS, SHAPES, TEXTURES, draw_images

if TYPE_CHECKING:
    from skmmcl.utils._typing import RandomState

N_VALUES = {"images": 10, "vectors": 5}  # of each attribute, by default
N_RENDERINGS = {"train": 3, "test": 1}  # images of each combination
TRAIN_PART = 0.8  # of the combinations
CODE_WIDTH = 10  # numbers that code one attribute of a vector
SHAPE, TEXTURE, COLOR = range(3)


def make_trifeature(
    n_samples: int | None = 1000,
    *,
    kind: str = "images",
    subset: str = "train",
    biased: bool = False,
    size: int = 64,
    noise: float = 0.3,
    n_values: int | None = None,
    design_state: int = 42,
    random_state: RandomState = None,
) -> tuple[MultimodalData, dict[str, np.ndarray], Bunch]:
    r"""Simulate pairs of images with redundant, unique and synergistic information.

    Each image shows one of ten shapes with one of ten textures in one of ten colors, turned
    and placed at random. Both images of a pair show the same shape; all else is free. This is
    the controlled study of CoMM on images as in [2]_, drawn from formulas: nothing is
    downloaded.

    Read more in the :ref:`User Guide <datasets>`.

    Parameters
    ----------
    n_samples : int or None, default=1000
        Number of pairs. None for every possible pair of the images, each once.
    kind : {"images", "vectors"}, default="images"
        Kind of the modalities: images, or vectors for fast tests, in which ten numbers code
        each attribute.
    subset : {"train", "test"}, default="train"
        Combinations of shape, texture and color that are shown: 80 % are for training, in
        three images each, the others for testing, in one.
    biased : bool, default=False
        Whether only pairs are drawn in which the color of the second image is the one that
        a fixed rule gives for the texture of the first.
    size : int, default=64
        Pixels of a side of the images; the paper's are of 224. Textures have a period of
        10 / 224 of the side, but of at least 4 pixels.
    noise : float, default=0.3
        Standard deviation of the noise of vectors, whose entries have about unit variance.
    n_values : int or None, default=None
        Number of shapes, of textures and of colors, at least 2; images have at most 10. None for
        10 of images and 5 of vectors.
    design_state : int, default=42
        Draws the split of the combinations, the rule and the codes of vectors. It is apart
        from ``random_state``, so that calls for both subsets agree.
    random_state : int, RandomState, Generator or None, default=None
        Draws images and pairs. The global generators are never touched.

    Returns
    -------
    X : MultimodalData
        Modalities ``first`` and ``second``, float32: images (3, size, size) in [0, 1], or
        vectors (30,).
    tasks : dict of str to ndarray of int (n_samples,)
        ``R``, redundant: the shape. ``U1`` and ``U2``, unique: the textures of the first and of
        the second image. ``S``, synergistic: 1 where texture of the first and color of the
        second follow the rule; neither image alone reveals it.
    truth : Bunch
        ``attributes`` (n_samples, 2, 3), the codes of shape, texture and color of both;
        ``names`` of these, for images; ``rule``, the color for each texture; ``pairs``
        (n_samples, 2), which of the images they are; and ``DESCR``.

    Raises
    ------
    ValueError
        For an unknown kind or subset, or more pairs or values than there are.

    Notes
    -----
    The paper trains on 10 000 unbiased pairs to predict R and U, and on 10 000 biased ones to
    predict S, which is then probed on unbiased pairs. There one in ``n_values`` is positive,
    so that the balanced accuracy is to be taken.

    Both images of a pair take ``2 * 3 * size**2 * 4`` bytes: 1.2 GB for 1000 pairs of 224
    pixels.

    References
    ----------
    .. [1] Dufumier B., Castillo-Navarro J., Tuia D., Thiran J.-P. (2025). What to align in
       multimodal contrastive learning? ICLR.
    .. [2] Hermann K., Lampinen A. (2020). What shapes feature representations? Exploring
       datasets, architectures, and training. NeurIPS.

    Examples
    --------
    >>> from skmmcl.datasets import make_trifeature
    >>> X, tasks, truth = make_trifeature(20, size=32, random_state=0)
    >>> X.shapes
    {'first': (3, 32, 32), 'second': (3, 32, 32)}
    >>> sorted(tasks)
    ['R', 'S', 'U1', 'U2']
    >>> X_test, tasks_test, _ = make_trifeature(
    ...     20, kind="vectors", subset="test", biased=True, random_state=0
    ... )
    >>> X_test["first"].shape, int(tasks_test["S"].min())
    ((20, 30), 1)
    """
    _check_choices(kind, subset)
    check_scalar(size, "size", numbers.Integral, min_val=8)
    check_scalar(noise, "noise", numbers.Real, min_val=0)
    n_values = _checked_n_values(n_values, kind)
    rng, design = _generator(random_state), np.random.default_rng(design_state)
    rule = design.permutation(n_values)
    items = _items(design, n_values, subset)
    pairs = _draw_pairs(rng, _possible(items, rule if biased else None), n_samples, kind)
    attributes = items[pairs]
    if kind == "vectors":
        codes = design.standard_normal((3, n_values, CODE_WIDTH))
        first, second = (_as_vectors(rng, attributes[:, k], codes, noise) for k in range(2))
    else:
        images = draw_images(rng, items, size)
        first, second = images[pairs[:, 0]], images[pairs[:, 1]]
    truth = Bunch(attributes=attributes, rule=rule, pairs=pairs, DESCR=DESCR)
    if kind == "images":
        names: dict[str, dict] = {"shape": SHAPES, "texture": TEXTURES, "color": COLORS}
        truth.names = {name: list(values)[:n_values] for name, values in names.items()}
    return MultimodalData(first=first, second=second), _tasks(attributes, rule), truth


DESCR = """Trifeature pairs (skmmcl.datasets.make_trifeature).

Both members of a pair have the same shape; texture and color of each are its own. A rule gives
a color for each texture, and the synergistic task is whether a pair follows it."""


def _check_choices(kind: str, subset: str) -> None:
    for name, value, known in (
        ("kind", kind, [*N_VALUES]),
        ("subset", subset, [*N_RENDERINGS]),
    ):
        if value not in known:
            raise ValueError(f"{name}={value!r}; expected one of {known}.")


def _checked_n_values(n_values: int | None, kind: str) -> int:
    if n_values is None:
        return N_VALUES[kind]
    most = len(SHAPES) if kind == "images" else None
    return check_scalar(n_values, "n_values", numbers.Integral, min_val=2, max_val=most)


def _items(design: np.random.Generator, n_values: int, subset: str) -> np.ndarray:
    """Return attributes (n_items, 3) of all images of a subset."""
    combinations = np.array(list(itertools.product(range(n_values), repeat=3)))
    shuffled = design.permutation(combinations)
    n_train = round(TRAIN_PART * len(combinations))
    chosen = shuffled[:n_train] if subset == "train" else shuffled[n_train:]
    return np.repeat(chosen, N_RENDERINGS[subset], axis=0)


def _possible(items: np.ndarray, rule: np.ndarray | None) -> np.ndarray:
    """Return indices (n_pairs, 2) of all images of one shape that follow the rule, if any."""
    blocks = []
    for shape in np.unique(items[:, SHAPE]):
        alike = np.flatnonzero(items[:, SHAPE] == shape)
        blocks.append(np.stack(np.meshgrid(alike, alike, indexing="ij"), -1).reshape(-1, 2))
    pairs = np.concatenate(blocks)
    return pairs if rule is None else pairs[_follows(items[pairs], rule)]


def _follows(attributes: np.ndarray, rule: np.ndarray) -> np.ndarray:
    return rule[attributes[:, 0, TEXTURE]] == attributes[:, 1, COLOR]


def _draw_pairs(
    rng: np.random.Generator, possible: np.ndarray, n_samples: int | None, kind: str
) -> np.ndarray:
    """Draw some of the pairs; those of vectors may come more than once, with other noise."""
    if not len(possible):
        raise ValueError("So few combinations make no such pair; ask for more values.")
    if n_samples is None:
        return possible
    check_scalar(n_samples, "n_samples", numbers.Integral, min_val=1)
    if kind == "images" and n_samples > len(possible):
        raise ValueError(
            f"n_samples={n_samples}, but the images make {len(possible)} pairs; None gives all."
        )
    return possible[rng.choice(len(possible), n_samples, replace=kind == "vectors")]


def _as_vectors(
    rng: np.random.Generator, attributes: np.ndarray, codes: np.ndarray, noise: float
) -> np.ndarray:
    means = np.concatenate([codes[k][attributes[:, k]] for k in range(3)], axis=1)
    return (means + noise * rng.standard_normal(means.shape)).astype(np.float32)


def _tasks(attributes: np.ndarray, rule: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "R": attributes[:, 0, SHAPE],
        "U1": attributes[:, 0, TEXTURE],
        "U2": attributes[:, 1, TEXTURE],
        "S": _follows(attributes, rule).astype(int),
    }
