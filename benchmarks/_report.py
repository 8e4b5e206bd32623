"""Where, when and with what a benchmark was run, written beside its numbers."""

from __future__ import annotations

import json
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import skmmcl

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("torch", "skorch", "scikit-learn", "numpy")


def environment() -> dict[str, Any]:
    """Machine, versions, date and command."""
    import torch

    cuda = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "command": " ".join(["python", *sys.argv]),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "device": cuda or "cpu",
        "python": platform.python_version(),
        "versions": {"skmmcl": skmmcl.__version__, **{name: version(name) for name in PACKAGES}},
    }


def write_report(name: str, results: dict[str, Any]) -> Path:
    """Write ``results/<name>.json``."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"environment": environment(), **results}, indent=1, default=float))
    return path


def read_report(name: str) -> dict[str, Any]:
    """Read the last report of that name; empty if there is none."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}
