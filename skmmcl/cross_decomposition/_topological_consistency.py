"""Places that are alike in one modality shall be so in the other, and in other subjects."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.base._parameters import COUNT, NOT_NEGATIVE
from skmmcl.cross_decomposition._pairs import OverPairs, two_margins
from skmmcl.cross_decomposition._recipes import TOPOLOGICAL_CONSISTENCY
from skmmcl.losses import NeighbourhoodLoss, PseudoCorrespondenceLoss, ReconstructionLoss
from skmmcl.networks._standardize import InputStage
from skmmcl.networks._tokens import TokenNetwork
from skmmcl.training import Term
from skmmcl.utils._sklearn import StrOptions


@embedder
class TopologicalConsistencyEmbedder(BaseEmbedder):
    """Agreement of modalities on which places of a subject are alike.

    Each modality is encoded as tokens, one for each place: a box of voxels of a volume, or
    a region of an atlas. Token t is the same place in all modalities. Tokens that are
    neighbours in one modality are to be so in the others (intra), and those of a subject in
    other subjects (inter), while the input can be reconstructed from them.

    Read more in the :ref:`User Guide <topological_consistency>`.

    Parameters
    ----------
    n_neighbors : int, default=5
        Neighbours of a token.
    margins : tuple of two floats, default=(0.05, 0.4)
        By how much neighbours must be closer than others, in units of 1 minus the cosine:
        within a subject, and between subjects.
    intra_weight : float, default=10.0
        Weight of the consistency between the modalities of a subject; 0 leaves it out.
    inter_weight : float, default=10.0
        Weight of the consistency between subjects; 0 leaves it out.
    reconstruction_weight : float, default=1.0
        Weight of the reconstruction, a mean over the modalities, by which tokens tell what
        is at their place; 0 leaves it out.
    negatives : {"auto", "all", "sample"}, default="auto"
        Whether neighbours are held against all other tokens, or against as many drawn ones;
        "auto" draws above 256 tokens.
    match : {"auto", "mutual", "identity"}, default="auto"
        Between subjects, which tokens are the same place: those that are each other's
        nearest, or those of the same number, as in an atlas. "auto" is "mutual" if there
        are volumes.
    pooling : {"mean", "flatten"}, default="mean"
        Whether a representation is the mean of the tokens, or all tokens side by side.
    n_components : int, default=16
        Width of each token and, with ``pooling="mean"``, of each modality's representation.
    encoders : "auto", str, Module, callable or dict, default="auto"
        Encoder of all modalities or, in a dict, of each. "auto" is an MLP for vectors, a
        small network that all regions share for matrices, and a small CNN for volumes.
        Encoders with a map of local features, as all of volumes that are known by name,
        give a token for each place of the map; see
        :func:`~skmmcl.networks.make_encoder` for names, modules and callables.
    standardize : bool or "image", default=True
        Whether each entry of a vector and each column of a matrix, over all regions, is
        z-scored by the training subjects: how regions differ in all subjects is kept. With
        "image" each volume is first z-scored by its own values.

    Attributes
    ----------
    mean_representation_ : ndarray of shape (n_views, width)
        Mean of the training subjects; stands in for an absent modality.
    classes_ : ndarray
        The classes; only with a probe.

    See Also
    --------
    CMCCSSEmbedder : Contrasts subjects as wholes.
    skmmcl.losses.NeighbourhoodLoss : The term within subjects.
    skmmcl.losses.PseudoCorrespondenceLoss : The term between subjects.

    Notes
    -----
    A vector has no places. Its tokens are learned, as many as the places of the other
    modalities, or eight. Volumes must be on one grid; those that are augmented must be
    moved alike, which modalities in one tuple of ``augment`` are.

    All pairs of modalities count alike, and a subject takes part in those of which it has
    both. Between subjects, as many pairs of a batch are drawn as keep the memory small.

    ``from_paper()`` has the authors' loss and optimizer. They take 50,000 steps, 500 of warm-up:
    set ``max_epochs`` accordingly. Their Swin-UNETR is not here; ``encoders={("t1", "t2"): ...}``
    is one for all, and ``augment={("t1", "t2"): published_augmentation("taco")}`` flips alike.

    References
    ----------
    .. [1] Pan C. et al. (2026). Beyond instance-level self-supervision in 3D multi-modal
       medical imaging. ICML. arXiv 2605.14654.

    Examples
    --------
    >>> from skmmcl.cross_decomposition import TopologicalConsistencyEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, _, _ = make_cohort(n_subjects=40, random_state=0)
    >>> embedder = TopologicalConsistencyEmbedder(
    ...     modalities=["sc", "fc"], max_epochs=3, random_state=0
    ... )
    >>> embedder.fit_transform(X).shape
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

    def _make_stage(
        self, name: str, array: Any, present: np.ndarray, sample_weight: np.ndarray | None
    ) -> InputStage:
        """Keep the differences of regions that all subjects share."""
        stage = super()._make_stage(name, array, present, sample_weight)
        return stage.of_columns() if len(self.shapes_[name]) == 2 else stage

    def _make_network(self, **layout: Any) -> partial:
        return partial(
            TokenNetwork,
            n_components=self.n_components,
            pooling=self.pooling,
            reconstructs=self.reconstruction_weight > 0,
            **layout,
        )

    def _make_objective(self) -> list[Term]:
        intra_margin, inter_margin = two_margins(self.margins)
        within = NeighbourhoodLoss(
            n_neighbors=self.n_neighbors, margin=intra_margin, negatives=self.negatives
        )
        between = PseudoCorrespondenceLoss(
            n_neighbors=self.n_neighbors,
            margin=inter_margin,
            match=self._match(),
            negatives=self.negatives,
            max_pairs="auto",
        )
        on = ("tokens", "mask", "sample_weight")
        per_modality = self.reconstruction_weight / max(2, len(self.modalities_))
        of_input = ("x_hat", "x_seen", "mask", "sample_weight")
        restored = Term("reconstruction", ReconstructionLoss(), of_input, per_modality)
        return [
            Term("intra", OverPairs(within), on=on, weight=self.intra_weight),
            Term("inter", OverPairs(between), on=on, weight=self.inter_weight),
            *([restored] if self.reconstruction_weight else []),
        ]

    def _match(self) -> Literal["mutual", "identity"]:
        if self.match != "auto":
            return self.match
        has_volumes = any(len(shape) > 2 for shape in self.shapes_.values())
        return "mutual" if has_volumes else "identity"
