"""CMC+CSS: cross-modality contrast within subjects, supervised contrast across them."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Literal

from skmmcl.base import BaseEmbedder, ClassGuide, Guide, embedder
from skmmcl.base._parameters import NOT_NEGATIVE
from skmmcl.base._views import Views
from skmmcl.cross_decomposition._recipes import CMCCSS
from skmmcl.losses import CMCLoss, PairwiseCMCLoss, SupConLoss
from skmmcl.training import Term
from skmmcl.utils._sklearn import StrOptions


@embedder
class CMCCSSEmbedder(BaseEmbedder):
    """Joint self-supervised and supervised contrast of the modalities of a cohort.

    The modalities of a subject are to agree and to differ from those of other subjects
    (CMC, cross-modality contrast), and the joined embeddings of subjects of one class are
    to agree (CSS, cross-subject contrast). By default both terms are solved in closed
    form: the supervised one, whose optimum is known, by a discriminant of each modality
    and of all jointly, the self-supervised one by canonical correlations.
    ``solver="gradient"`` trains one encoder per modality by both terms, as the paper does.
    The columns of all modalities, side by side, are what a classifier then sees.

    Read more in the :ref:`User Guide <cmc_css>`.

    Parameters
    ----------
    solver : {"auto", "closed_form", "gradient"}, default="auto"
        How the objective is minimized. "gradient" trains a network by both terms, as the
        paper does. "closed_form" solves both terms, without a network. "auto" solves both as
        well, unless ``encoders`` or ``augment`` are given, or ``views`` asks for copies: the
        self-supervised term then trains a network. With one modality, which leaves nothing to
        align, it solves the supervised term alone; without the supervised term, it is
        "gradient".
    temperature : float, default=0.7
        Divides the cosine similarities in both terms. Small values dwell on the most
        similar negatives.
    cmc_weight : float, default=1.0
        Weight of the self-supervised term; 0 leaves it out.
    css_weight : float, default=1.0
        Weight of the supervised term; with 0 ``y`` is not used.
    denominator : {"negatives", "all"}, default="negatives"
        What the positives of the CMC term are held against: the negatives alone, or
        positives and negatives, which bounds the term below by 0.
    pairwise : bool, default=False
        Whether the CMC term contrasts each pair of modalities by itself instead of all
        at once.
    normalize_each : bool, default=False
        Whether each modality's embedding is put on the unit sphere before they are
        joined for the CSS term, so that none dominates by its length.

    Attributes
    ----------
    classes_ : ndarray
        The classes; only with ``css_weight`` above 0 or a probe.

    See Also
    --------
    CrossFitTransformer : Gives the classifier on top embeddings of subjects that were
        not seen in training.
    LabeledOnly : Leaves unlabelled subjects out of the classifier on top.

    Notes
    -----
    An absent modality is neither anchor, positive nor negative in the CMC term and a
    block of zeros in the CSS term. The published numbers and the flaws of the released
    code that are not repeated here are in the user guide.

    ``from_paper()`` has the authors' encoders: self-attention for matrices, a perceptron for
    vectors and, for T2 volumes, an EfficientNet-B0 of 3D convolutions, which their code trains
    from scratch; the text has a pretrained one, which is not public. Nor are the cohorts,
    CINEPS and COEPS.

    References
    ----------
    .. [1] Li Z. et al. (2024). Joint self-supervised and supervised contrastive learning
       for multimodal MRI data: Towards predicting abnormal neurodevelopment. Artificial
       Intelligence in Medicine 157:102993.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import Pipeline
    >>> from skmmcl import CMCCSSEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, y, _ = make_cohort(n_subjects=60, random_state=0)
    >>> pipe = Pipeline([("cmc", CMCCSSEmbedder()), ("clf", LogisticRegression())])
    >>> pipe.fit(X, y).predict(X).shape
    (60,)
    >>> pipe["cmc"].get_feature_names_out()[:3].tolist()
    ['smri_css_0', 'sc_css_0', 'fc_css_0']
    """

    solver: Literal["auto", "closed_form", "gradient"] = "auto"
    temperature: float = 0.7
    cmc_weight: float = 1.0
    css_weight: float = 1.0
    denominator: Literal["negatives", "all"] = "negatives"
    pairwise: bool = False
    normalize_each: bool = False
    projection_dim: Any = None
    views: Views = "auto"
    n_views: int = 2
    augment: Any = "auto"

    _aligns: ClassVar[bool] = True
    _of_training: ClassVar[tuple[str, ...]] = (
        "temperature", "cmc_weight", "css_weight", "denominator", "pairwise", "normalize_each",
    )  # fmt: skip
    _paper: ClassVar[dict[str, Any]] = CMCCSS
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "cmc_weight": NOT_NEGATIVE,
        "css_weight": NOT_NEGATIVE,
        "denominator": [StrOptions({"negatives", "all"})],
        "pairwise": ["boolean"],
        "normalize_each": ["boolean"],
    }

    def _make_network(self, **layout: Any) -> partial:
        return super()._make_network(normalize_each=self.normalize_each, **layout)

    def _make_objective(self) -> list[Term]:
        cmc = (
            PairwiseCMCLoss(self.temperature)
            if self.pairwise
            else CMCLoss(self.temperature, denominator=self.denominator)
        )
        css = SupConLoss(self.temperature)
        return [
            Term("cmc", cmc, on=("z", "mask", "sample_weight"), weight=self.cmc_weight),
            Term("css", css, on=("z_fused", "y", "sample_weight"), weight=self.css_weight),
        ]

    def _make_guide(self, y: Any) -> Guide:
        if not self.css_weight:
            return Guide()
        return ClassGuide(
            without_y=" Only the self-supervised part (css_weight=0) needs no y.",
            instead_of_classes="To embed before a regressor, set css_weight=0, which leaves y out, "
            "or take YAwareEmbedder or ContrastiveRegressionEmbedder, which are guided by numbers.",
        )
