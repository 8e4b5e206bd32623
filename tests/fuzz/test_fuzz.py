"""Odd calls by the thousand: each gives a sound result or a clear error, and touches nothing."""

from __future__ import annotations

import os
import sys
import warnings
from collections import Counter

import numpy as np
import pytest

from skmmcl.training import EmbeddingNet
from tests.fuzz import container, embedders, metrics, preprocessing, volumes
from tests.fuzz.outcomes import BAD, CLEAR, OK, outcome

SEED = int(os.environ.get("SKMMCL_FUZZ_SEED", "0"))
SHARES = {embedders: 0.4, container: 0.2, preprocessing: 0.2, metrics: 0.15, volumes: 0.05}


@pytest.fixture
def began(monkeypatch, tmp_path):
    """Record whether training has begun; odd checkpoints go to a folder of their own."""
    monkeypatch.chdir(tmp_path)
    seen = []
    notify = EmbeddingNet.notify

    def noted(net, method_name, **options):
        if method_name == "on_train_begin":
            seen.append(net)
        return notify(net, method_name, **options)

    monkeypatch.setattr(EmbeddingNet, "notify", noted)

    def reset():
        seen.clear()
        return lambda: bool(seen)

    return reset


def run(part, numbers, began):
    """Outcomes of the cases of a part."""
    name = part.__name__.rpartition(".")[2]
    outcomes = []
    for k in numbers:
        rng = np.random.default_rng([SEED, *name.encode(), k])
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            case = part.draw(rng)
        outcomes.append(outcome(case, began()))
    return outcomes


@pytest.mark.parametrize("part", SHARES, ids=lambda part: part.__name__.rpartition(".")[2])
@pytest.mark.parametrize("total", [100, pytest.param(3000, marks=pytest.mark.slow)])
def test_odd_calls_end_in_a_result_or_in_a_clear_error(part, total, began, capsys):
    outcomes = run(part, range(round(SHARES[part] * total)), began)
    counts = Counter(found.kind for found in outcomes)
    faults = [str(found) for found in outcomes if found.kind in BAD]
    with capsys.disabled():
        told = ", ".join(f"{counts[kind]} {kind}" for kind in (OK, CLEAR, *BAD))
        sys.stdout.write(f"\n{part.__name__.rpartition('.')[2]}: {told}\n")
    assert not faults, "\n".join([f"{len(faults)} of {len(outcomes)} calls:", *faults])
