"""Deep InfoMax and its relatives: what modalities share, place by place or as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
from sklearn.utils import check_random_state

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.base._parameters import NOT_NEGATIVE, POSITIVE
from skmmcl.cross_decomposition._objectives import (
    CROSS_MODAL,
    LOCAL,
    check_weights,
    make_term,
    parse_objectives,
    warn_of_small_batches,
)
from skmmcl.cross_decomposition._recipes import DEEP_INFO_MAX
from skmmcl.exceptions import ModalityError
from skmmcl.networks._info_max import InfoMaxNetwork
from skmmcl.training import Term
from skmmcl.utils._sklearn import StrOptions


@embedder
class DeepInfoMaxEmbedder(BaseEmbedder):
    """Deep InfoMax of several modalities, with reconstruction and correlation beside it.

    One encoder per modality is trained by any sum of six objectives: four that maximise
    the information between embeddings and local maps of the modalities of a subject, the
    reconstruction of each modality, and the canonical correlation of the embeddings. No
    objective uses ``y``.

    Read more in the :ref:`User Guide <deep_info_max>`.

    Parameters
    ----------
    objectives : str or sequence of str, default=("S",)
        Which objectives are summed:

        - "L", local: the embedding of a modality with its own local map;
        - "CL", cross-local: the embedding with the local map of each other modality;
        - "CS", cross-spatial: a place of the local map, drawn anew in each step, with the
          local map of each other modality;
        - "S", similarity: the embedding with the embedding of each other modality;
        - "AE": each modality is reconstructed from its representation;
        - "CCA": canonical correlation of the embeddings of each pair of modalities.

        Published names are taken as well: "L-CL-CS-S", "S-AE", "L-CCA", "DCCAE" for AE and
        CCA. L and AE alone do with one modality.
    weights : dict of str to float, default=None
        Factors of objectives, as ``{"AE": 10.0}``; 1 for those not named.
    clip : float or None, default=20.0
        Scores of the first four objectives are bent to ``clip * tanh(score / clip)``; None
        for no limit.
    penalty : float, default=0.04
        Factor of the mean squared score, which each pair of maps or embeddings adds.
    estimator : {"infonce", "jsd"}, default="infonce"
        Bound on the information of the first four objectives: noise contrast, or the dual
        form of the Jensen-Shannon divergence, which does not clip.
    cca_norm : {"fro", "nuc"}, default="fro"
        What of the canonical correlations of "CCA" counts: the root of the sum of their
        squares, or their sum.
    ridge : float, default=0.001
        Added to the variances of the embeddings in "CCA".

    See Also
    --------
    CMCCSSEmbedder : Contrasts modalities by the cosine of their embeddings, and subjects by
        their class.
    SupervisedEmbedder : The same encoders trained to predict ``y``.

    Notes
    -----
    Local maps are what an encoder has of each place: the third convolution of "dcgan", the
    last grid of other networks of volumes, the regions of self-attention. An MLP sees all of
    a subject at once: its map has one place, its first layer. A linear encoder has none.

    Maps pass a head that normalises over the subjects and places of a batch, so that with L,
    CL or CS a subject of weight 2 is not quite two subjects. Fits of this estimator train
    one after the other where others share a stack.

    ``from_paper()`` trains volumes of 32, 64 or 128 voxels a side as the paper trains OASIS-3,
    for which it leaves out the penalty. Its flips and crops, alike for both modalities of a
    subject, are ``augment={("t1", "falff"): published_augmentation("fedorov")}``, and its
    sampler of classes is ``sampler="balanced"``. OASIS-3 must be asked for.

    References
    ----------
    .. [1] Fedorov A. et al. (2021). On self-supervised multimodal representation learning:
       an application to Alzheimer's disease. ISBI.
    .. [2] Fedorov A. et al. (2024). Self-supervised multimodal learning for group inferences
       from MRI data: Discovering disorder-relevant brain regions and multimodal links.
       NeuroImage 285:120485.
    .. [3] Wang W. et al. (2015). On deep multi-view representation learning. ICML.

    Examples
    --------
    >>> from skmmcl.cross_decomposition import DeepInfoMaxEmbedder
    >>> from skmmcl.datasets import make_cohort
    >>> X, _, _ = make_cohort(n_subjects=60, random_state=0)
    >>> embedder = DeepInfoMaxEmbedder(objectives="S-AE", max_epochs=5, random_state=0)
    >>> embedder.fit_transform(X).shape
    (60, 80)
    >>> sorted(embedder.history_)
    ['ae', 's', 'train_loss']
    """

    objectives: str | Sequence[str] = ("S",)
    weights: Mapping[str, float] | None = None
    clip: float | None = 20.0
    penalty: float = 0.04
    estimator: Literal["infonce", "jsd"] = "infonce"
    cca_norm: Literal["fro", "nuc"] = "fro"
    ridge: float = 1e-3
    projection_dim: Any = None

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

    def _used(self) -> dict[str, float]:
        """The objectives that count, with their weights."""
        names = parse_objectives(self.objectives)
        weights = check_weights(self.weights, names)
        return {name: weights[name] for name in names if weights[name] > 0}

    def _make_views(self) -> list[str]:
        crossing = [name for name in self._used() if name in CROSS_MODAL]
        if crossing and len(self.modalities_) == 1:
            raise ModalityError(
                f"The objectives {crossing} relate modalities to one another, but there is one, "
                f"{self.modalities_[0]!r}; 'L' and 'AE' do with one. To say which columns of a "
                "table are which modality, set modalities={'smri': slice(0, 100), 'fc': 'fc_*'}."
            )
        return self.modalities_

    def _make_network(self, **layout: Any) -> partial:
        used = self._used()
        return partial(
            InfoMaxNetwork,
            n_components=self.n_components,
            projection_dim=self.projection_dim,
            local_for=[name for name in used if name in LOCAL],
            decode="AE" in used,
            **layout,
        )

    def _make_objective(self) -> list[Term]:
        used = self._used()
        if "CCA" in used:
            warn_of_small_batches(self, self._n_samples)
        seed = 0
        if "CS" in used:  # the one that draws
            seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        return [make_term(name, weight, self, seed) for name, weight in used.items()]
