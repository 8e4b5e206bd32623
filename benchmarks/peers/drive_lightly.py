"""NT-Xent of lightly in a plain loop."""

from importlib.metadata import version

from _driver import allow_torchvision_without_operators, plain_loop, run

allow_torchvision_without_operators()
from lightly.loss import NTXentLoss  # noqa: E402


def fit(views, y, settings):
    nt_xent = NTXentLoss(temperature=settings["temperature"])
    plain_loop(views, y, settings, lambda a, b, _: nt_xent(a, b))


run(fit, version("lightly"))
