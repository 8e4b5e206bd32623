"""The base of all estimators: the only ``fit`` and ``transform`` of the package."""

from functools import partial
from importlib import import_module

from joblib.parallel import EXTERNAL_BACKENDS

from skmmcl.base._decorator import embedder
from skmmcl.base._differentiable import DifferentiableEncoder
from skmmcl.base._embedder import BaseEmbedder
from skmmcl.base._guide import ClassGuide, Guide

__all__ = ["BaseEmbedder", "ClassGuide", "DifferentiableEncoder", "Guide", "embedder"]

# So that joblib.parallel_config(backend="skmmcl") finds it; the room is loaded at its first use.
EXTERNAL_BACKENDS.setdefault("skmmcl", partial(import_module, "skmmcl.parallel"))
