"""Redundancy, uniqueness and synergy on Trifeature, by CoMM and what came before it.

    python benchmarks/trifeature.py                 # vectors, five seeds
    python benchmarks/trifeature.py --images        # small images, see below
    python benchmarks/trifeature.py --quick         # vectors, one seed

As in the paper, networks are trained without labels on pairs that share the shape, and a linear
probe of their frozen representation predicts shape (R) and the textures (U, the mean of U1 and
U2). For synergy (S) other networks are trained on biased pairs, which all follow the rule, and the
probe tells pairs that follow it from others. Probes are trained on pairs of the training
combinations and scored on those of the test combinations by balanced accuracy. All
representations but the last are of one width: the wider one is, the more of what a method was not
trained to keep is left in it by the random first weights, and linear probes find it.

The paper has 10 000 pairs of 224 pixels, AlexNets and 100 epochs. Here are vectors (five values of
each attribute, chance 20 % for R and U), and images of few pixels with a small CNN (ten values,
chance 10 %); chance of S is 50 %. The size of each run stands in its JSON.
"""

from __future__ import annotations

import argparse
import time
from itertools import pairwise

import numpy as np
from _report import read_report, write_report
from _timing import one_thread
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from skmmcl import CMCCSSEmbedder
from skmmcl.augmentation import Compose, FeatureDropout, FeatureNoise, Flip, ResizedCrop
from skmmcl.cross_decomposition import CLIPEmbedder, CoMMEmbedder
from skmmcl.datasets import make_trifeature

PUBLISHED = {  # percent, of the paper's images
    "Cross": {"R": 100.0, "U": 11.6, "S": 50.0},
    "Cross+Self": {"R": 99.7, "U": 86.9, "S": 50.0},
    "CoMM": {"R": 99.9, "U": 87.8, "S": 71.9},
}
MODALITIES = ("first", "second")


class SmallCNN2d(nn.Module):
    """Encoder of images: convolutions of stride 2 down to four by four places."""

    def __init__(self, shape: tuple[int, ...], n_components: int, width: int = 32) -> None:
        super().__init__()
        n_stages = int(np.log2(shape[-1])) - 2
        widths = [shape[0], *(width * 2**k for k in range(n_stages))]
        self.stages = nn.Sequential(*(_stage(*pair) for pair in pairwise(widths)))
        self.last = nn.Sequential(nn.Flatten(), nn.Linear(16 * widths[-1], n_components))

    def forward(self, x):
        return self.forward_local(x)[0]

    def forward_local(self, x):
        local = self.stages(x)
        return self.last(local), local


def _stage(n_in: int, n_out: int) -> nn.Sequential:
    conv = nn.Conv2d(n_in, n_out, 3, stride=2, padding=1, bias=False)
    return nn.Sequential(conv, nn.GroupNorm(8, n_out), nn.ReLU())


SIZES = {
    "vectors": {
        "data": {"kind": "vectors"},
        "n_pairs": 1000,
        "n_probe": 1000,
        "augment": Compose([FeatureNoise((0.1, 0.1)), FeatureDropout((0.0, 0.8))]),
        "encoder": "mlp",
        "width": 16,
        "common": {"max_epochs": 30, "batch_size": 128, "lr": 3e-3},
    },
    "images": {
        "data": {"kind": "images", "size": 32},
        "n_pairs": 2000,
        "n_probe": 2000,
        "augment": Compose([ResizedCrop((0.5, 1.0), p=1, spatial_dims=2), Flip(1, spatial_dims=2)]),
        "encoder": SmallCNN2d,
        "width": 128,
        "common": {"max_epochs": 15, "batch_size": 128, "lr": 1e-3},
    },
}


def embedders(size: dict, seed: int) -> dict:
    """The methods, with the same encoders and augmentation, and representations of one width."""
    common = {
        **size["common"],
        "encoders": size["encoder"],
        "input_components": None,
        "augment": dict.fromkeys(MODALITIES, size["augment"]),
        "weight_decay": 1e-4,
        "optimizer": "adamw",
        "random_state": seed,
    }
    head = {"temperature": 0.1, "projection_dim": 64}
    halves = {"n_components": size["width"] // 2, **common}  # one for each modality
    return {
        "Cross": CLIPEmbedder(**halves),
        "Cross+Self": CLIPEmbedder(negatives="both", self_weight=1.0, **head, **halves),
        "CMC": CMCCSSEmbedder(pairwise=True, css_weight=0, **head, **halves),
        "CoMM": CoMMEmbedder(n_components=size["width"], **head, **common),
        "CoMM, twice as wide": CoMMEmbedder(n_components=2 * size["width"], **head, **common),
    }


def probe(embedder, data: dict, tasks: tuple[str, ...], size: dict, seed: int) -> dict:
    """Balanced accuracy of each task, in percent."""
    sets = []
    for part, subset in enumerate(("train", "test")):
        X, y, _ = make_trifeature(
            size["n_probe"], **data, subset=subset, random_state=1000 + 10 * seed + part
        )
        sets.append((embedder.transform(X), y))
    (h, y), (h_test, y_test) = sets
    found = {}
    for task in tasks:
        clf = LogisticRegression(class_weight="balanced", max_iter=2000)
        clf = make_pipeline(StandardScaler(), clf).fit(h, y[task])
        found[task] = 100 * balanced_accuracy_score(y_test[task], clf.predict(h_test))
    return found


def measure(name: str, size: dict, seed: int) -> dict[str, float]:
    """R, U and S of one method in percent, and the seconds of both fits."""
    found, began = {}, time.perf_counter()
    for biased, tasks in ((False, ("R", "U1", "U2")), (True, ("S",))):
        X, _, _ = make_trifeature(size["n_pairs"], **size["data"], biased=biased, random_state=seed)
        embedder = embedders(size, seed)[name].fit(X)
        found.update(probe(embedder, size["data"], tasks, size, seed))
    unique = (found["U1"] + found["U2"]) / 2
    seconds = time.perf_counter() - began
    return {"R": found["R"], "U": unique, "S": found["S"], "seconds": seconds}


def run(size: dict, seeds: range, methods: list[str] | None, rows: dict) -> dict:
    """Methods and seeds, printed as they come."""
    for name in methods or embedders(size, 0):
        of_seeds = [measure(name, size, seed) for seed in seeds]
        rows[name] = {key: [row[key] for row in of_seeds] for key in of_seeds[0]}
        means = "  ".join(f"{k} {np.mean(v):6.1f} ± {np.std(v):.1f}" for k, v in rows[name].items())
        print(f"{name:12} {means}", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", action="store_true", help="small images instead of vectors")
    parser.add_argument("--quick", action="store_true", help="one seed")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--methods", nargs="+", help="only these; others stay as they were")
    args = parser.parse_args()
    one_thread()
    kind = "images" if args.images else "vectors"
    seeds = range(1 if args.quick else args.seeds)
    size = {k: repr(v) if k in ("encoder", "augment") else v for k, v in SIZES[kind].items()}
    report = read_report("trifeature")
    kept = report.get(kind, {}).get("rows", {}) if args.methods else {}
    rows = run(SIZES[kind], seeds, args.methods, kept)
    found = {"size": size, "unit": "balanced accuracy in percent", "rows": rows}
    others = {k: v for k, v in report.items() if k in SIZES}
    write_report("trifeature", {**others, kind: found, "published": PUBLISHED})


if __name__ == "__main__":
    main()
