"""Multi-channel VAE of multiviewae, under Lightning."""

import logging
import warnings
from importlib.metadata import version

from _driver import run
from multiviewae.models import mcVAE

logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
warnings.simplefilter("ignore")


def fit(views, _, settings):
    widths = [view.shape[1] for view in views]
    model = mcVAE(input_dim=widths, z_dim=settings["n_components"])
    model.fit(*views, max_epochs=settings["epochs"], batch_size=settings["batch_size"])


run(fit, version("multiviewae"))
