"""AnatCL: contrastive learning guided by the anatomy of brain regions and by age."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.base._parameters import BANDWIDTH_RULES, NOT_NEGATIVE, POSITIVE, BandwidthRule
from skmmcl.contrastive._anatomy import AnatCLOfTargets, AnatomyGuide
from skmmcl.contrastive._guides import OF_METADATA
from skmmcl.contrastive._mixins import ContrastMixin
from skmmcl.contrastive._recipes import ANATCL
from skmmcl.losses import YAwareLoss
from skmmcl.training import Term
from skmmcl.utils._sklearn import StrOptions


@embedder
class AnatCLEmbedder(ContrastMixin, BaseEmbedder):
    """Contrastive learning with positives weighted by similar anatomy and age.

    One encoder per modality is trained so that the embeddings of two subjects are the closer, the
    more similar the measures of their brain regions, and the closer their ages.

    Read more in the :ref:`User Guide <guided>`.

    Parameters
    ----------
    measures : str, list of str or None, default=None
        Tables of ``X.meta``, or modalities, of shape (n_regions,) or (n_regions, n_measures) per
        subject: cortical thickness, volume and surface of the same regions. None takes every
        table of ``X.meta``; where there is none, age alone guides.
    anatomy : {"local", "global"}, default="local"
        Whether regions are compared one by one, by the angle between their measures, or all at
        once in each measure.
    anatomy_weight : float, default=1.0
        Weight of the contrast by anatomy.
    age_weight : float, default=1.0
        Weight of the contrast by age; with 0 anatomy alone guides, and the age is still read.
    sharpness : float or None, default=None
        If given, a similarity a of anatomies becomes ``exp(sharpness * (a - 1))``. Larger values
        separate anatomies more, whose similarities otherwise all lie close to 1.
    metadata : str or None, default=None
        Column of ``X.meta`` that holds the age; ``y`` is then not needed. None takes ``y``.
    bandwidth : {"deviation", "scott", "silverman", "median"} or float, default="deviation"
        Distance at which ages begin to differ, in years; or the rule by which
        `skmmcl.kernels.estimate_bandwidth` finds it for the training subjects.

    Attributes
    ----------
    bandwidth_ : ndarray of shape (1,)
        Bandwidth of the age.
    metadata_names_ : list of str
        Name of the column that holds the age.

    See Also
    --------
    YAwareEmbedder : By age, or other metadata, alone.
    skmmcl.losses.AnatCLLoss : The loss.

    Notes
    -----
    Measures guide the training alone: new subjects need none. Measures that are a modality are an
    input too. In a term whose measures or age are unknown (NaN), a subject has only its own
    modalities as positives.

    ``from_paper()`` has the network and the loss of the released models, whose training code is
    not public. Optimizer, epochs, batches and augmentation are therefore those of this package,
    and that both terms weigh 1 is inferred. ``anatomy="global"`` is the other released model.

    References
    ----------
    .. [1] Barbano C. A. et al. (2024). Anatomical foundation models for brain MRIs.
       arXiv 2408.07079.

    Examples
    --------
    >>> from skmmcl.contrastive import AnatCLEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, _, _ = make_cohort(n_subjects=60, random_state=0)
    >>> embedder = AnatCLEmbedder(measures="smri", metadata="age", max_epochs=5, random_state=0)
    >>> embedder.fit_transform(X).shape
    (60, 80)
    """

    measures: str | Sequence[str] | None = None
    anatomy: Literal["local", "global"] = "local"
    anatomy_weight: float = 1.0
    age_weight: float = 1.0
    sharpness: float | None = None
    metadata: str | None = None
    bandwidth: BandwidthRule | float = "deviation"
    temperature: float = 0.1

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
        names = ("anatomy", "anatomy_weight", "age_weight", "sharpness")
        settings: dict[str, Any] = {name: getattr(self, name) for name in names}
        settings["bandwidth"] = float(self.bandwidth_[0])
        loss = AnatCLOfTargets(self.temperature, shape=guide.table, **settings)
        return [Term("anat_cl", loss, on=OF_METADATA)]
