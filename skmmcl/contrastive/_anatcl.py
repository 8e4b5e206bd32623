"""AnatCL: contrast guided by the anatomy of regions and by age."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.base._parameters import BANDWIDTH_RULES, NOT_NEGATIVE, POSITIVE, BandwidthRule
from skmmcl.base._views import Views
from skmmcl.contrastive._anatomy import AnatCLOfTargets, AnatomyGuide
from skmmcl.contrastive._guides import OF_METADATA
from skmmcl.contrastive._recipes import ANATCL
from skmmcl.losses import YAwareLoss
from skmmcl.training import Term
from skmmcl.utils._sklearn import StrOptions


@embedder
class AnatCLEmbedder(BaseEmbedder):
    """Contrast that attracts subjects of like anatomy and of like age.

    One encoder per modality is trained so that the embeddings of subjects are the nearer to
    each other, the more alike measures of their brain regions are, and the nearer their
    ages are.

    Read more in the :ref:`User Guide <guided>`.

    Parameters
    ----------
    measures : str, list of str or None, default=None
        Tables of the side data of X, ``X.meta``, or modalities, of shape (n_regions,) or
        (n_regions, n_measures) per subject: cortical thickness, volume and surface of the
        same regions. None takes every table of the side data; where there is none, age
        alone guides.
    anatomy : {"local", "global"}, default="local"
        Whether regions are compared one by one, by the angle between their measures, or
        all at once in each measure.
    anatomy_weight : float, default=1.0
        Weight of the contrast by anatomy beside that by age.
    age_weight : float, default=1.0
        Weight of the contrast by age; with 0 anatomy alone guides, and the age is still read.
    sharpness : float, default=None
        Anatomies are much alike; if given, a likeness a becomes ``exp(sharpness * (a -
        1))``.
    metadata : str or None, default=None
        Column of ``X.meta`` that holds the age; ``y`` is then not needed. None takes ``y``.
    bandwidth : {"deviation", "scott", "silverman", "median"} or float, default="deviation"
        Distance at which ages begin to differ, in years; or the rule by which
        `skmmcl.kernels.estimate_bandwidth` finds it for the training subjects.

    Attributes
    ----------
    bandwidth_ : ndarray of shape (n_columns,)
        Bandwidth of each column of the metadata; 1 where the kernel has none.
    metadata_names_ : list of str
        Names of the columns of the metadata.

    See Also
    --------
    YAwareEmbedder : By age, or other metadata, alone.
    skmmcl.losses.AnatCLLoss : The loss.

    Notes
    -----
    Measures guide the training alone, new subjects need none; those that are a modality are
    an input besides. A subject some of whose measures are unknown (NaN), or whose age is,
    attracts its own modalities alone in that term.

    ``from_paper()`` has the network and the loss of what was released, which is models without
    the code that trained them. Optimizer, epochs, batches and augmentation could not be read
    and are those of this package; that both terms weigh 1 is inferred. ``anatomy="global"`` is
    the other model.

    References
    ----------
    .. [1] Barbano C. A. et al. (2024). Anatomical foundation models for brain MRIs.
       arXiv 2408.07079.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl import MultimodalData
    >>> from skmmcl.contrastive import AnatCLEmbedder
    >>> rng = np.random.default_rng(0)
    >>> X = MultimodalData(
    ...     t1=rng.normal(size=(60, 30)),
    ...     fc=rng.normal(size=(60, 10, 10)),
    ...     meta={
    ...         "age": rng.uniform(20, 80, 60),
    ...         "thickness": rng.uniform(1, 4, (60, 68)),
    ...         "volume": rng.uniform(1e3, 1e4, (60, 68)),
    ...     },
    ... )
    >>> embedder = AnatCLEmbedder(
    ...     measures=["thickness", "volume"], metadata="age", max_epochs=5, random_state=0
    ... )
    >>> embedder.fit_transform(X).shape
    (60, 32)
    """

    measures: str | Sequence[str] | None = None
    anatomy: Literal["local", "global"] = "local"
    anatomy_weight: float = 1.0
    age_weight: float = 1.0
    sharpness: float | None = None
    metadata: str | None = None
    bandwidth: BandwidthRule | float = "deviation"
    temperature: float = 0.1
    projection_dim: Any = None
    normalize: bool = False
    views: Views = "auto"
    n_views: int = 2
    augment: Any = "auto"

    _paper: ClassVar[dict[str, Any]] = ANATCL
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "measures": [str, list, tuple, None],
        "anatomy": [StrOptions({"local", "global"})],
        "anatomy_weight": NOT_NEGATIVE,
        "age_weight": NOT_NEGATIVE,
        "sharpness": [*POSITIVE, None],
        "metadata": [str, None],
        "bandwidth": [StrOptions(BANDWIDTH_RULES), *POSITIVE],
    }

    def _make_guide(self, y: Any) -> AnatomyGuide:
        return AnatomyGuide(self)

    def _make_objective(self) -> list[Term]:
        guide = self._guide
        if guide.table is None:
            return [Term("y_aware", YAwareLoss(self.temperature, **guide.of_loss), OF_METADATA)]
        loss = AnatCLOfTargets(
            guide.table,
            self.temperature,
            anatomy=self.anatomy,
            bandwidth=float(self.bandwidth_[0]),
            anatomy_weight=self.anatomy_weight,
            age_weight=self.age_weight,
            sharpness=self.sharpness,
        )
        return [Term("anat_cl", loss, on=OF_METADATA)]
