"""How the reference cases of SepVAE and Deep UCSL are computed by our losses."""

from __future__ import annotations

import torch

from skmmcl.losses import DeepUCSLLoss, SepVAELoss, gaussian_kl
from skmmcl.networks._soft_clusters import responsibilities


def sepvae(inputs, params):
    if "var_q" in params:
        log_var = torch.full_like(inputs["mu"], params["var_q"]).log()
        return gaussian_kl(inputs["mu"], log_var, params["var_p"])
    loss = SepVAELoss(params.get("alpha", 1.0), reduction="sum")
    if params["name"].startswith("sepvae_tc"):
        logits = inputs.get("logits", inputs.get("joint_logits", inputs.get("logit")))
        return loss.shared_information(logits, torch.ones_like(logits)[:, None])
    target, (common, salient) = inputs["y"][:, None], _parts(params["common"])
    mu, log_var = inputs["mu"], inputs["logvar"]
    if params["name"].startswith("sepvae_rec"):
        return loss.reconstruction({0: inputs["x_rec"]}, {0: inputs["x"]}, None, target)
    if params["name"].startswith("sepvae_kl"):
        of_common = loss.common_prior(mu[:, common], log_var[:, common], target)
        of_salient = loss.salient_prior(mu[:, salient], log_var[:, salient], target)
        return params["beta_c"] * of_common + params["beta_s"] * of_salient
    return loss.classification(inputs["p_salient"].logit(), target)


def _parts(n_common):
    return slice(None, n_common), slice(n_common, None)


def deep_ucsl(inputs, params):
    if "barycenters" in inputs:
        return responsibilities(inputs["X"], inputs["barycenters"])
    loss, name = DeepUCSLLoss(params["class_weights"]), params["name"]
    target = torch.cat([inputs["y"][:, None], inputs["q"]], dim=1)
    if "cluster" not in name:
        return loss.conditional(inputs["p_y_given_c"].logit(), target)
    term = loss.of_patients if "pos" in name else loss.of_controls
    return term(inputs["p_c"].log(), target)


COMPUTE = {"SepVAE": sepvae, "Deep UCSL": deep_ucsl}
