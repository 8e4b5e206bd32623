"""Deep UCSL: subtypes of patients by expectation and maximization of a network."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.base._parameters import COUNT, POSITIVE
from skmmcl.cluster._interface import SubtypesMixin
from skmmcl.cluster._recipes import DEEP_UCSL
from skmmcl.cluster._subtypes import DeepSubtypesMixin, linear_for_vectors
from skmmcl.losses import DeepUCSLLoss
from skmmcl.networks._deep_ucsl import DeepUCSLNetwork
from skmmcl.training import Term


@embedder
class DeepUCSL(DeepSubtypesMixin, SubtypesMixin, BaseEmbedder):
    """Subtypes of patients in a network's representation of their difference from controls.

    As in :class:`UCSL`, patients are in turns clustered by what separates them from controls, and
    separated from controls within each cluster [1]_; here two heads do so on one representation of
    all modalities, and before each epoch the patients are clustered again. All subtypes of controls
    should be equally probable, which keeps out what patients share with them.

    Read more in the :ref:`User Guide <subtypes>`.

    Parameters
    ----------
    n_clusters : int, default=2
        Number of subtypes.
    cluster_weight : float, default=1.0
        Weight of the head for the subtypes; that of the other head is 1.
    products : bool, default=True
        Whether heads and clusters also see products of two components, so that opposite deviations
        can be of one subtype. Wide representations, as of a DenseNet, do without.
    balanced : bool, default=False
        Whether clusters have nearly equal sizes, as in the paper.
    confidence_epochs : int, default=100
        Number of epochs after which the subtype of a patient counts as certain.
    site : str or None, default="site"
        Column of ``X.meta``, if there; a warning says if the subtypes follow it.
    encoders : "auto", str, Module, callable or dict, default="auto"
        Encoder of all modalities or, in a dict, of each. "auto" is linear for vectors, as
        ``products`` follow it; for all others see :func:`~skmmcl.networks.make_encoder`.

    Attributes
    ----------
    labels_ : ndarray of int (n_samples,)
        Subtype of each patient of the training, -1 for others.
    agreement_ : float
        Fraction of patients whose last cluster is what the head predicted after the one before.
    positive_ : object
        Label of the patients.

    See Also
    --------
    UCSL : Linear and faster; to be tried first.
    stability_path : Compares numbers of subtypes, which are found in any data.

    Notes
    -----
    Subjects may lack modalities; unlabeled ones (-1) take no part. Controls and patients have equal
    weight, whatever their numbers. Within :func:`~skmmcl.parallel.stacked_fits` fits train alone.

    ``from_paper()`` is for gray matter in psychiatry (data on request), without the paper's
    augmentation and class weights of 1 and 10. Its optimizer and decay could not be read.

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
    positive: object = None
    site: str | None = "site"
    n_components: int = 16
    input_components: int | None = None
    input_noise: float = 0.5
    lr: float = 3e-3
    weight_decay: float = 0.1
    optimizer: str | Callable[..., Any] = "adamw"

    _paper: ClassVar[dict[str, Any]] = DEEP_UCSL
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_clusters": COUNT,
        "cluster_weight": POSITIVE,
        "products": ["boolean"],
        "balanced": ["boolean"],
        "confidence_epochs": COUNT,
        "site": [str, None],
    }

    def _make_network(self, **layout: Any) -> partial:
        layout["encoders"] = linear_for_vectors(layout["encoders"], self.shapes_)
        own = ("n_components", "n_clusters", "products", "balanced", "confidence_epochs")
        return partial(DeepUCSLNetwork, **{name: getattr(self, name) for name in own}, **layout)

    def _make_objective(self) -> list[Term]:
        loss, who = DeepUCSLLoss(self._guide.class_weights), ("targets", "sample_weight")
        return [
            Term("conditional", loss.conditional, ("conditional_logits", *who)),
            Term("patients", loss.of_patients, ("log_p", *who), self.cluster_weight),
            Term("controls", loss.of_controls, ("log_p", *who), self.cluster_weight),
        ]
