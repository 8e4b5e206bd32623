"""Deep InfoMax and its relatives: what modalities share, locally or as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Literal

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.base._parameters import NOT_NEGATIVE, POSITIVE, ProjectionDim
from skmmcl.cross_decomposition._objectives import LOCAL, check_paired, make_terms, used_objectives
from skmmcl.cross_decomposition._recipes import DEEP_INFO_MAX
from skmmcl.networks._info_max import InfoMaxNetwork
from skmmcl.training import Term
from skmmcl.utils._sklearn import StrOptions


@embedder
class DeepInfoMaxEmbedder(BaseEmbedder):
    """Deep InfoMax of several modalities, with reconstruction and canonical correlation.

    One encoder per modality is trained by any sum of the six objectives below, none of which uses
    ``y``.

    Read more in the :ref:`User Guide <deep_info_max>`.

    Parameters
    ----------
    objectives : str or sequence of str, default=("S",)
        Objectives that are summed; with one modality only L and AE are possible:

        - "L", local: the embedding of a modality with its own local map;
        - "CL", cross-local: the embedding with the local map of each other modality;
        - "CS", cross-spatial: one place of the map, drawn in each step, with each other map;
        - "S", similarity: the embedding with the embedding of each other modality;
        - "AE": reconstruction of each modality from its representation;
        - "CCA": canonical correlation of the embeddings of each pair of modalities.

        Published names are taken as well: "L-CL-CS-S", "S-AE", "L-CCA", and "DCCAE" for AE and CCA.
    weights : dict of str to float, default=None
        Weights of objectives, as ``{"AE": 10.0}``; 1 for those not named.
    clip : float or None, default=20.0
        Limit c of the scores s of the first four objectives, ``c * tanh(s / c)``; None for none.
    penalty : float, default=0.04
        Weight of the mean squared score, which each pair of maps or embeddings adds.
    estimator : {"infonce", "jsd"}, default="infonce"
        Bound on the mutual information of the first four objectives: InfoNCE, or the dual form of
        the Jensen-Shannon divergence, which has no ``clip``.
    cca_norm : {"fro", "nuc"}, default="fro"
        Norm of the canonical correlations of "CCA": root of the sum of squares, or sum.
    ridge : float, default=0.001
        Added to the variances of the embeddings in "CCA", whose scale is that of the embeddings.

    See Also
    --------
    CMCCSSEmbedder : Contrasts modalities by cosines, and subjects by their class.
    SupervisedEmbedder : The same encoders trained to predict ``y``.

    Notes
    -----
    The local map of an encoder has a vector for each place: the third convolution of "dcgan", the
    last grid of other networks of volumes, the regions of self-attention; the map of an MLP is its
    first layer, one place. A linear encoder has none. Maps pass a head that normalizes over the
    subjects and places of a batch, so that with L, CL or CS a subject of weight 2 is not quite two
    subjects. Within :func:`~skmmcl.parallel.stacked_fits` fits train alone.

    ``from_paper()`` trains volumes of 32, 64 or 128 voxels a side as the paper trains OASIS-3
    (on request), without the penalty. The paper's sampler is ``sampler="balanced"``, its flips
    and crops are ``augment={("t1", "falff"): published_augmentation("fedorov")}``.

    References
    ----------
    .. [1] Fedorov A. et al. (2021). On self-supervised multimodal representation learning. ISBI.
    .. [2] Fedorov A. et al. (2024). Self-supervised multimodal learning for group inferences from
       MRI data. NeuroImage 285:120485.
    .. [3] Wang W. et al. (2015). On deep multi-view representation learning. ICML.

    Examples
    --------
    >>> from skmmcl.cross_decomposition import DeepInfoMaxEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, _, _ = make_cohort(n_subjects=60, random_state=0)
    >>> embedder = DeepInfoMaxEmbedder(objectives="S-AE", max_epochs=5, random_state=0).fit(X)
    >>> embedder.transform(X).shape, sorted(embedder.history_)
    ((60, 80), ['ae', 's', 'train_loss'])
    """

    objectives: str | Sequence[str] = ("S",)
    weights: Mapping[str, float] | None = None
    clip: float | None = 20.0
    penalty: float = 0.04
    estimator: Literal["infonce", "jsd"] = "infonce"
    cca_norm: Literal["fro", "nuc"] = "fro"
    ridge: float = 1e-3
    projection_dim: ProjectionDim = None

    _aligns: ClassVar[bool] = True
    _paper: ClassVar[dict[str, Any]] = DEEP_INFO_MAX
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "objectives": [str, list, tuple],
        "weights": [dict, None],
        "clip": [*POSITIVE, None],
        "penalty": NOT_NEGATIVE,
        "estimator": [StrOptions({"infonce", "jsd"})],
        "cca_norm": [StrOptions({"fro", "nuc"})],
        "ridge": POSITIVE,
    }

    def _make_views(self) -> list[str]:
        check_paired(used_objectives(self.objectives, self.weights), self.modalities_)
        return self.modalities_

    def _make_network(self, **layout: Any) -> partial:
        used = used_objectives(self.objectives, self.weights)
        local_for, decode = [name for name in used if name in LOCAL], "AE" in used
        made = super()._make_network(local_for=local_for, decode=decode, **layout)
        return partial(InfoMaxNetwork, **made.keywords)

    def _make_objective(self) -> list[Term]:
        return make_terms(used_objectives(self.objectives, self.weights), self, self._n_samples)
