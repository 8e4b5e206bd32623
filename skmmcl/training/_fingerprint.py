"""What tells a fit from every other: a hash of its data, its parameters, and the code."""

from __future__ import annotations

from functools import partial
from types import CodeType, FunctionType
from typing import Any

import joblib
import torch
from torch import nn

import skmmcl
from skmmcl.utils._fingerprint import code_hash as _code_hash


def fingerprint(*described: Any) -> str:
    """Hash of arrays, parameters and versions; what differs in any of them differs here."""
    return joblib.hash((code_version(), [_plain(value) for value in described]))


def code_version() -> dict[str, str]:
    """Versions of what computes a fit; ``code`` changes with every line of this package."""
    return {"skmmcl": skmmcl.__version__, "code": _code_hash(), "torch": torch.__version__}


def _plain(value: Any) -> Any:
    if isinstance(value, nn.Module):
        state = {name: _plain(tensor) for name, tensor in value.state_dict().items()}
        return repr(value), state
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().numpy()
    if isinstance(value, FunctionType):  # by name alone an edited function would be the old one
        return value, _code(value.__code__)
    if isinstance(value, partial):
        return [_plain(part) for part in (value.func, value.args, value.keywords)]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _code(code: CodeType) -> Any:
    constants = [_code(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return code.co_code, code.co_names, constants
