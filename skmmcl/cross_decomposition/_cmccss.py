"""CMC+CSS: contrast of modalities within subjects, and of classes across subjects."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Literal

from skmmcl.base import BaseEmbedder, ClassGuide, Guide, embedder
from skmmcl.base._parameters import NOT_NEGATIVE, Augmentation, ProjectionDim
from skmmcl.base._views import Views
from skmmcl.cross_decomposition._recipes import CMCCSS
from skmmcl.losses import CMCLoss, PairwiseCMCLoss, SupConLoss
from skmmcl.training import Term
from skmmcl.utils._sklearn import StrOptions


@embedder
class CMCCSSEmbedder(BaseEmbedder):
    """Joint self-supervised and supervised contrastive learning of several modalities.

    Two terms are minimized [1]_: CMC, cross-modality contrast, brings the modalities of a subject
    together and separates subjects; CSS, cross-subject contrast, brings subjects of a class
    together. By default both are solved in closed form, CMC by canonical correlations and CSS by a
    discriminant of each modality and of all jointly. ``solver="gradient"`` trains an encoder per
    modality, as the paper does. `transform` returns the columns of all modalities side by side.

    Read more in the :ref:`User Guide <cmc_css>`.

    Parameters
    ----------
    solver : {"auto", "closed_form", "gradient"}, default="auto"
        "closed_form" solves both terms; "gradient" trains a network by both. "auto" is
        "closed_form", but ``encoders``, ``augment`` or ``views`` of copies train a network by CMC,
        a lone modality, with nothing to align, has CSS alone, and without CSS "auto" is "gradient".
    cmc_weight : float, default=1.0
        Weight of the CMC term; 0 leaves it out.
    css_weight : float, default=1.0
        Weight of the CSS term; 0 leaves it out, and ``y`` is not used.
    denominator : {"negatives", "all"}, default="negatives"
        Embeddings in the denominator of the CMC term: the negatives alone, as in the authors'
        code, or positives and negatives, which bounds the term below by 0.
    pairwise : bool, default=False
        Whether the CMC term contrasts each pair of modalities separately instead of all at once.
    normalize_each : bool, default=False
        Whether the CSS term joins embeddings of length one, so that no modality dominates.

    See Also
    --------
    CrossFitTransformer : Trains the classifier on embeddings of subjects left out of the training.
    LabeledOnly : Leaves unlabeled subjects out of the classifier.

    Notes
    -----
    Do not z-score the columns of the closed form, as by a StandardScaler: the many columns of CMC
    would outweigh the few of CSS, and a classifier would overfit. An absent modality takes no part
    in CMC and is a block of zeros in CSS. The user guide has results and flaws of the paper's code.

    ``from_paper()`` trains a 3D EfficientNet-B0 of T2 volumes from scratch, as the authors' code
    does. The pretrained one of their text and the cohorts, CINEPS and COEPS, are not public.

    References
    ----------
    .. [1] Li Z. et al. (2024). Joint self-supervised and supervised contrastive learning for
       multimodal MRI data: Towards predicting abnormal neurodevelopment. Artif Intell Med 157.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skmmcl import CMCCSSEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, y, _ = make_cohort(n_subjects=60, random_state=0)
    >>> pipe = make_pipeline(CMCCSSEmbedder(), LogisticRegression()).fit(X, y)
    >>> pipe.predict(X).shape, pipe[0].get_feature_names_out()[:2].tolist()
    ((60,), ['smri_css_0', 'sc_css_0'])
    """

    solver: Literal["auto", "closed_form", "gradient"] = "auto"
    temperature: float = 0.7
    cmc_weight: float = 1.0
    css_weight: float = 1.0
    denominator: Literal["negatives", "all"] = "negatives"
    pairwise: bool = False
    normalize_each: bool = False
    projection_dim: ProjectionDim = None
    views: Views = "auto"
    n_views: int = 2
    augment: Augmentation = "auto"

    _aligns: ClassVar[bool] = True
    _of_training: ClassVar[tuple[str, ...]] = (
        "temperature", "cmc_weight", "css_weight", "denominator", "pairwise", "normalize_each",
    )  # fmt: skip
    _paper: ClassVar[dict[str, Any]] = CMCCSS
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **dict.fromkeys(("cmc_weight", "css_weight"), NOT_NEGATIVE),
        "denominator": [StrOptions({"negatives", "all"})],
        "pairwise": ["boolean"],
        "normalize_each": ["boolean"],
    }

    def _make_objective(self) -> list[Term]:
        t = self.temperature
        cmc = PairwiseCMCLoss(t) if self.pairwise else CMCLoss(t, denominator=self.denominator)
        return [
            Term("cmc", cmc, ("z", "mask", "sample_weight"), self.cmc_weight),
            Term("css", SupConLoss(t), ("z_fused", "y", "sample_weight"), self.css_weight),
        ]

    def _make_network(self, **layout: Any) -> partial:
        return super()._make_network(normalize_each=self.normalize_each, **layout)

    def _make_guide(self, y: Any) -> Guide:
        if not self.css_weight:
            return Guide()
        return ClassGuide(
            without_y=" Only the self-supervised part (css_weight=0) needs no y.",
            instead_of_classes="Before a regressor, set css_weight=0, or take YAwareEmbedder or "
            "ContrastiveRegressionEmbedder, which are guided by numbers.",
        )
