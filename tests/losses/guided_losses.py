"""Every contrastive loss with what it takes, and batches of subjects for them."""

import copy

import pytest
import torch

from skmmcl.losses import (
    AnatCLLoss,
    CLIPLoss,
    CMCLoss,
    ConditionalAlignmentLoss,
    ConditionalUniformityLoss,
    DecoupledUniformityLoss,
    EpsSupInfoNCELoss,
    EuclideanInfoNCELoss,
    ExpRegressionLoss,
    FairKLLoss,
    JaccardSupConLoss,
    MulSupConLoss,
    PairwiseCMCLoss,
    SoftSupConLoss,
    SupConLoss,
    ThresholdRegressionLoss,
    XCLRLoss,
    YAwareLoss,
)

# Loss and the names of the metadata that it takes.
LOSSES = {
    "yaware": (YAwareLoss(0.5, bandwidth=1.0), ["age"]),
    "yaware-delta": (YAwareLoss(0.5, kernel="delta"), ["y"]),
    "yaware-self": (YAwareLoss(0.5, bandwidth=1.0, self_pairs=True), ["age"]),
    "yaware-mixed": (
        YAwareLoss(0.5, kernel=("cauchy", "delta"), bandwidth=(1.0, 1.0)),
        ["age_and_sex"],
    ),
    "soft-supcon": (SoftSupConLoss(0.5), ["y"]),
    "xclr": (XCLRLoss(0.5, target_temperature=0.3), ["prior"]),
    "anatcl-local": (AnatCLLoss(0.5, bandwidth=1.0), ["measures", "age"]),
    "anatcl-global": (AnatCLLoss(0.5, anatomy="global", sharpness=9.0), ["measures", "age"]),
    "jaccard": (JaccardSupConLoss(0.5), ["labels"]),
    "jaccard-unweighted": (JaccardSupConLoss(0.5, weighted=False), ["labels"]),
    "mulsupcon": (MulSupConLoss(0.5), ["labels"]),
    "mulsupcon-sample": (MulSupConLoss(0.5, per_sample=True), ["labels"]),
    "euclidean": (EuclideanInfoNCELoss(0.5, bandwidth=1.0), ["age"]),
    "eps-out": (EpsSupInfoNCELoss(0.5), ["y"]),
    "eps-in": (EpsSupInfoNCELoss(0.5, form="in"), ["y"]),
    "eps-supcon": (EpsSupInfoNCELoss(0.5, form="supcon", no_positive="zero"), ["y"]),
    "exp": (ExpRegressionLoss(0.5, bandwidth=1.0), ["age"]),
    "exp-without": (ExpRegressionLoss(0.5, bandwidth=1.0, include_positive=False), ["age"]),
    "thr": (ThresholdRegressionLoss(0.5, bandwidth=1.0), ["age"]),
    "alignment": (ConditionalAlignmentLoss(bandwidth=1.0), ["age"]),
    "uniformity": (ConditionalUniformityLoss(bandwidth=1.0), ["age"]),
    "decoupled": (DecoupledUniformityLoss(), []),
    "decoupled-kernel": (DecoupledUniformityLoss(kernel="gaussian"), ["prior"]),
    "decoupled-cosine": (DecoupledUniformityLoss(kernel="cosine"), ["prior"]),
    "fairkl": (FairKLLoss(), ["y", "site"]),
    "fairkl-kl": (FairKLLoss("kl"), ["y", "site"]),
    "cmc": (CMCLoss(0.5), []),
    "cmc-all": (CMCLoss(0.5, denominator="all"), []),
    "cmc-out": (CMCLoss(0.5, positives="out"), []),
    "cmc-all-out": (CMCLoss(0.5, denominator="all", positives="out"), []),
    "pairwise": (PairwiseCMCLoss(0.5), []),
    "pairwise-decoupled": (PairwiseCMCLoss(0.5, decoupled=True), []),
    "clip": (CLIPLoss(0.5), []),
    "supcon": (SupConLoss(0.5), ["y"]),
    "supcon-zero": (SupConLoss(0.5, no_positive="zero"), ["y"]),
}
every_loss = pytest.mark.parametrize("name", LOSSES)
# Not put on the sphere.
EUCLIDEAN = {"euclidean"}
# Of one embedding for each subject, here that of the first view; without a mask.
OF_SUBJECTS = {"supcon", "supcon-zero"}


def variant(name, k=0):
    """The loss of the k-th of several fits, each with numbers of its own."""
    loss = copy.deepcopy(LOSSES[name][0])
    for parameter in loss.stacked_parameters:
        value, factor = getattr(loss, parameter), (1.0, 0.4, 1.3, 0.7, 1.6)[k]
        times = tuple(v * factor for v in value) if isinstance(value, tuple) else value * factor
        setattr(loss, parameter, times)
    return loss


def batch(shape, dtype=torch.float32, seed=0, *, missing=True):
    """Embeddings, metadata, mask and weights of stacked fits or of one."""
    *stacks, n_views, n_samples, _ = shape
    generator = torch.Generator().manual_seed(seed)

    def rand(*size, n=(*stacks, n_samples)):
        return torch.rand(*n, *size, dtype=dtype, generator=generator)

    z = torch.randn(shape, dtype=dtype, generator=generator)
    known = {
        "age": (rand() * 8).round() / 2,
        "y": (rand() * 3).long(),
        "site": (rand() * 2).long(),
        "labels": (rand(4) < 0.5).long(),
        "prior": rand(3) - 0.5,
        "measures": rand(5, 3),
    }
    known["age_and_sex"] = torch.stack([known["age"], (rand() * 2).floor()], -1)
    if missing:
        for value in known.values():
            nothing = torch.nan if value.is_floating_point() else -1
            (value if value.ndim == len(stacks) + 1 else value[..., 0])[..., 0] = nothing
    mask = rand(n_views) < 0.8
    weight = rand() * 3
    weight[..., 1] = 0
    return z, known, mask, weight


def value(loss, name, z, known, mask=None, weight=None):
    if name in OF_SUBJECTS:
        return loss(z[..., 0, :, :], known["y"], weight)
    return loss(z, *(known[key] for key in LOSSES[name][1]), mask=mask, sample_weight=weight)


def with_gradient(loss, name, z, known, mask=None, weight=None):
    z = z.clone().requires_grad_()
    values = value(loss, name, z, known, mask, weight)
    return values.detach(), torch.autograd.grad(values.sum(), z)[0]
