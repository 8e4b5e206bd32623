"""Contrastive regression: embeddings in which a continuous target is in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

import torch

from skmmcl.base import embedder
from skmmcl.contrastive._guided import BANDWIDTH, COLUMNS, KERNEL, OF_METADATA, POSITIVE
from skmmcl.contrastive._metadata import BaseKernelEmbedder
from skmmcl.losses import ExpRegressionLoss, ThresholdRegressionLoss, YAwareLoss
from skmmcl.training import Term
from skmmcl.utils._sklearn import StrOptions

LOSSES = {"exp": ExpRegressionLoss, "threshold": ThresholdRegressionLoss, "y-aware": YAwareLoss}


@embedder
class ContrastiveRegressionEmbedder(BaseKernelEmbedder):
    """Contrast for regression, such as of the age of a brain.

    One encoder per modality is trained so that subjects are the nearer to each other, the
    more alike their targets are. A linear regression on the representations then predicts
    the target: ``make_pipeline(ContrastiveRegressionEmbedder(), RidgeCV())``.

    Read more in the :ref:`User Guide <guided>`.

    Parameters
    ----------
    loss : {"exp", "threshold", "y-aware"}, default="exp"
        How like subjects are spared: "exp" weakens their repulsion by how alike they are,
        "threshold" holds a positive against those less alike alone, and "y-aware" repels
        all.
    metadata : str, list of str or None, default=None
        Columns of the side data of X, ``X.meta``, that guide the contrast; ``y`` is then
        not needed. None takes ``y``.
    kernel : str, list of str or callable, default="gaussian"
        How alike subjects are by their metadata: "cauchy", "epanechnikov",
        "exponential" or "gaussian" for numbers, "delta" for classes, "jaccard" for sets
        of labels; a list with one for each column, whose product is taken; or a function
        of a tensor (..., n_samples, n_columns) that gives weights (..., n_samples,
        n_samples).
    bandwidth : {"scott", "silverman", "median"}, float or list of float, default="scott"
        Distance at which numbers begin to differ, in their units, for all columns or for
        each; or the rule by which `skmmcl.kernels.estimate_bandwidth` finds it for the
        training subjects. Classes and sets of labels have none.
    temperature : float, default=0.1
        Divides the similarities. Small values dwell on the most similar subjects.
    projection_dim : int, default=None
        Width of a two-layer projection head between representation and losses; None for
        no head.

    Attributes
    ----------
    bandwidth_ : ndarray of shape (n_columns,)
        Bandwidth of each column of the metadata; 1 where the kernel has none.
    metadata_names_ : list of str
        Names of the columns of the metadata.

    See Also
    --------
    YAwareEmbedder : Attraction by a kernel, repulsion of all alike.
    EpsSupInfoNCEEmbedder : For classes, and can be kept from a bias such as the site.

    Notes
    -----
    A subject of whom the target is unknown, NaN or None, attracts its own modalities alone.
    The memory of "exp" and "threshold" grows with the square of ``batch_size``.

    References
    ----------
    .. [1] Barbano C. A. et al. (2023). Contrastive learning for regression in multi-site
       brain age prediction. ISBI.

    Examples
    --------
    >>> from sklearn.linear_model import RidgeCV
    >>> from sklearn.pipeline import make_pipeline
    >>> from skmmcl.contrastive import ContrastiveRegressionEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, _, _ = make_cohort(n_subjects=60, random_state=0)
    >>> embedder = ContrastiveRegressionEmbedder(max_epochs=5, random_state=0)
    >>> make_pipeline(embedder, RidgeCV()).fit(X, X.meta["age"]).predict(X).shape
    (60,)
    """

    loss: Literal["exp", "threshold", "y-aware"] = "exp"
    metadata: str | Sequence[str] | None = None
    kernel: str | Sequence[str] | Callable[..., torch.Tensor] = "gaussian"
    bandwidth: Literal["scott", "silverman", "median"] | float | Sequence[float] = "scott"
    temperature: float = 0.1
    projection_dim: int | None = None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseKernelEmbedder._parameter_constraints,  # noqa: SLF001
        "loss": [StrOptions(set(LOSSES))],
        "metadata": COLUMNS,
        "kernel": KERNEL,
        "bandwidth": BANDWIDTH,
        "temperature": POSITIVE,
    }

    def _is_on_sphere(self) -> bool:
        return self.loss == "y-aware"

    def _make_objective(self) -> list[Term]:
        loss = LOSSES[self.loss](self.temperature, **self._of_kernel())
        return [Term("regression", loss, on=OF_METADATA)]
