"""y-Aware: contrast guided by continuous or mixed metadata."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

import torch

from skmmcl.base import embedder
from skmmcl.contrastive._guided import BANDWIDTH, COLUMNS, KERNEL, OF_METADATA, POSITIVE
from skmmcl.contrastive._metadata import BaseKernelEmbedder
from skmmcl.losses import YAwareLoss
from skmmcl.training import Term


@embedder
class YAwareEmbedder(BaseKernelEmbedder):
    """Contrast that attracts subjects the more, the more alike their metadata are.

    One encoder per modality is trained so that the embeddings of subjects of like age,
    sex or site are near each other, whatever the modality, and those of others apart. The
    weight of a pair is a kernel of the metadata, so that what is continuous need not be
    cut into classes.

    Read more in the :ref:`User Guide <guided>`.

    Parameters
    ----------
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
    ContrastiveRegressionEmbedder : Weakens the repulsion of like subjects instead.
    SupConEmbedder : For classes.
    skmmcl.losses.YAwareLoss : The loss.

    Notes
    -----
    A subject of whom something is unknown, NaN or None, attracts its own modalities alone.
    No arrangement on a sphere keeps the distances of three or more different ages: the
    loss has no attainable optimum then, see `skmmcl.losses.sphere_realizability`. How much
    is missed matters: a warning tells if more than a quarter of what the weights tell cannot
    be met, as with a temperature that is too high for the bandwidth.

    References
    ----------
    .. [1] Dufumier B. et al. (2021). Contrastive learning with continuous proxy meta-data
       for 3D MRI classification. MICCAI.

    Examples
    --------
    >>> from skmmcl.contrastive import YAwareEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, _, _ = make_cohort(n_subjects=60, random_state=0)
    >>> embedder = YAwareEmbedder(
    ...     metadata=["age", "site"], kernel=["gaussian", "delta"], max_epochs=5, random_state=0
    ... )
    >>> embedder.fit_transform(X).shape
    (60, 80)
    """

    metadata: str | Sequence[str] | None = None
    kernel: str | Sequence[str] | Callable[..., torch.Tensor] = "gaussian"
    bandwidth: Literal["scott", "silverman", "median"] | float | Sequence[float] = "scott"
    temperature: float = 0.1
    projection_dim: int | None = None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseKernelEmbedder._parameter_constraints,  # noqa: SLF001
        "metadata": COLUMNS,
        "kernel": KERNEL,
        "bandwidth": BANDWIDTH,
        "temperature": POSITIVE,
    }

    def _is_on_sphere(self) -> bool:
        return True

    def _make_objective(self) -> list[Term]:
        loss = YAwareLoss(self.temperature, **self._of_kernel())
        return [Term("y_aware", loss, on=OF_METADATA)]
