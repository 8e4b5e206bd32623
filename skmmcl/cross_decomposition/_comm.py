"""CoMM: what modalities share, what each alone has, and what only all together tell."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.base._input import check_have, only_modality, read_input
from skmmcl.base._parameters import COUNT
from skmmcl.cross_decomposition._recipes import COMM
from skmmcl.losses import CoMMLoss
from skmmcl.networks._fusion import FusionNetwork
from skmmcl.training import Term
from skmmcl.utils._sklearn import check_feature_names_in


@embedder
class CoMMEmbedder(BaseEmbedder):
    """Fuse the modalities of a subject into one representation that keeps what each adds.

    One encoder per modality gives tokens, which a small transformer fuses. Of two augmented
    copies of each subject, one seen whole and the other through one modality alone or whole
    as well, the embeddings must agree: so the representation keeps what modalities share,
    what each alone has, and what only their combination tells. Subjects may lack any of
    their modalities: what is absent gives no token.

    Read more in the :ref:`User Guide <redundant_unique_synergistic>`.

    Parameters
    ----------
    n_layers : int, default=1
        Blocks of the transformer.
    n_heads : int, default=8
        At most so many attention heads; fewer where ``n_components`` is not divisible by it.
    projection_dim : int, default=64
        Width of the embedding that the loss sees, after a head of three layers.
    mask_tokens : bool, default=False
        Whether a learnt token stands in for each modality that is absent or not looked at;
        else nothing does.
    n_components : int, default=64
        Width of the tokens and of the representation.
    augment : dict of str to callable, callable, "auto" or None, default="auto"
        Random changes of a modality in training, drawn for each copy by itself, as other
        embedders take them. "auto" is noise and dropout of features for vectors and
        component scores, noise and dropout of connections and regions for matrices, and
        the chain of :func:`~skmmcl.augmentation.default_augmentation` for images and
        volumes. None for none.

    Attributes
    ----------
    mean_representation_ : ndarray of shape (1, n_components)
        Mean of the training subjects.
    classes_ : ndarray
        The classes; only with a probe.

    See Also
    --------
    CLIPEmbedder : Aligns modalities, and so keeps what they share.
    skmmcl.losses.CoMMLoss : The loss.

    Notes
    -----
    Only single modalities and all of them are contrasted, not all subsets, so that the
    number of modalities is not limited. An absent modality takes no part in the attention,
    in training as in `transform`, and ``impute`` changes nothing. Vectors and matrices are
    augmented as what the encoder reads, their component scores, unless ``augment`` names
    them; the augmentation decides what the representation may forget.

    ``from_paper()`` has the settings for all data; images of the study, Trifeature, have
    ``encoders="alexnet", augment=published_augmentation("comm")`` besides. Weights of one
    dimension get no weight decay in the authors' code. Its encoders of language and of
    MultiBench are not here.

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
    augment: Any = "auto"

    _paper: ClassVar[dict[str, Any]] = COMM
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_layers": COUNT,
        "n_heads": COUNT,
        "projection_dim": COUNT,
        "mask_tokens": ["boolean"],
    }

    def transform(self, X: Any, modality: str | None = None) -> np.ndarray:
        """Represent subjects by all modalities that they have, or by one of them.

        Parameters
        ----------
        X : MultimodalData, mapping, list of records, DataFrame or array
            The modalities that were seen in fit; any of them may be absent.
        modality : str, default=None
            The only modality to look at; None for all. Subjects without it are taken as
            subjects without any.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            The fused representation.
        """
        check_is_fitted(self, "net_")
        data = read_input(self, X, reset=False)
        if modality is not None:
            data = only_modality(modality, data)
            if self.on_empty == "error":
                check_have(data, modality)
        return self._transformed(data)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Give the names of the columns of `transform`: ``comm_0``, ``comm_1``, ..."""
        check_is_fitted(self, "net_")
        check_feature_names_in(self, input_features)
        width = self.mean_representation_.shape[1]
        return np.asarray([f"comm_{i}" for i in range(width)], dtype=object)

    def _make_views(self) -> list[str]:
        return self.modalities_

    def _make_network(self, **layout: Any) -> partial:
        return partial(
            FusionNetwork,
            n_components=self.n_components,
            n_layers=self.n_layers,
            n_heads=self.n_heads,
            projection_dim=self.projection_dim,
            mask_tokens=self.mask_tokens,
            **layout,
        )

    def _make_objective(self) -> list[Term]:
        on = ("z", "z_other", "subsets", "sample_weight")
        return [Term("comm", CoMMLoss(self.temperature), on=on)]
