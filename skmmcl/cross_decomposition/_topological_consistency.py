"""Topological consistency: places similar in one modality are so in others, in all subjects."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Literal

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.base._parameters import COUNT, NOT_NEGATIVE
from skmmcl.cross_decomposition._pairs import consistency_terms
from skmmcl.cross_decomposition._recipes import TOPOLOGICAL_CONSISTENCY
from skmmcl.networks._standardize import InputStage
from skmmcl.networks._tokens import TokenNetwork
from skmmcl.training import Term
from skmmcl.utils._sklearn import StrOptions


@embedder
class TopologicalConsistencyEmbedder(BaseEmbedder):
    """Agreement of modalities on which places of a subject are similar.

    Each modality is encoded as tokens, one per place: a box of voxels of a volume, or a region of
    an atlas, the same place in all modalities. Neighboring tokens of one modality become neighbors
    in the others (intra) and in other subjects (inter), and they reconstruct the input.

    Read more in the :ref:`User Guide <topological_consistency>`.

    Parameters
    ----------
    n_neighbors : int, default=5
        Number of neighbors of a token.
    margins : tuple of two floats, default=(0.05, 0.4)
        By how much neighbors must be closer than other tokens, in units of 1 minus the cosine:
        within a subject, and between subjects.
    intra_weight : float, default=10.0
        Weight of the consistency between the modalities of a subject; 0 leaves it out.
    inter_weight : float, default=10.0
        Weight of the consistency between subjects; 0 leaves it out.
    reconstruction_weight : float, default=1.0
        Weight of the reconstruction, a mean over the modalities; 0 leaves it out.
    negatives : {"auto", "all", "sample"}, default="auto"
        Other tokens that neighbors are contrasted with; "auto" draws as many above 256 tokens.
    match : {"auto", "mutual", "identity"}, default="auto"
        Tokens that are the same place in two subjects: each other's nearest ones, or those of the
        same number, as in an atlas. "auto" is "mutual" if there are volumes.
    pooling : {"mean", "flatten"}, default="mean"
        Whether a representation is the mean of the tokens, or all tokens side by side.
    n_components : int, default=16
        Width of each token and, with ``pooling="mean"``, of each modality's representation.
    encoders : "auto", str, Module, callable or dict, default="auto"
        Encoder of all modalities or, in a dict, of each, with a token for each place of its local
        map; see :func:`~skmmcl.networks.make_encoder`. "auto" is an MLP for vectors, one network
        for all regions of matrices, and a small CNN for volumes.
    standardize : bool or "image", default=True
        Whether entries of vectors, and columns of matrices over all regions, are z-scored by the
        training subjects: how regions differ stays. "image" z-scores each volume by itself first.

    See Also
    --------
    CMCCSSEmbedder : Contrasts subjects as wholes.
    skmmcl.losses.NeighbourhoodLoss : The term within subjects.
    skmmcl.losses.PseudoCorrespondenceLoss : The term between subjects.

    Notes
    -----
    A vector has no places; its tokens are learned, as many as others have, or eight. Volumes must
    be on one grid and augmented together, in one tuple of ``augment``. The pairs of modalities that
    a subject has weigh the same; pairs of subjects are drawn, as many as memory allows.

    ``from_paper()`` has the authors' loss and optimizer, not their Swin-UNETR: one encoder for all
    is ``encoders={("t1", "t2"): ...}``, with ``augment={("t1", "t2"):
    published_augmentation("taco")}``. They take 50,000 steps, 500 of warm-up: set ``max_epochs``.

    References
    ----------
    .. [1] Pan C. et al. (2026). Beyond instance-level self-supervision in 3D multi-modal
       medical imaging. ICML. arXiv 2605.14654.

    Examples
    --------
    >>> from skmmcl.cross_decomposition import TopologicalConsistencyEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, _, _ = make_cohort(n_subjects=40, random_state=0)
    >>> embedder = TopologicalConsistencyEmbedder(max_epochs=3, random_state=0)
    >>> embedder.fit_transform(X[["sc", "fc"]]).shape
    (40, 32)
    """

    n_neighbors: int = 5
    margins: tuple[float, float] = (0.05, 0.4)
    intra_weight: float = 10.0
    inter_weight: float = 10.0
    reconstruction_weight: float = 1.0
    negatives: Literal["auto", "all", "sample"] = "auto"
    match: Literal["auto", "mutual", "identity"] = "auto"
    pooling: Literal["mean", "flatten"] = "mean"

    _aligns: ClassVar[bool] = True
    _paper: ClassVar[dict[str, Any]] = TOPOLOGICAL_CONSISTENCY
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_neighbors": COUNT,
        "margins": [tuple, list],
        "intra_weight": NOT_NEGATIVE,
        "inter_weight": NOT_NEGATIVE,
        "reconstruction_weight": NOT_NEGATIVE,
        "negatives": [StrOptions({"auto", "all", "sample"})],
        "match": [StrOptions({"auto", "mutual", "identity"})],
        "pooling": [StrOptions({"mean", "flatten"})],
    }

    def _make_objective(self) -> list[Term]:
        return consistency_terms(self)

    def _make_network(self, **layout: Any) -> partial:
        own: dict[str, Any] = {name: getattr(self, name) for name in ("n_components", "pooling")}
        return partial(TokenNetwork, reconstructs=self.reconstruction_weight > 0, **own, **layout)

    def _make_stage(self, name: str, *given: Any) -> InputStage:
        stage = super()._make_stage(name, *given)
        return stage.of_columns() if len(self.shapes_[name]) == 2 else stage
