"""The memory that a stack may take."""

from __future__ import annotations

import pytest

from skmmcl.parallel import _memory

GIB = 2**30


@pytest.fixture(name="files")
def files_of_the_system(monkeypatch):
    files = {}
    monkeypatch.setattr(_memory, "MOST_ON_CPU", 2**60)
    monkeypatch.setattr(_memory, "_read", lambda path: files.get(path, ""))
    return files


def test_half_of_what_is_available(files):
    files["/proc/meminfo"] = "MemTotal: 9 kB\nMemAvailable:    4194304 kB\nCached: 7 kB\n"
    assert _memory.budget("cpu") == 2 * GIB


def test_container_of_less(files):
    files["/proc/meminfo"] = "MemAvailable:    4194304 kB\n"
    files["/sys/fs/cgroup/memory.max"] = f"{2 * GIB}\n"
    files["/sys/fs/cgroup/memory.current"] = f"{GIB}\n"
    assert _memory.budget("cpu") == GIB // 2
    files["/sys/fs/cgroup/memory.stat"] = f"anon 1\ninactive_file {GIB // 2}\n"
    assert _memory.budget("cpu") == 3 * GIB // 4
    files["/sys/fs/cgroup/memory.max"] = "max\n"
    assert _memory.budget("cpu") == 2 * GIB


def test_container_of_the_older_kind(files):
    files["/proc/meminfo"] = "MemAvailable:    4194304 kB\n"
    files["/sys/fs/cgroup/memory/memory.limit_in_bytes"] = f"{GIB}\n"
    files["/sys/fs/cgroup/memory/memory.usage_in_bytes"] = f"{2 * GIB}\n"
    assert _memory.budget("cpu") == 0


def test_system_that_tells_less(files, monkeypatch):
    sizes = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": GIB // 4096}
    monkeypatch.setattr(_memory.os, "sysconf", sizes.__getitem__)
    assert _memory.budget("cpu") == GIB // 4
    monkeypatch.delattr(_memory.os, "sysconf")
    assert _memory.budget("cpu") == 4 * GIB


def test_no_more_on_a_cpu_than_its_caches_bear(files, monkeypatch):
    files["/proc/meminfo"] = "MemAvailable:    4194304 kB\n"
    monkeypatch.setattr(_memory, "MOST_ON_CPU", 1000)
    assert _memory.budget("cpu") == 1000


def test_this_system():
    assert 2**20 < _memory.budget("cpu") < 2**46


@pytest.mark.gpu
def test_cuda():
    import torch

    total = torch.cuda.get_device_properties(0).total_memory
    assert 0 < _memory.budget("cuda") <= total / 2
