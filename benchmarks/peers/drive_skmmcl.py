"""Ours, with the same encoders; ``ours`` of the settings says which terms."""

from functools import partial

import numpy as np
from _driver import run

from skmmcl import CMCCSSEmbedder, __version__
from skmmcl.networks import MLP


def fit(views, y, settings):
    CMCCSSEmbedder(
        solver="gradient",
        encoders=partial(MLP, hidden=(settings["hidden"],)),
        input_components=None,
        n_components=settings["n_components"],
        temperature=settings["temperature"],
        max_epochs=settings["epochs"],
        batch_size=settings["batch_size"],
        lr=settings["lr"],
        weight_decay=settings["weight_decay"],
        device="cpu",
        random_state=0,
        **settings["ours"],
    ).fit({"first": views[0], "second": views[1]}, np.asarray(y))


run(fit, __version__)
