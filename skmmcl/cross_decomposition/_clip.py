"""CLIP: alignment of the modalities of a subject."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Literal

from sklearn.utils.validation import check_is_fitted

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.losses import CLIPLoss, PairwiseCMCLoss, SelfContrastLoss
from skmmcl.losses._sharpened import LARGEST_SCALE
from skmmcl.networks import CopiesNetwork
from skmmcl.training import Term
from skmmcl.utils._sklearn import Interval, StrOptions

COPIES = (False, True, True)  # the modalities are aligned as they are


@embedder
class CLIPEmbedder(BaseEmbedder):
    """Align the modalities of each subject, each pair of modalities by itself.

    One encoder per modality is trained so that a subject's embeddings by two modalities are
    nearer to each other than to those of other subjects. What only one modality has is
    lost, unless ``self_weight`` asks for the contrast of two augmented copies of it too.

    Read more in the :ref:`User Guide <redundant_unique_synergistic>`.

    Parameters
    ----------
    temperature : float, default=0.1
        Divides the similarities. Small values dwell on the most similar subjects.
    learn_temperature : bool, default=False
        Whether the temperature of the alignment is learnt as in CLIP, from ``temperature``
        on and down to 0.01 at the least.
    negatives : {"other", "both"}, default="other"
        What an anchor is held against: subjects by the other modality, as in CLIP, or by
        both modalities.
    self_weight : float, default=0.0
        Weight of the contrast of two augmented copies of each modality, for the mean over
        the modalities; 0 leaves it out.
    projection_dim : int, default=None
        Width of a two-layer projection head between representation and losses; None for
        no head.
    modalities : dict, list of str or None, default=None
        For a table, the columns of each modality:
        ``{"smri": slice(0, 100), "fc": "fc_*", "clinical": ["age", "iq"]}``. For
        multimodal input, the names of the modalities to use; None for all.
    n_components : int, default=16
        Width of each modality's representation.
    encoders : "auto", str, Module, callable or dict, default="auto"
        Encoder of all modalities or, in a dict, of each. "auto" is an MLP for vectors
        and self-attention for matrices, both beside a linear shortcut, and a small CNN
        for volumes. Names are "mlp", "linear", "attention", "densenet121", "timm/resnet18"
        and others, see :func:`~skmmcl.networks.make_encoder`; a module is copied with its
        weights; a callable is called as ``encoder(shape, n_components)``.
    standardize : bool, default=True
        Whether each entry of each modality is z-scored by the training subjects.
    input_components : int or None, default=60
        Vectors and matrices are replaced by their scores on so many principal components
        of the training subjects: with more features than subjects an encoder otherwise
        tells subjects apart by their noise. Self-attention and encoders that are given
        see them in their own shape, reconstructed from the scores. None for no
        restriction.
    augment : dict of str to callable, "auto" or None, default="auto"
        Random changes of a modality in training, as other embedders take them. With
        ``self_weight`` above 0 each copy gets its own and "auto" is by kind of modality as
        in `CoMMEmbedder`; without copies, "auto" is none.
    impute : {"mean", "ridge"}, default="mean"
        What stands in for the representation of an absent modality: the mean of the
        training subjects, or what the subject's other modalities make of it by ridge
        regression on the training subjects.
    on_empty : {"error", "nan"}, default="error"
        What `transform` does with a subject that has no modality at all: raise, or give a
        row of NaN.
    max_epochs : int, default=100
        Passes over the subjects.
    batch_size : int, default=64
        Subjects in a batch, at least 2. Every batch holds every class.
    sampler : {"stratified", "balanced"}, default="stratified"
        Whether an epoch sees each subject once, or as many of every class of ``y`` as the
        largest has, those of smaller classes drawn with replacement.
    lr : float, default=0.001
        Learning rate.
    weight_decay : float, default=0.001
        Weight decay of the optimizer.
    optimizer : {"adam", "adamw", "radam", "sgd"} or class, default="adam"
        Optimizer, by name or as a class of torch.
    lr_schedule : {"cosine", "onecycle"} or None, default=None
        Course of the learning rate over the epochs; None for a constant one.
    gradient_clip : float, default=None
        Largest norm of the gradient; None for no limit.
    validation_fraction : float, default=None
        Part of the subjects, alike in every class, that is held out of the training to
        watch it; None for no such part.
    n_iter_no_change : int or None, default=20
        With a validation part, stop after so many epochs without improvement and keep
        the weights of the best epoch. None to only watch.
    monitor : {"loss", "probe"}, default="loss"
        What is watched: the loss, or the balanced accuracy of a linear probe.
    callbacks : list of skorch callbacks, default=None
        Called after the engine's own.
    warm_start : bool, default=False
        Whether `fit` goes on from the weights of the last fit.
    checkpoint : path, default=None
        Folder in which the state of a fit is kept, so that the same fit, of the same
        data and parameters, goes on where it was cut off.
    device : str, default="auto"
        Where to train, as torch names it. "auto" is CUDA where there is one.
    dtype : {"float32", "float64", "auto"}, default="float32"
        Precision of training and of the output; "auto" follows the input.
    verbose : int, default=0
        1 for a progress bar, 2 for a table of all losses.
    random_state : int, RandomState instance or None, default=None
        Draws the first weights and the order of the subjects. The same number gives the
        same result; None takes one from numpy's generator. Torch's is left alone.

    Attributes
    ----------
    net_ : skorch net
        The trained network, ``net_.module_``, with its ``history``.
    modalities_ : list of str
        Names of the modalities.
    shapes_ : dict of str to tuple
        Shape of one subject in each modality.
    mean_representation_ : ndarray of shape (n_views, n_components)
        Mean of the training subjects; stands in for an absent modality.
    temperature_ : float
        Temperature of the alignment at the end of training.
    history_ : dict of str to ndarray
        Loss and terms, by epoch.
    n_iter_ : int
        Number of epochs that were run.
    classes_ : ndarray
        The classes; only with a probe.
    n_features_in_ : int
        Number of numbers per subject, over all modalities.
    feature_names_in_ : ndarray of str
        Names of the columns; only if fitted on a DataFrame.

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
    projection_dim: int | None = None
    augment: Mapping[Any, Any] | Literal["auto"] | None = "auto"

    _aligns: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseEmbedder._parameter_constraints,  # noqa: SLF001
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "learn_temperature": ["boolean"],
        "negatives": [StrOptions({"other", "both"})],
        "self_weight": [Interval(Real, 0, None, closed="left")],
        "projection_dim": [Interval(Integral, 1, None, closed="left"), None],
        "augment": [dict, StrOptions({"auto"}), None],
    }

    def _make_network(self, **layout: Any) -> partial:
        copies = COPIES if self.self_weight > 0 else (self.augment != "auto",)
        return partial(
            CopiesNetwork,
            n_components=self.n_components,
            projection_dim=self.projection_dim,
            copies=copies,
            learns_scale=self.learn_temperature,
            **layout,
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
        start = self.net_.criterion_.terms[0].loss.temperature
        log_scale = self.net_.module_.log_scale
        if log_scale is None:
            return start
        return max(start / math.exp(log_scale.item()), 1 / LARGEST_SCALE)
