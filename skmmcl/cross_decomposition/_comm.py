"""CoMM: what modalities share, what each alone has, and what only their combination shows."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.base._parameters import COUNT, Augmentation
from skmmcl.cross_decomposition._fused import FusedMixin
from skmmcl.cross_decomposition._recipes import COMM
from skmmcl.losses import CoMMLoss
from skmmcl.networks._fusion import FusionNetwork
from skmmcl.training import Term


@embedder
class CoMMEmbedder(FusedMixin, BaseEmbedder):
    """Fusion of the modalities of a subject into one representation that keeps what each adds.

    One encoder per modality gives tokens, which a small transformer fuses. Of two augmented copies
    of each subject, one is seen whole and the other through one modality alone or whole as well;
    their embeddings must agree. The representation thereby keeps what modalities share, what each
    alone has, and what only their combination shows. Its columns are ``comm_0``, ``comm_1``, ...

    Read more in the :ref:`User Guide <redundant_unique_synergistic>`.

    Parameters
    ----------
    n_layers : int, default=1
        Number of blocks of the transformer.
    n_heads : int, default=8
        Largest number of attention heads; fewer where ``n_components`` is not divisible by it.
    projection_dim : int, default=64
        Width of the embedding that the loss sees, after a head of three layers.
    mask_tokens : bool, default=False
        Whether a learned token replaces each modality that is absent or not seen, instead of no
        token at all.
    n_components : int, default=64
        Width of the tokens and of the representation.

    See Also
    --------
    CLIPEmbedder : Aligns modalities, and so keeps only what they share.
    skmmcl.losses.CoMMLoss : The loss.

    Notes
    -----
    The loss contrasts single modalities and all of them, not all subsets, so the number of
    modalities is not limited. An absent modality takes no part in the attention, in training as in
    `transform`; ``impute`` has no effect. Each copy gets its own augmentation, which decides what
    the representation may forget; vectors and matrices are augmented as their component scores,
    unless ``augment`` names them.

    ``from_paper()`` has the settings for all data; images of the study, Trifeature, also have
    ``encoders="alexnet", augment=published_augmentation("comm")``. The authors' code has no weight
    decay of weights of one dimension; its encoders of language and of MultiBench are not here.

    References
    ----------
    .. [1] Dufumier B., Castillo-Navarro J., Tuia D., Thiran J.-P. (2025). What to align in
       multimodal contrastive learning? ICLR.

    Examples
    --------
    >>> from skmmcl.cross_decomposition import CoMMEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, _, _ = make_cohort(n_subjects=60, random_state=0)
    >>> embedder = CoMMEmbedder(max_epochs=5, random_state=0).fit(X)
    >>> embedder.transform(X).shape, embedder.transform(X, modality="fc").shape
    ((60, 64), (60, 64))
    """

    temperature: float = 0.1
    n_layers: int = 1
    n_heads: int = 8
    projection_dim: int = 64
    mask_tokens: bool = False
    n_components: int = 64
    augment: Augmentation = "auto"

    _paper: ClassVar[dict[str, Any]] = COMM
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_layers": COUNT,
        "n_heads": COUNT,
        "projection_dim": COUNT,
        "mask_tokens": ["boolean"],
    }

    def _make_views(self) -> list[str]:
        return self.modalities_

    def _make_network(self, **layout: Any) -> partial:
        own = ("n_components", "n_layers", "n_heads", "projection_dim", "mask_tokens")
        return partial(FusionNetwork, **{name: getattr(self, name) for name in own}, **layout)

    def _make_objective(self) -> list[Term]:
        on = ("z", "z_other", "subsets", "sample_weight")
        return [Term("comm", CoMMLoss(self.temperature), on=on)]
