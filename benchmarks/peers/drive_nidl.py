"""SimCLR of nidl, under Lightning: it has one encoder, which sees both modalities."""

import logging
import warnings
from importlib.metadata import version

from _driver import QUIET, allow_torchvision_without_operators, encoder, loader, run

logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
warnings.simplefilter("ignore")

allow_torchvision_without_operators()
from nidl.estimators.ssl import SimCLR  # noqa: E402


def fit(views, _, settings):
    shared = encoder(views[0].shape[1], settings)
    quiet = {name: value for name, value in QUIET.items() if name != "logger"}
    SimCLR(
        encoder=shared,
        proj_input_dim=settings["n_components"],
        proj_hidden_dim=settings["n_components"],
        proj_output_dim=settings["n_components"],
        optimizer="adam",
        learning_rate=settings["lr"],
        lr_scheduler="none",
        temperature=settings["temperature"],
        weight_decay=settings["weight_decay"],
        max_epochs=settings["epochs"],
        random_state=0,
        **quiet,
    ).fit(loader(views, None, settings))


run(fit, version("nidl"))
