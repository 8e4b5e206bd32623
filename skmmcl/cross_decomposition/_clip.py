"""CLIP: alignment of the modalities of a subject."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, ClassVar, Literal

from sklearn.utils.validation import check_is_fitted

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.base._parameters import NOT_NEGATIVE, Augmentation, ProjectionDim
from skmmcl.base._views import Views
from skmmcl.cross_decomposition._recipes import CLIP
from skmmcl.losses import CLIPLoss, PairwiseCMCLoss, SelfContrastLoss
from skmmcl.losses._parts._view_pairs import MAX_SCALE
from skmmcl.networks._clip import CLIPNetwork
from skmmcl.training import Term
from skmmcl.utils._sklearn import StrOptions


@embedder
class CLIPEmbedder(BaseEmbedder):
    """Alignment of the modalities of each subject, separately for each pair of modalities.

    One encoder per modality is trained so that a subject's embeddings by two modalities are closer
    to each other than to those of other subjects. ``self_weight`` also keeps what only one has.

    Read more in the :ref:`User Guide <redundant_unique_synergistic>`.

    Parameters
    ----------
    learn_temperature : bool, default=False
        Whether the temperature of the alignment is learned as in CLIP: from ``temperature`` on, to
        which weight decay draws it back, and not below 0.01.
    negatives : {"other", "both"}, default="other"
        Negatives of an anchor: other subjects by the other modality, as in CLIP, or by both.
    self_weight : float, default=0.0
        Weight of the contrast of two augmented copies of each modality, at ``temperature``; 0
        leaves it out. ``augment`` then changes the copies, not what is aligned.

    Attributes
    ----------
    temperature_ : float
        Temperature of the alignment at the end of training.

    See Also
    --------
    CoMMEmbedder : Keeps what modalities share, what each has, and what only both show.
    CMCCSSEmbedder : Contrasts all modalities at once, and classes.

    Notes
    -----
    ``from_paper()`` is "Cross", CLIP [1]_ as the study of CoMM [2]_ trains it on pairs of images.
    Its "Cross+Self" is ``from_paper(negatives="both", self_weight=1, learn_temperature=False,
    temperature=0.1, projection_dim=(1024, 256), augment=published_augmentation("comm"))``. Their
    linear projections have no bias, and weights of one dimension no weight decay. The training data
    of CLIP, 400 million pairs of image and text, are not public.

    References
    ----------
    .. [1] Radford A. et al. (2021). Learning transferable visual models from natural language
       supervision. ICML.
    .. [2] Dufumier B., Castillo-Navarro J., Tuia D., Thiran J.-P. (2025). What to align in
       multimodal contrastive learning? ICLR.

    Examples
    --------
    >>> from skmmcl.cross_decomposition import CLIPEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, _, _ = make_cohort(n_subjects=60, random_state=0)
    >>> CLIPEmbedder(max_epochs=5, random_state=0).fit_transform(X).shape
    (60, 80)
    """

    temperature: float = 0.1
    learn_temperature: bool = False
    negatives: Literal["other", "both"] = "other"
    self_weight: float = 0.0
    projection_dim: ProjectionDim = None
    views: Views = "auto"
    n_views: int = 2
    augment: Augmentation = "auto"

    _aligns: ClassVar[bool] = True
    _of_training: ClassVar[tuple[str, ...]] = ("temperature", "learn_temperature", "negatives")
    _paper: ClassVar[dict[str, Any]] = CLIP
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "learn_temperature": ["boolean"],
        "negatives": [StrOptions({"other", "both"})],
        "self_weight": NOT_NEGATIVE,
    }

    def _make_network(self, **layout: Any) -> partial:
        if self.self_weight > 0 and "copies" in layout:
            raise ValueError(
                f"self_weight={self.self_weight} contrasts augmented copies of the modalities, as "
                f"views={self.views!r} does for {self.modalities_}: leave self_weight at 0."
            )
        copies = (False, True, True) if self.self_weight > 0 else (True,)  # the first are aligned
        made = super()._make_network(**{"copies": copies, **layout})
        return partial(CLIPNetwork, learns_scale=self.learn_temperature, **made.keywords)

    def _make_objective(self) -> list[Term]:
        kind = CLIPLoss if self.negatives == "other" else PairwiseCMCLoss
        on, learned = ("mask", "sample_weight"), ("log_scale",) * self.learn_temperature
        terms = [Term("cross", kind(self.temperature), on=("z", *on, *learned))]
        if self.self_weight > 0:
            own = SelfContrastLoss(self.temperature)
            terms.append(Term("self", own, on=("z_one", "z_other", *on), weight=self.self_weight))
        return terms

    @property
    def temperature_(self) -> float:
        """Temperature of the alignment at the end of training."""
        check_is_fitted(self, "net_")
        if self.net_ is None:
            raise AttributeError("Closed forms have no temperature; solver='gradient' trains one.")
        start, scale = self.net_.criterion_.terms[0].loss.temperature, self.net_.module_.log_scale
        return start if scale is None else max(start / math.exp(scale.item()), 1 / MAX_SCALE)
