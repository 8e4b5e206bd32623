"""Memory that a stack may take."""

from __future__ import annotations

import os
import re
from pathlib import Path

import torch

# The other half is for allocations beyond the estimate of a fit, and for other programs.
SHARE = 0.5
# On a CPU the fits of a larger stack evict each other from the caches, which costs time.
MOST_ON_CPU = 192 * 2**20
_CGROUPS = (  # folder, and its files of the limit and of what is taken
    ("/sys/fs/cgroup", "memory.max", "memory.current"),
    ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
)


def budget(device: torch.device | str) -> int:
    """Return the bytes that a stack on a device may take now."""
    device = torch.device(device)
    if device.type == "cuda":
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(SHARE * (torch.cuda.mem_get_info(device)[0] + kept))
    free = min(_free_in_system(), *(_free_in_cgroup(*group) for group in _CGROUPS))
    return min(int(SHARE * free), MOST_ON_CPU)


def _free_in_system() -> int:
    """Return the bytes that Linux has without swapping; elsewhere half of the memory."""
    available = re.search(r"MemAvailable:\s+(\d+) kB", _read("/proc/meminfo"))
    if available:
        return 1024 * int(available[1])
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return 8 * 2**30


def _free_in_cgroup(folder: str, limit: str, usage: str) -> float:
    """Return the bytes that the container leaves, infinity where there is no limit."""
    allowed, used = _read(f"{folder}/{limit}").strip(), _read(f"{folder}/{usage}").strip()
    if not (allowed.isdigit() and used.isdigit()):
        return float("inf")
    cache = re.search(r"^inactive_file (\d+)", _read(f"{folder}/memory.stat"), re.MULTILINE)
    return max(int(allowed) - int(used) + (int(cache[1]) if cache else 0), 0)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except (OSError, UnicodeError):
        return ""
