"""Target geometry of classes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from skmmcl.utils._typing import Groups


def simplex_codes(classes: ArrayLike) -> np.ndarray:
    """Place classes on the vertices of a regular simplex with edges of length 2.

    This is the optimum of the supervised contrastive loss, at which each class collapses onto a
    vertex. Ridge regressions onto the simplex and onto one-hot codes are the same up to a rotation
    and a scale.

    Parameters
    ----------
    classes : array-like of int (n_samples,)
        Codes from 0; negative for unlabeled subjects.

    Returns
    -------
    codes : ndarray of shape (n_samples, n_classes - 1)
        One column of -1 and 1 if there are two classes; NaN for unlabeled subjects.

    Raises
    ------
    ValueError
        If `classes` are not integers.

    Examples
    --------
    >>> from skmmcl.solvers import simplex_codes
    >>> simplex_codes([0, 1, -1]).ravel().tolist()
    [-1.0, 1.0, nan]
    """
    classes = np.asarray(classes)
    if classes.ndim != 1 or (classes.dtype.kind not in "iu" and len(classes)):
        raise ValueError(
            f"Expected codes of classes, integers of shape (n_samples,), found {classes.dtype} of "
            f"shape {classes.shape}."
        )
    classes = classes.astype(int)
    n_classes = max(int(classes.max(initial=-1)) + 1, 2)
    vertices = np.zeros((n_classes, n_classes - 1))
    # Helmert contrasts: column k contrasts class k + 1 with the classes before it.
    for k in range(n_classes - 1):
        vertices[: k + 1, k], vertices[k + 1, k] = -1.0, k + 1.0
    vertices *= np.sqrt(2.0) / np.linalg.norm(vertices, axis=0)
    return np.where((classes >= 0)[:, None], vertices[classes], np.nan)


def warn_of_lone_classes(
    classes: ArrayLike, groups: Groups = None, names: Sequence[Any] | None = None
) -> None:
    """Warn of classes whose labeled subjects are all left out together.

    Parameters
    ----------
    classes : array-like of int (n_samples,)
        Codes from 0; negative for unlabeled subjects.
    groups : array-like of shape (n_samples,), optional
        Groups that are left out together; by default each subject alone.
    names : sequence, optional
        Names of the classes, by code.

    Examples
    --------
    >>> from skmmcl.solvers import warn_of_lone_classes
    >>> warn_of_lone_classes([0, 0, 1, 1], ["a", "b", "a", "b"])
    """
    classes = np.asarray(classes)
    groups = np.arange(len(classes)) if groups is None else np.asarray(groups)
    lone = [int(c) for c in np.unique(classes[classes >= 0]) if _is_lone(groups[classes == c])]
    if lone:
        shown = lone if names is None else [str(names[code]) for code in lone]
        warnings.warn(
            f"All subjects of the classes {shown} are left out together (each class has a single "
            "subject or a single group): their training columns come from models that have not "
            "seen the class.",
            UserWarning,
            stacklevel=2,
        )


def _is_lone(groups: np.ndarray) -> bool:
    return all(group == groups[0] for group in groups)
