"""How the reference cases of losses guided by labels, age, site or anatomy are computed."""

import math

import torch
from torch.nn import functional as F

from skmmcl.kernels import affinity, gaussian, global_anatomy, jaccard, local_anatomy
from skmmcl.losses import (
    AnatCLLoss,
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
    _fairkl,
    sphere_realizability,
    weighted_info_nce,
)
from skmmcl.losses._parts._pairs import row_mean


def views(inputs):
    """Embeddings with views first, under whichever name a case has them."""
    if "z1" in inputs:
        return torch.stack([inputs["z1"], inputs["z2"]])
    for name in ("Z", "f"):
        if name in inputs:
            return inputs[name].transpose(0, 1)
    return inputs["z"][None]


def scaled(value, params):
    """The released code's factor on the loss."""
    return value * (params["tau"] / 0.07 if params.get("scale") == "tau/0.07" else 1)


def y_aware(inputs, params):
    y, tau, name = inputs["y"], params["tau"], params["name"]
    if "cross" in name:
        z1, z2 = (F.normalize(z, dim=-1) for z in (inputs["z1"], inputs["z2"]))
        loss = weighted_info_nce(z1 @ z2.mT / tau, gaussian(y, params["sigma"]))
        return loss - math.log(len(y)) if "avgden" in name else loss
    if "s" in inputs:
        y, kernel, bandwidth = torch.stack([y, inputs["s"]], -1), ("gaussian", "delta"), (5.0, 1.0)
    else:
        kernel, bandwidth = "gaussian", params.get("sigma")
    if "H_diag" in params:
        bandwidth = tuple(math.sqrt(h) for h in params["H_diag"])
    loss = YAwareLoss(tau, kernel=kernel, bandwidth=bandwidth, self_pairs="incl" in name)
    value = loss(views(inputs), y)
    # nidl divides by n, and by the sums of the columns, which here are those of the rows.
    return value * 2 if "nidl" in name else value


def align(inputs, params):
    return ConditionalAlignmentLoss(bandwidth=params["sigma"])(views(inputs), inputs["y"])


def uniformity(inputs, params):
    divisor = "pairs" if "unnorm" in params["name"] else "weights"
    loss = ConditionalUniformityLoss(
        params["t"], bandwidth=params.get("sigma", 1.0), divisor=divisor
    )
    return loss(views(inputs), inputs.get("y"))


def decoupled(inputs, params):
    prior, kernel = inputs.get("prior"), None
    if "lam" in params:
        kernel = "gaussian" if "sigma" in params else "cosine"
    if kernel and prior is None:
        prior, kernel = torch.arange(len(inputs["Z"])), "delta"
    loss = DecoupledUniformityLoss(
        params["t"],
        kernel=kernel,
        bandwidth=params.get("sigma", 1.0),
        regularization="auto" if "autolam" in params["name"] else params.get("lam", 0.01),
    )
    return loss(views(inputs), prior)


def soft_supcon(inputs, params):
    loss = SoftSupConLoss(params["tau"], epsilon=params["eps"], self_pairs="incl" in params["name"])
    return loss(views(inputs), inputs["labels"])


def euclidean(inputs, params):
    loss = EuclideanInfoNCELoss(
        params["tau"], bandwidth=params["sigma"], self_pairs="incl" in params["name"]
    )
    return loss(views(inputs), inputs["y"])


def xclr(inputs, params):
    loss = XCLRLoss(
        params["tau"], target_temperature=params["tau_s"], self_pairs="incl" in params["name"]
    )
    return loss(views(inputs), inputs["y"])


def eps_sup(form):
    def compute(inputs, params):
        no_positive = "zero" if params.get("empty") == "zero" else "skip"
        loss = EpsSupInfoNCELoss(
            params["tau"], epsilon=params["eps"], form=form, no_positive=no_positive
        )
        return scaled(loss(views(inputs), inputs["labels"]), params)

    return compute


def supcon(inputs, params):
    if "Z" not in inputs:
        return SupConLoss(params["tau"])(inputs["z"], inputs["labels"])
    by_kernel = YAwareLoss(params["tau"], kernel="delta")(views(inputs), inputs["labels"])
    f = views(inputs).flatten(0, 1)
    torch.testing.assert_close(by_kernel, SupConLoss(params["tau"])(f, inputs["labels"].repeat(2)))
    return scaled(by_kernel, params)


def fair_kl(inputs, params):
    y, bias = inputs["labels"], inputs["bias"]
    if "kld" in params:
        return FairKLLoss(std_weight=params["kld"])(views(inputs), y, bias)
    u = F.normalize(inputs["z"], dim=-1)
    same = y[:, None] == y if "pos" in params["name"] else y[:, None] != y
    pairs = (same & ~torch.eye(len(y), dtype=torch.bool)).to(u.dtype)
    aligned = (bias[:, None] == bias).to(u.dtype)
    similarities = (u @ u.mT)[None]
    groups = [_fairkl.moments(similarities, (pairs * of)[None]) for of in (aligned, 1 - aligned)]
    return _fairkl.gaussian_kl(*groups)


def regression_kernel(params):
    """Kernel and bandwidth of a case's ``kernel``."""
    sigma = params["bandwidth"]
    if params["kernel"] == "cauchy":
        return {"kernel": "cauchy", "bandwidth": sigma**-0.5}
    if params["kernel"] == "rbf":
        return {"kernel": "gaussian", "bandwidth": sigma}
    return {"kernel": lambda y: gaussian(y, sigma) / (math.sqrt(2 * math.pi) * sigma)}


def regression_y_aware(inputs, params):
    loss = YAwareLoss(params["tau"], **regression_kernel(params))
    return scaled(loss(views(inputs), inputs["y"]), params)


def l_exp(inputs, params):
    if "limit_yaware" in params["name"]:
        return regression_y_aware(inputs, params)
    kernel, including = regression_kernel(params), "incl" in params["name"]
    loss = ExpRegressionLoss(params["tau"], **kernel, include_positive=including)
    return loss(views(inputs), inputs["y"])


def l_thr(inputs, params):
    loss = ThresholdRegressionLoss(params["tau"], **regression_kernel(params))
    if "norm_neg" not in params["name"]:
        return loss(views(inputs), inputs["y"])
    # Another divisor of the same terms, which the package does not offer: it blows up.
    u = F.normalize(views(inputs).flatten(0, 1), dim=-1)[None]
    w = affinity(inputs["y"].to(u.dtype), "gaussian", params["bandwidth"]).repeat(2, 2)
    counts = 1 - torch.eye(len(w), dtype=u.dtype)
    s = u @ u.mT / params["tau"]
    against = loss._log_denominator(s, w[None], counts[None])[0]
    less = ((w[:, None, :] < w[:, :, None]) * w[:, None, :] * counts[:, None, :]).sum(-1)
    terms = torch.where(less > 0, (against - s[0]) * w / less.where(less > 0, 1), 0) * counts
    return terms.sum(-1).mean()


def anatcl(inputs, params):
    anatomy = "global" if "global" in params["name"] else "local"
    if "z1" not in inputs:
        return {"local": local_anatomy, "global": global_anatomy}[anatomy](inputs["measures"])
    loss = AnatCLLoss(
        params["tau"],
        anatomy=anatomy,
        bandwidth=params["sigma"],
        age_weight=params["lam_age"],
        anatomy_weight=params["lam_anat"],
    )
    return loss(views(inputs), inputs["measures"], inputs["y"])


def geometry(inputs, params):
    weights = gaussian(inputs["y"].double(), params["sigma"])
    found = sphere_realizability(weights, params["tau"], n_components=params["d"])
    return torch.tensor([found.entropy, found.entropy + found.gap, found.gap])


def mod_an(inputs, params):
    if "f" not in inputs:
        return jaccard(inputs["Y"])
    z, tau = views(inputs), params["tau"]
    if "Y" not in inputs:
        return PairwiseCMCLoss(tau)(z)
    loss = JaccardSupConLoss(
        tau, threshold=params["threshold"], weighted=params.get("weighted", True)
    )
    return loss(z, inputs["Y"]) * (tau / params.get("base_tau", tau))


def mul_sup_con(inputs, params):
    tau, per_sample = params["tau"], params["per_sample"]
    if "f" in inputs:
        return MulSupConLoss(tau, per_sample=per_sample)(views(inputs), inputs["Y"])
    # Against a queue of keys, by the function that all these losses are.
    q, k = (F.normalize(inputs[name], dim=-1) for name in ("q", "k"))
    labels, similarities = inputs["Yq"], q @ k.mT / tau
    samples, columns = labels.nonzero(as_tuple=True)
    anchors = similarities[samples][:, None]
    values = weighted_info_nce(anchors, inputs["Yk"].mT[columns][:, None])
    if not per_sample:
        return values.mean()
    by_sample = torch.zeros(labels.shape, dtype=q.dtype).index_put((samples, columns), values)
    return row_mean(by_sample, labels.to(q.dtype))[0].mean()


COMPUTE = {
    "AnatCL": anatcl,
    "Conditional alignment": align,
    "Conditional uniformity": uniformity,
    "Decoupled uniformity": decoupled,
    "FairKL": fair_kl,
    "Global uniformity": uniformity,
    "Kernel decoupled uniformity": decoupled,
    "ModAn": mod_an,
    "MulSupCon": mul_sup_con,
    "NT-Xent": lambda inputs, params: PairwiseCMCLoss(params["tau"])(views(inputs)),
    "SupCon": supcon,
    "brain-age L^exp": l_exp,
    "brain-age L^thr": l_thr,
    "brain-age y-aware": regression_y_aware,
    "eps-SupCon": eps_sup("supcon"),
    "eps-SupInfoNCE": eps_sup("out"),
    "eps-SupInfoNCE (in form)": eps_sup("in"),
    "geometry / y-Aware": geometry,
    "weighted InfoNCE / Euclidean-Euclidean": euclidean,
    "weighted InfoNCE / Soft SupCon": soft_supcon,
    "weighted InfoNCE / SupCon": supcon,
    "weighted InfoNCE / X-CLR": xclr,
    "weighted InfoNCE / y-Aware": y_aware,
    "y-Aware InfoNCE": y_aware,
}
