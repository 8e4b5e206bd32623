"""Processor time and memory of ``fit`` where all terms are solved in closed form.

    python benchmarks/discriminant.py           # two minutes
    python benchmarks/discriminant.py --quick   # seconds, to see that it runs; writes nothing

Each case runs in a process of its own, on one thread, some times; the least time counts. Memory is
the highest of the process, less what it took before the data were made, in units of the data's own:
1 is the data. "Noise" are independent numbers; in the simulated cohort a few factors make the
features, so that their Gaussian kernel has to be stood for by random features.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from _report import write_report
from _timing import (
    MIB,
    answer_if_asked,
    cpu_seconds,
    current_bytes,
    forget_peak,
    in_fresh_process,
    peak_bytes,
)

from skmmcl import CMCCSSEmbedder, MultimodalData
from skmmcl.datasets import make_cohort

FIVE = (100, 500, 1000, 2000, 4000)
# Subjects, features of each modality, whether they are simulated, repeats.
CASES = {
    "300 subjects, 5 modalities, noise": (300, FIVE, False, 10),
    "300 subjects, 5 modalities, simulated": (300, FIVE, True, 10),
    "1000 subjects, 5 modalities, noise": (1000, FIVE, False, 2),
    "1000 subjects, 5 modalities, simulated": (1000, FIVE, True, 2),
    "20000 subjects, 1 modality, noise": (20_000, (1000,), False, 1),
    "20000 subjects, 2 modalities, noise": (20_000, (500, 500), False, 1),
}
TERMS = {
    "both terms": {},
    "supervised term": {"cmc_weight": 0},
    "supervised term, exact kernel": {"cmc_weight": 0, "kernel_features": "exact"},
}
LARGEST_EXACT = 1000  # subjects


def cohort(n_subjects: int, widths: tuple[int, ...], *, simulated: bool) -> tuple[Any, np.ndarray]:
    """Subjects and their classes."""
    if simulated:
        modalities = {f"m{k}": (width,) for k, width in enumerate(widths)}
        return make_cohort(n_subjects, modalities=modalities, random_state=0)[:2]
    rng = np.random.default_rng(0)
    arrays = {f"m{k}": rng.standard_normal((n_subjects, width)) for k, width in enumerate(widths)}
    signal = arrays["m0"][:, 0] + rng.standard_normal(n_subjects)
    return MultimodalData(arrays), (signal > 0).astype(int)


def measure(case: str, terms: str) -> dict[str, float]:
    """Fit one case; in a fresh process."""
    n_subjects, widths, simulated, repeats = CASES[case]
    embedder = CMCCSSEmbedder(solver="closed_form", **TERMS[terms])
    embedder.fit(*cohort(50, (5, 5), simulated=False))
    forget_peak()
    before = current_bytes()
    X, y = cohort(n_subjects, widths, simulated=simulated)
    size = sum(array.nbytes for array in X.to_dict().values())
    seconds = []
    for _ in range(repeats):
        start = cpu_seconds()
        embedder.fit(X, y)
        seconds.append(cpu_seconds() - start)
    return {
        "seconds": round(min(seconds), 3),
        "data in MiB": round(size / MIB, 1),
        "times the data": round((peak_bytes() - before) / size, 2),
    }


def wanted(case: str, terms: str) -> bool:
    """Whether a case makes sense: one modality has nothing to align."""
    n_subjects, widths, *_ = CASES[case]
    if terms == "both terms":
        return len(widths) > 1
    return "exact" not in terms or n_subjects <= LARGEST_EXACT


def main() -> None:
    """Run all cases, each in a new process."""
    answer_if_asked(measure)
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    found: dict[str, dict[str, Any]] = {}
    for case in list(CASES)[: 2 if quick else None]:
        found[case] = {}
        for terms in TERMS:
            if wanted(case, terms):
                found[case][terms] = in_fresh_process(__file__, case=case, terms=terms)
                print(f"{case:40} {terms:30}", found[case][terms], flush=True)
    if not quick:
        write_report("discriminant", found)


if __name__ == "__main__":
    main()
