"""Descriptions and constraints of the parameters that several or all methods have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, TypeAlias, get_args

import torch
from torch import Tensor

from skmmcl.utils._sklearn import HasMethods, Interval, StrOptions

Kernel: TypeAlias = str | Sequence[str] | Callable[..., Tensor]
BandwidthRule: TypeAlias = Literal["deviation", "scott", "silverman", "median"]
Bandwidth: TypeAlias = BandwidthRule | float | Sequence[float]
ProjectionDim: TypeAlias = int | Sequence[int] | None
Augmentation: TypeAlias = Literal["auto"] | Mapping[Any, Any] | Callable[..., Any] | None
BANDWIDTH_RULES = set(get_args(BandwidthRule))

POSITIVE = [Interval(Real, 0, None, closed="neither")]
NOT_NEGATIVE = [Interval(Real, 0, None, closed="left")]
COUNT = [Interval(Integral, 1, None, closed="left")]
KERNEL = [
    StrOptions({"cauchy", "delta", "epanechnikov", "exponential", "gaussian", "jaccard"}),
    list,
    tuple,
    callable,
]


class Shared:
    """Parameters that several methods have, described once.

    Parameters
    ----------
    modalities : dict, list of str or None, default=None
        For a table, the columns of each modality:
        ``{"smri": slice(0, 100), "fc": "fc_*", "clinical": ["age", "iq"]}``. For
        multimodal input, the names of the modalities to use; None for all.
    n_components : int, default=16
        Width of the representation of each modality. Columns of supervised terms that are
        solved in closed form have the width of their target instead.
    encoders : "auto", str, Module, callable or dict, default="auto"
        Encoder of all modalities or, in a dict, of each. "auto" is an MLP for vectors and
        self-attention for matrices, both with a linear shortcut, and a small CNN for
        volumes. Names are "mlp", "linear", "attention", "densenet121", "timm/resnet18"
        and others, see :func:`~skmmcl.networks.make_encoder`; a module is copied with its
        weights; a callable is called as ``encoder(shape, n_components)``. Modalities of one
        shape that form a tuple, ``{("t1", "t2"): "resnet18"}``, share one encoder; each is
        z-scored by itself, and none is reduced to principal components.
    standardize : bool or "image", default=True
        Whether each entry of each modality is z-scored by the training subjects; volumes have
        one mean and one standard deviation for all their voxels. With "image" each volume, or
        image with channels, is first z-scored by its own values, as in most papers.
    input_components : int or None, default=60
        Number of principal components to which vectors and matrices are reduced, by a PCA of
        the training subjects. It keeps encoders from fitting noise where features outnumber
        subjects. Self-attention and encoders of your own see the input in its own shape,
        reconstructed from the components. None for no reduction.
    input_noise : float, default=0.0
        Standard deviation of the normal noise that is added to vectors and matrices in each
        training batch, anew for each view, in units of each feature's standard deviation.
        Symmetric matrices stay symmetric. Absent modalities, volumes and modalities that
        ``augment`` changes get no noise. See :ref:`input_noise`.
    augment : dict of str to callable, callable or None, default=None
        Random changes of a modality in training, called as ``transform(x, generator)`` on
        the batch in its own shape and units, for example
        ``{"t1": default_augmentation()}``; see `skmmcl.augmentation`. A callable changes
        every modality, each by its own draw; modalities that form a tuple get the same
        draw. Modalities named here are augmented in their own shape and skip
        ``input_components``; see :ref:`what_is_augmented`. Methods with ``views`` also take
        "auto", their default: where copies are contrasted, each modality is augmented by its
        kind, as :func:`~skmmcl.augmentation.resolve_augment` says, vectors and matrices in
        their component scores; where modalities are contrasted, none is. None for no
        augmentation.
    views : {"auto", "modality", "augmentation", "both"}, default="auto"
        What the contrast takes for views of a subject: its modalities; augmented copies of
        each modality, contrasted within each modality, with the mean over them; or all copies
        of all modalities at once. "auto" is "augmentation" of a lone modality, else "modality".
        Each modality has one encoder in any case, which sees all its copies. Closed forms
        have no copies. See :ref:`views`.
    n_views : int, default=2
        Number of augmented copies of each modality, at least 2, where copies are the views.
    impute : {"mean", "ridge"}, default="mean"
        How the representation of a missing modality is imputed: by the mean of the training
        subjects, or by ridge regression on the subject's other modalities.
    on_empty : {"error", "nan"}, default="error"
        What `transform` does with a subject that has no modality at all: raise, or return a
        row of NaN.
    solver : {"auto", "closed_form", "gradient"}, default="gradient"
        How the objective is minimized. "gradient" trains a network. "closed_form" solves
        each term, by a discriminant of each modality and of all jointly that regresses onto
        the optimum of the loss; it needs no network, and a fraction of a second. "auto" solves
        the terms with a known optimum and trains others where that helps. Training
        subjects get leave-one-out columns from `fit_transform`.
    kernel_features : {"auto", "exact"} or int, default="auto"
        Number of random features that approximate the Gaussian kernel of the closed form.
        With them the fitted estimator holds no subject's data. "auto" is 1,000, and 448
        above 4,000 labeled subjects. With "exact" it holds the training subjects' values.
    groups : str, default=None
        Column of ``X.meta`` that says which subjects belong together, such as scans of one
        person or siblings. The closed form leaves them out together.
    invariant_to : str, default=None
        Column of ``X.meta``, such as the site, whose effect at a given target the closed
        form removes.
    max_epochs : int, default=100
        Number of passes over the subjects.
    batch_size : int, default=64
        Number of subjects in a batch, at least 2. Every batch holds every class.
    sampler : {"stratified", "balanced"}, default="stratified"
        Whether an epoch sees each subject once, or the same number of subjects of every
        class of ``y``, that of the largest class. Subjects of smaller classes are then drawn
        with replacement.
    lr : float, default=0.001
        Learning rate.
    weight_decay : float, default=0.001
        Weight decay of the optimizer.
    optimizer : {"adam", "adamw", "radam", "sgd"} or class, default="adam"
        Optimizer, by name or as a class of torch.
    lr_schedule : str, callable or None, default=None
        Learning rate schedule over the epochs; None for a constant rate. "cosine" falls to
        0, "onecycle" rises to ``lr`` and falls again, "step_decay" multiplies by 0.9 every 10
        epochs, "warmup_cosine" rises in the first tenth of the epochs, 10 at most, and then is
        "cosine". A callable returns a scheduler of torch for an optimizer, as
        ``partial(StepLR, step_size=100)`` does.
    gradient_clip : float, default=None
        Largest norm of the gradient; None for no limit.
    validation_fraction : float, default=None
        Fraction of the subjects held out for validation, stratified by class. None disables
        validation.
    n_iter_no_change : int or None, default=20
        With validation, number of epochs without improvement after which training stops; the
        weights of the best epoch are kept. None disables early stopping.
    monitor : {"loss", "probe"}, default="loss"
        What validation watches: the loss, or the balanced accuracy of a linear probe.
    callbacks : list of skorch callbacks, default=None
        Additional skorch callbacks, run after the built-in ones.
    warm_start : bool, default=False
        Whether `fit` goes on from the weights of the last fit. New values of parameters that
        the training began with, such as ``optimizer``, then have no effect, with a warning.
    checkpoint : path, default=None
        Folder in which the state of a fit is kept, so that an interrupted fit with the same
        data and parameters resumes.
    device : str, default="auto"
        Where to train, as torch names it. "auto" is CUDA where it is available.
    dtype : {"float32", "float64", "auto"}, default="float32"
        Precision of training and of the output; "auto" is float64 where a modality is.
    verbose : int, default=0
        1 for a progress bar, 2 for a table of all losses.
    random_state : int, RandomState instance or None, default=None
        Draws the first weights and the order of the subjects. The same number gives the
        same result; None draws a seed from numpy's generator. Torch's generator is left as it
        is. With None, random features of the closed form are the same each time.
    temperature : float, default=0.1
        Temperature of the softmax. Small values focus on hard negatives.
    projection_dim : int, list of int or None, default=None
        Width of a two-layer projection head between representation and losses, or the widths of
        all its layers, such as (512, 128); None for no head.
    normalize : bool, default=False
        Whether `transform` scales each modality's representation to length one, also an
        imputed one: a contrast of cosines trains directions alone, and leaves lengths to
        chance. See :ref:`guided_defaults`.
    positive : object, optional
        Label of the patients in ``y``. By default the larger of 0 and 1 or False and True; of other
        labels the last in sorted order, with a warning.
    metadata : str, list of str or None, default=None
        Columns of the side data of X, ``X.meta``, that guide the contrast; ``y`` is then
        not needed. None takes ``y``.
    kernel : str, list of str or callable, default="gaussian"
        Similarity of subjects by their metadata: "cauchy", "epanechnikov", "exponential" or
        "gaussian" for numbers, "delta" for classes, "jaccard" for sets of labels; a list with
        one for each column, whose product is taken; or a function of a tensor (...,
        n_samples, n_columns) that returns weights (..., n_samples, n_samples).
    self_pairs : bool or None, default=None
        Whether each embedding is among its own positives and in its own denominator, as in the
        theory of the optimum, which is then unique. None follows the papers: True for Soft
        SupCon and Euclidean contrast, False for X-CLR and y-Aware.
    bandwidth : {"deviation", "scott", "silverman", "median"}, float or list, default="deviation"
        Distance at which numbers begin to differ, in their units, for all columns or for
        each; or the rule by which `skmmcl.kernels.estimate_bandwidth` finds it for the
        training subjects: "deviation" is a quarter of their standard deviation. Classes and
        sets of labels have none.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any] | str]] = {
        "modalities": [None, dict, list, tuple],
        "n_components": COUNT,
        "encoders": [str, dict, callable, torch.nn.Module],
        "standardize": ["boolean", StrOptions({"image"})],
        "input_components": [*COUNT, None],
        "input_noise": NOT_NEGATIVE,
        "augment": [dict, callable, StrOptions({"auto"}), None],
        "views": [StrOptions({"auto", "modality", "augmentation", "both"})],
        "n_views": COUNT,
        "impute": [StrOptions({"mean", "ridge"})],
        "on_empty": [StrOptions({"error", "nan"})],
        "solver": [StrOptions({"auto", "closed_form", "gradient"})],
        "kernel_features": [StrOptions({"auto", "exact"}), *COUNT],
        "groups": [str, None],
        "invariant_to": [str, None],
        "max_epochs": COUNT,
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "sampler": [StrOptions({"stratified", "balanced"})],
        "lr": POSITIVE,
        "weight_decay": NOT_NEGATIVE,
        "optimizer": [StrOptions({"adam", "adamw", "radam", "sgd"}), callable],
        "lr_schedule": [
            StrOptions({"cosine", "onecycle", "step_decay", "warmup_cosine"}),
            callable,
            None,
        ],
        "gradient_clip": [*POSITIVE, None],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
        "n_iter_no_change": [*COUNT, None],
        "monitor": [StrOptions({"loss", "probe"})],
        "callbacks": [list, tuple, None],
        "warm_start": ["boolean"],
        "checkpoint": [None, str, HasMethods("__fspath__")],
        "device": [str, torch.device],
        "dtype": [StrOptions({"float32", "float64", "auto"})],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
        "temperature": POSITIVE,
        "projection_dim": [*COUNT, list, tuple, None],
        "normalize": ["boolean"],
        "positive": "no_validation",
        "metadata": [str, list, tuple, None],
        "kernel": KERNEL,
        "self_pairs": ["boolean", None],
        "bandwidth": [StrOptions(BANDWIDTH_RULES), *POSITIVE, list, tuple],
    }
