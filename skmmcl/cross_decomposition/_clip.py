"""CLIP: alignment of the modalities of a subject."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Literal

from sklearn.utils.validation import check_is_fitted

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.base._parameters import NOT_NEGATIVE
from skmmcl.base._views import Views
from skmmcl.cross_decomposition._recipes import CLIP
from skmmcl.losses import CLIPLoss, PairwiseCMCLoss, SelfContrastLoss
from skmmcl.losses._parts._view_pairs import MAX_SCALE
from skmmcl.networks._clip import CLIPNetwork
from skmmcl.training import Term
from skmmcl.utils._sklearn import StrOptions

AS_THEY_ARE = (True,)
ORIGINAL_AND_COPIES = (False, True, True)  # the modalities are aligned as they are


@embedder
class CLIPEmbedder(BaseEmbedder):
    """Align the modalities of each subject, each pair of modalities by itself.

    One encoder per modality is trained so that a subject's embeddings by two modalities are
    nearer to each other than to those of other subjects. What only one modality has is
    lost, unless ``self_weight`` asks for the contrast of two augmented copies of it too.

    Read more in the :ref:`User Guide <redundant_unique_synergistic>`.

    Parameters
    ----------
    learn_temperature : bool, default=False
        Whether the temperature of the alignment is learnt as in CLIP, from ``temperature``
        on and down to 0.01 at the least.
    negatives : {"other", "both"}, default="other"
        What an anchor is held against: subjects by the other modality, as in CLIP, or by
        both modalities.
    self_weight : float, default=0.0
        Weight of the contrast of two augmented copies of each modality, for the mean over
        the modalities; 0 leaves it out.
    augment : dict of str to callable, callable, "auto" or None, default="auto"
        Random changes of a modality in training, as other embedders take them. Where there
        are copies, by ``self_weight`` or ``views``, each gets its own and "auto" is by kind of
        modality as in `CoMMEmbedder`; without copies, "auto" is none.

    Attributes
    ----------
    temperature_ : float
        Temperature of the alignment at the end of training.
    classes_ : ndarray
        The classes; only with a probe.

    See Also
    --------
    CoMMEmbedder : Keeps what modalities share, what each has, and what only both tell.
    CMCCSSEmbedder : Contrasts all modalities at once, and classes.

    Notes
    -----
    CLIP [1]_ starts at a temperature of 0.07 and learns it: ``temperature=0.07,
    learn_temperature=True``. What is learnt is the logarithm of its ratio to ``temperature``,
    so that weight decay draws it back there. "Cross+Self" of the study of CoMM [2]_ is
    ``negatives="both", self_weight=1``, at a temperature that is not learnt; the contrast of
    copies always is at ``temperature``.

    ``from_paper()`` is "Cross", CLIP as the study of CoMM [2]_ trains it on pairs of images;
    its "Cross+Self" is ``from_paper(negatives="both", self_weight=1, learn_temperature=False,
    temperature=0.1, projection_dim=(1024, 256), augment=published_augmentation("comm"))``.
    Their linear projections have no bias, and weights of one dimension no weight decay. What
    CLIP [1]_ itself was trained on, 400 million pairs of image and text, is not public.

    References
    ----------
    .. [1] Radford A. et al. (2021). Learning transferable visual models from natural
       language supervision. ICML.
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
    projection_dim: Any = None
    views: Views = "auto"
    n_views: int = 2
    augment: Any = "auto"

    _aligns: ClassVar[bool] = True
    _of_training: ClassVar[tuple[str, ...]] = ("temperature", "learn_temperature", "negatives")
    _paper: ClassVar[dict[str, Any]] = CLIP
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "learn_temperature": ["boolean"],
        "negatives": [StrOptions({"other", "both"})],
        "self_weight": NOT_NEGATIVE,
    }

    def _make_network(self, **layout: Any) -> partial:
        if self.self_weight > 0:
            self._check_copies(layout)
            layout["copies"] = ORIGINAL_AND_COPIES
        return partial(
            CLIPNetwork,
            n_components=self.n_components,
            projection_dim=self.projection_dim,
            learns_scale=self.learn_temperature,
            **{"copies": AS_THEY_ARE, **layout},
        )

    def _check_copies(self, layout: Mapping[str, Any]) -> None:
        """Raise if the copies, which ``self_weight`` contrasts, are views already."""
        if "copies" in layout:
            raise ValueError(
                f"self_weight={self.self_weight} contrasts augmented copies next to the modalities "
                f"of a subject, and with views={self.views!r} the modalities {self.modalities_} "
                "are contrasted by their copies already: leave self_weight at 0."
            )

    def _make_objective(self) -> list[Term]:
        kind = CLIPLoss if self.negatives == "other" else PairwiseCMCLoss
        on, learnt = ("mask", "sample_weight"), ("log_scale",) * self.learn_temperature
        terms = [Term("cross", kind(self.temperature), on=("z", *on, *learnt))]
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
        start = self.net_.criterion_.terms[0].loss.temperature
        log_scale = self.net_.module_.log_scale
        if log_scale is None:
            return start
        return max(start / math.exp(log_scale.item()), 1 / MAX_SCALE)
