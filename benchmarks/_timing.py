"""How the benchmarks of speed measure: processor time, in turn, and memory of a process."""

from __future__ import annotations

import gc
import json
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

MIB = 2**20


def one_thread() -> None:
    """Compute in one thread from here on, so that processor time is comparable."""
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    threadpool_limits(1)


def cpu_seconds(*, children: bool = False) -> float:
    """Processor time of this process, or also of its children that have ended."""
    usages = [resource.getrusage(resource.RUSAGE_SELF)]
    if children:
        usages.append(resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def in_turn(
    contestants: dict[str, Callable[[], Any]], repeats: int, warm_up: int = 1
) -> dict[str, list[float]]:
    """Processor seconds of each contestant, which run one after the other, round after round."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for repeat in range(-warm_up, repeats):
        for name, run in contestants.items():
            gc.collect()
            start = cpu_seconds()
            run()
            if repeat >= 0:
                times[name].append(cpu_seconds() - start)
    return times


def ratio(times: dict[str, list[float]], slow: str, fast: str) -> float:
    """How many times the minimum of ``fast`` is contained in that of ``slow``."""
    return round(min(times[slow]) / min(times[fast]), 3)


def current_bytes() -> int:
    """Memory of this process that is resident now."""
    return _status("VmRSS")


def peak_bytes() -> int:
    """Most memory of this process that was resident since `forget_peak`, or since its start."""
    return _status("VmHWM")


def forget_peak() -> None:
    """Let `peak_bytes` begin anew."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")


def _status(field: str) -> int:
    # Not ru_maxrss: a process starts with that of the one that forked it.
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(rf"{field}:\s+(\d+) kB", status)[1])


def in_fresh_process(script: str, **point: Any) -> dict[str, Any]:
    """What ``answer_if_asked`` of a script says of a point, in a process of its own."""
    command = [sys.executable, script, "--point", json.dumps(point)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{script} failed at {point}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def answer_if_asked(measure: Callable[..., dict[str, Any]]) -> None:
    """Use one thread; measure one point and leave, if `in_fresh_process` started this process."""
    one_thread()
    if len(sys.argv) == 3 and sys.argv[1] == "--point":
        print(json.dumps(measure(**json.loads(sys.argv[2]))))
        sys.exit()


def slope(x: list[float], y: list[float]) -> float:
    """Exponent of growth between first and last: 1 is linear."""
    import numpy as np

    return round(float(np.log(y[-1] / y[0]) / np.log(x[-1] / x[0])), 3)
