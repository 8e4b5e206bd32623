"""How the reference cases of the multimodal objectives are computed by our losses."""

from __future__ import annotations

import torch
from torch.distributions import Normal

from skmmcl.losses import (
    CCALoss,
    CLIPLoss,
    CoMMLoss,
    DeepInfoMaxLoss,
    InfoMaxLoss,
    NeighbourhoodLoss,
    PseudoCorrespondenceLoss,
    ReconstructionLoss,
    log_mixture,
    looser_iwae_bound,
)


def info_max(inputs, params):
    if params["name"] == "dim_penalty":
        x, y = inputs["x"], inputs["y"]
        return InfoMaxLoss(penalty=params["lam"])(y, x) - InfoMaxLoss(penalty=0)(y, x)
    estimator = "jsd" if params["name"].startswith("dim_jsd") else "infonce"
    loss = InfoMaxLoss(clip=params.get("clip"), penalty=0, estimator=estimator)
    return loss(inputs["y"], inputs["x"])


def fusion(inputs, params):
    of = {name: list(inputs[name].values()) for name in ("reps", "convs", "locs")}
    places = [place.long() for place in of["locs"]]
    z = torch.stack([rep[:, :, 0] for rep in of["reps"]])
    total = 0
    for edge in params.get("modes") or [params["mode"]]:
        loss = DeepInfoMaxLoss(edge, clip=params["clip"], penalty=params["lam"])
        total = total + loss(z, of["convs"], places=places)
    return total


def dccae(inputs, params):
    loss = CCALoss(norm=params["norm"], ridge=params["r"])
    both = loss(torch.stack([inputs["h1"], inputs["h2"]]))
    if "x0" not in inputs:
        return both / 2  # the case is of one ordered pair
    return autoencoder(inputs, params) + both


def autoencoder(inputs, params):
    names = [name for name in inputs if name.startswith("x") and not name.endswith("_hat")]
    x_hat = {name: inputs[f"{name}_hat"] for name in names}
    return ReconstructionLoss()(x_hat, inputs)


def mmvae(inputs, params):
    z = inputs["z"]  # experts, draws, samples, components
    posteriors = zip(inputs["mu"], inputs["sd"], strict=True)
    log_q = torch.stack([Normal(mu, sd).log_prob(z).sum(-1) for mu, sd in posteriors])
    log_joint = Normal(torch.zeros_like(z), 1).log_prob(z).sum(-1)
    for x, weight, bias in zip(inputs["x"], inputs["W"], inputs["b"], strict=True):
        log_joint = log_joint + Normal(z @ weight + bias, params["px_sd"]).log_prob(x).sum(-1)
    return looser_iwae_bound(log_joint, log_mixture(log_q)).sum()


def clip(inputs, params):
    return CLIPLoss(1 / params["scale"])(torch.stack([inputs["a"], inputs["b"]]))


def comm(inputs, params):
    loss = CoMMLoss(params["tau"], weights=params.get("weights"))
    return loss(inputs["z1"], inputs["z2"])


def taco(inputs, params):
    if params["name"].startswith("taco_inter"):
        return taco_inter(inputs, params)
    loss = NeighbourhoodLoss(n_neighbors=params["k"], margin=params["margin"], negatives="all")
    one, other = inputs["z1"][None], inputs["z2"][None]
    drawn = [inputs[n].long()[None] for n in sorted(inputs) if n.startswith("neg_idx")]
    if len(drawn) == 2:
        return loss(one, other, drawn=tuple(drawn))
    return loss.one_way(one, other, *drawn)[0]


def taco_inter(inputs, params):
    loss = PseudoCorrespondenceLoss(
        n_neighbors=params["k"], margin=params["margin"], max_pairs=None
    )
    if "A" in inputs:
        return loss.of_pair(inputs["A"], inputs["B"])
    return loss(inputs["Z1"], inputs["Z2"])


COMPUTE = {
    "DIM": info_max,
    "fusion": fusion,
    "DCCAE": dccae,
    "AE": autoencoder,
    "MMVAE": mmvae,
    "Cross": clip,
    "CoMM": comm,
    "TACO": taco,
}
