"""Deep UCSL: subtypes of patients by expectation and maximization of a network."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import numpy as np

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.base._guide import Guide
from skmmcl.base._parameters import COUNT, POSITIVE
from skmmcl.cluster._confounds import warn_of_site
from skmmcl.cluster._interface import SubtypesMixin
from skmmcl.cluster._recipes import DEEP_UCSL
from skmmcl.cluster._subtypes import DeepSubtypesMixin, SubtypeGuide, warn_of_clusters
from skmmcl.losses import DeepUCSLLoss
from skmmcl.networks._deep_ucsl import DeepUCSLNetwork
from skmmcl.training import Term


@embedder
class DeepUCSL(DeepSubtypesMixin, SubtypesMixin, BaseEmbedder):
    """Subtypes of patients in what a network sees of their difference from controls.

    As in :class:`UCSL`, patients are clustered by what separates them from controls, and separated
    from controls within each cluster, in turns [1]_. Here encoders give the representation, one
    head the probability of each subtype, and one head the probability of being a patient within
    each; before each epoch the patients are clustered anew in the representation. For controls all
    subtypes are to be as probable, which keeps out what patients share with them.

    Read more in the :ref:`User Guide <subtypes>`.

    Parameters
    ----------
    n_clusters : int, default=2
        Number of subtypes.
    cluster_weight : float, default=1.0
        Weight of the head for the subtypes, where that of the others has weight 1.
    products : bool, default=True
        Whether heads and clusters see the products of any two components as well as the
        components: opposite deviations can then be of one subtype. Wide representations, such as
        those of a DenseNet, are better without.
    balanced : bool, default=False
        Whether the clusters are made of nearly equal size, as in the paper.
    confidence_epochs : int, default=100
        After how many epochs the subtype of a patient is taken for certain.
    positive : object, optional
        The label of the patients in `y`. By default the larger of 0 and 1 or False and True; of
        other labels the last in sorted order, with a warning.
    site : str or None, default="site"
        Side data of a container, ``X.meta[site]``, which the subtypes are warned to follow. Not
        used where X has none.
    n_components : int, default=16
        Width of the representation, which is one for all modalities.
    encoders : "auto", str, Module, callable or dict, default="auto"
        Encoder of all modalities or, in a dict, of each. "auto" is linear for vectors, as
        ``products`` follow it; for all others see :func:`~skmmcl.networks.make_encoder`.

    Attributes
    ----------
    labels_ : ndarray of int (n_samples,)
        Subtype of each patient of the training, -1 for others.
    agreement_ : float
        Part of the patients of whom the last clustering says what the head for the subtypes said
        after the one before.
    mean_representation_ : ndarray of shape (1, n_components)
        Mean of the training subjects.
    classes_ : ndarray of shape (2,)
        Labels of `y`.
    positive_ : object
        The label of the patients.

    See Also
    --------
    UCSL : Linear, faster, and to be tried first.
    stability_path : Compares numbers of subtypes.

    Notes
    -----
    Subjects may lack modalities; unlabeled ones (-1) take no part. Controls and patients count
    alike, however many there are. Subtypes are found in any data: see :func:`stability_path`.
    Within :func:`~skmmcl.parallel.stacked_fits` fits train alone.

    ``from_paper()`` is for gray matter in psychiatry. Its optimizer and decay could not be read,
    its augmentation and class weights of 1 and 10 are left out, and its data must be asked for.

    References
    ----------
    .. [1] Louiset R. et al. (2026). Deep UCSL. ECML-PKDD, arXiv 2605.21301.

    Examples
    --------
    >>> from skmmcl.cluster import DeepUCSL
    >>> from skmmcl.datasets import make_subtypes
    >>> X, y, truth = make_subtypes(60, n_subtypes=2, random_state=0)
    >>> ucsl = DeepUCSL(n_clusters=2, max_epochs=20, random_state=0).fit(X, y)
    >>> ucsl.predict(X).shape, ucsl.predict_clusters(X[y == 1]).shape, ucsl.transform(X).shape
    ((60,), (30,), (60, 16))
    """

    n_clusters: int = 2
    cluster_weight: float = 1.0
    products: bool = True
    balanced: bool = False
    confidence_epochs: int = 100
    positive: Any = None
    site: str | None = "site"
    n_components: int = 16
    input_components: int | None = None
    input_noise: float = 0.5
    lr: float = 3e-3
    weight_decay: float = 0.1
    optimizer: Any = "adamw"

    estimator = None  # classes alone, no severity

    _paper: ClassVar[dict[str, Any]] = DEEP_UCSL
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_clusters": COUNT,
        "cluster_weight": POSITIVE,
        "products": ["boolean"],
        "balanced": ["boolean"],
        "confidence_epochs": COUNT,
        "positive": "no_validation",
        "site": [str, None],
    }

    def fit(self, X: Any, y: Any = None, *, sample_weight: Any = None) -> DeepUCSL:
        """Find the subtypes.

        Parameters
        ----------
        X : MultimodalData, mapping, list of records, DataFrame or array
            The modalities of n_samples subjects. A table needs ``modalities``.
        y : array-like of shape (n_samples,), default=None
            1 for patients and 0 for controls, or other labels of two classes; -1, NaN or None where
            it is unknown.
        sample_weight : array-like of shape (n_samples,), default=None
            A subject of weight w counts as w identical subjects.

        Returns
        -------
        self : object
            Fitted estimator. A warning names an empty cluster, last clusterings that differ, and a
            site that the subtypes follow.
        """
        super().fit(X, y, sample_weight=sample_weight)
        self.agreement_, found = self.net_.module_.agreement, self._predicted(X)[0].argmax(1)
        self.labels_ = np.where(self._guide.values(y, None)[:, 0] == 1, found, -1)
        warn_of_clusters(self)
        warn_of_site(self.labels_, X, self.site)
        return self

    def _make_views(self) -> list[str]:
        return self.modalities_

    def _make_guide(self, y: Any) -> Guide:
        return SubtypeGuide(self.positive, type(self).__name__, self.n_clusters)

    def _make_network(self, **layout: Any) -> partial:
        layout["encoders"] = {
            name: "linear" if repr(spec) == "'auto'" and len(self.shapes_[name]) == 1 else spec
            for name, spec in layout["encoders"].items()
        }
        own = ("n_components", "n_clusters", "products", "balanced", "confidence_epochs")
        return partial(DeepUCSLNetwork, **{name: getattr(self, name) for name in own}, **layout)

    def _make_objective(self) -> list[Term]:
        loss, who = DeepUCSLLoss(self._guide.class_weights), ("targets", "sample_weight")
        return [
            Term("conditional", loss.conditional, ("conditional_logits", *who)),
            Term("patients", loss.of_patients, ("log_p", *who), self.cluster_weight),
            Term("controls", loss.of_controls, ("log_p", *who), self.cluster_weight),
        ]
