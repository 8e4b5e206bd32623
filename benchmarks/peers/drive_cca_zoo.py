"""Deep multiset CCA of cca-zoo, under Lightning."""

import logging
import warnings
from importlib.metadata import version

import lightning.pytorch as pl
from _driver import QUIET, encoder, run
from cca_zoo.deep import DMCCA, MultiviewDataset
from torch.utils.data import DataLoader

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.simplefilter("ignore")


def fit(views, _, settings):
    encoders = [encoder(view.shape[1], settings) for view in views]
    model = DMCCA(settings["n_components"], encoders, learning_rate=settings["lr"])
    # A last batch of fewer subjects than components would have no covariance of full rank.
    batches = DataLoader(MultiviewDataset(views), settings["batch_size"], shuffle=True)
    pl.Trainer(max_epochs=settings["epochs"], **QUIET).fit(model, batches)


run(fit, version("cca-zoo"))
