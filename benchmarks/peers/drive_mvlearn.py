"""Deep CCA of mvlearn."""

import warnings
from importlib.metadata import version

import numpy as np
from _driver import run
from mvlearn.embed import DCCA

warnings.simplefilter("ignore")


def fit(views, _, settings):
    layers = [settings["hidden"], settings["n_components"]]
    DCCA(
        *(view.shape[1] for view in views),
        n_components=settings["n_components"],
        layer_sizes1=layers,
        layer_sizes2=layers,
        epoch_num=settings["epochs"],
        batch_size=settings["batch_size"],
        learning_rate=settings["lr"],
        use_all_singular_values=True,
        print_train_log_info=False,
    ).fit([view.astype(np.float64) for view in views])


run(fit, version("mvlearn"))
