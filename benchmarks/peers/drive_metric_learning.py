"""NT-Xent and SupCon of pytorch-metric-learning in a plain loop."""

from importlib.metadata import version

import torch
from _driver import plain_loop, run
from pytorch_metric_learning.losses import NTXentLoss, SelfSupervisedLoss, SupConLoss


def fit(views, y, settings):
    nt_xent = SelfSupervisedLoss(NTXentLoss(temperature=settings["temperature"]))
    sup_con = SupConLoss(temperature=settings["temperature"])

    def loss(a, b, labels):
        return nt_xent(a, b) + sup_con(torch.cat([a, b], dim=1), labels)

    plain_loop(views, y, settings, loss)


run(fit, version("pytorch-metric-learning"))
