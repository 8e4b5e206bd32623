"""Redundancy, uniqueness and synergy on Trifeature, by CoMM and what came before it.

    python benchmarks/trifeature.py                 # vectors, five seeds
    python benchmarks/trifeature.py --tuned         # the same with better settings, for all
    python benchmarks/trifeature.py --limits        # vectors: what limits CoMM, axis by axis
    python benchmarks/trifeature.py --images        # small images
    python benchmarks/trifeature.py --images64      # of 64 pixels, three seeds: half an hour
    python benchmarks/trifeature.py --split         # what the split of combinations does to S

As in the paper, networks are trained without labels on pairs that share the shape, and a linear
probe of their frozen representation predicts shape (R) and the textures (U, the mean of U1 and
U2). For synergy (S) other networks are trained on biased pairs, which all follow the rule, and the
probe tells pairs that follow it from others. Probes are trained on pairs of the training
combinations and scored on those of the test combinations by balanced accuracy; their cost is
chosen by cross-validation, as in the demonstration of CoMM's authors.

Attributes have ten values, as in the paper: chance is 10 % for R and U, 50 % for S. The paper
has 10 000 pairs of 224 pixels, AlexNets, 512 components and 100 epochs; sizes here stand in the
JSON. The control are the same networks with their first weights: wide random networks keep most
of what they are shown, and linear probes find it. What training gives is the difference.
"""

from __future__ import annotations

import argparse
import time
import warnings
from itertools import pairwise
from typing import Any

import numpy as np
from _report import environment, read_report, write_report
from _timing import one_thread
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from skmmcl import CMCCSSEmbedder
from skmmcl.augmentation import Compose, FeatureDropout, FeatureNoise, ResizedCrop
from skmmcl.cross_decomposition import CLIPEmbedder, CoMMEmbedder
from skmmcl.datasets import make_trifeature
from skmmcl.networks import MLP

PUBLISHED = {  # percent, of the paper's images
    "Cross": {"R": 100.0, "U": 11.6, "S": 50.0},
    "Cross+Self": {"R": 99.7, "U": 86.9, "S": 50.0},
    "CoMM": {"R": 99.9, "U": 87.8, "S": 71.9},
}
MODALITIES = ("first", "second")
TASKS = {False: ("R", "U1", "U2"), True: ("S",)}  # of networks trained on biased pairs or not
FIRST_WEIGHTS = {"max_epochs": 1, "lr": 1e-12}


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


def drop(most: float) -> Compose:
    """Noise, and the loss of up to so many of the features."""
    return Compose([FeatureNoise((0.1, 0.1)), FeatureDropout((0.0, most))])


def deep_mlp(shape: tuple[int, ...], n_components: int) -> MLP:
    """Encoder of vectors. Shallower ones let all of a vector of 30 numbers through."""
    return MLP(shape, n_components, hidden=(64, 64, 64))


def narrow_cnn(shape: tuple[int, ...], n_components: int) -> SmallCNN2d:
    """Encoder of larger images, half as wide."""
    return SmallCNN2d(shape, n_components, width=16)


VECTORS: dict[str, Any] = {
    "data": {"kind": "vectors", "n_values": 10},
    "n_pairs": 2000,
    "n_probe": 5000,
    "seeds": 5,
    "augment": drop(0.8),
    "encoder": deep_mlp,
    "width": 128,
    "temperature": 0.1,
    "head": 64,
    "n_layers": 1,
    "max_epochs": 30,
    "batch_size": 128,
    "lr": 3e-3,
}
TUNED = {"augment": drop(0.4), "temperature": 0.3}  # chosen by seed 100
SIZES: dict[str, dict[str, Any]] = {
    "vectors": VECTORS,
    "tuned": {**VECTORS, **TUNED, "seeds": 3},
    "images": {
        **VECTORS,
        "data": {"kind": "images", "size": 32},
        "n_pairs": 4000,
        "n_probe": 4000,
        "seeds": 1,
        "augment": ResizedCrop((0.7, 1.0), p=1, spatial_dims=2),
        "encoder": SmallCNN2d,
        "temperature": 0.2,
        "max_epochs": 15,
        "batch_size": 64,
        "lr": 1e-3,
    },
    "images64": {
        **VECTORS,
        "data": {"kind": "images", "size": 64},
        "n_pairs": 4000,
        "n_probe": 3000,
        "seeds": 3,
        "augment": ResizedCrop((0.7, 1.0), p=1, spatial_dims=2),
        "encoder": narrow_cnn,
        "temperature": 0.2,
        "max_epochs": 10,
        "batch_size": 64,
        "lr": 1e-3,
    },
    "limits": {**VECTORS, "seeds": 2},
    "split": {"n_probe": 8000, "seeds": 10},
}
LIMITS: dict[str, dict[str, Any]] = {  # one change of the vectors' settings each
    "as in the table": {},
    "features dropped, up to 40 %": {"augment": drop(0.4)},
    "width 32": {"width": 32},
    "10 epochs": {"max_epochs": 10},
    "60 epochs": {"max_epochs": 60},
    "temperature 0.3": {"temperature": 0.3},
    "head of 256": {"head": 256},
    "2 layers of fusion": {"n_layers": 2},
}
CONTROLS = ("Cross, first weights", "CoMM, first weights")
METHODS = {
    "vectors": ("Cross", "Cross+Self", "CMC", "CoMM", *CONTROLS),
    "tuned": ("Cross", "Cross+Self", "CoMM"),
    "images": (*CONTROLS, "CoMM", "Cross", "Cross+Self"),
    "images64": ("CoMM", "Cross+Self"),
}


def embedder(name: str, size: dict, seed: int) -> Any:
    """A method with the encoder, augmentation, total width and training of all others."""
    common = {key: size[key] for key in ("max_epochs", "batch_size", "lr", "temperature")}
    common |= {
        **(FIRST_WEIGHTS if "first weights" in name else {}),
        "encoders": size["encoder"],
        "input_components": None,
        "augment": dict.fromkeys(MODALITIES, size["augment"]),
        "weight_decay": 1e-4,
        "optimizer": "adamw",
        "random_state": seed,
    }
    head = {"projection_dim": size["head"]}
    if name.startswith("CoMM"):
        width = {"n_components": size["width"], "n_layers": size["n_layers"]}
        return CoMMEmbedder(**width, **head, **common)
    common["n_components"] = size["width"] // 2  # for each modality
    if name == "CMC":
        return CMCCSSEmbedder(pairwise=True, css_weight=0, **head, **common)
    if name == "Cross+Self":
        return CLIPEmbedder(negatives="both", self_weight=1.0, **head, **common)
    return CLIPEmbedder(**common)


def probe(embedder: Any, tasks: tuple[str, ...], size: dict, seed: int) -> dict[str, float]:
    """Balanced accuracy of each task, in percent."""
    sets = []
    for part, subset in enumerate(("train", "test")):
        X, y, _ = make_trifeature(
            size["n_probe"], **size["data"], subset=subset, random_state=1000 + 10 * seed + part
        )
        sets.append((embedder.transform(X), y))
    (h, y), (h_test, y_test) = sets
    found = {}
    for task in tasks:
        clf = LogisticRegressionCV(
            Cs=np.logspace(-4, 2, 4), cv=3, scoring="balanced_accuracy", class_weight="balanced"
        )
        clf = make_pipeline(StandardScaler(), clf.set_params(max_iter=300, tol=1e-3))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # large costs need not converge to be chosen or not
            clf.fit(h, y[task])
        found[task] = 100 * balanced_accuracy_score(y_test[task], clf.predict(h_test))
    return found


def measure(name: str, size: dict, seed: int, asked: str = "RUS") -> dict[str, float]:
    """R, U and S of one method in percent, and the seconds that it took."""
    found, began = {}, time.perf_counter()
    for biased, tasks in TASKS.items():
        if tasks[0] in asked:
            X, _, _ = make_trifeature(
                size["n_pairs"], **size["data"], biased=biased, random_state=seed
            )
            found |= probe(embedder(name, size, seed).fit(X), tasks, size, seed)
    if "U1" in found:
        found["U"] = (found.pop("U1") + found.pop("U2")) / 2
    return {**found, "seconds": time.perf_counter() - began}


def row(label: str, name: str, size: dict, asked: str = "RUS") -> dict[str, list[float]]:
    """A method on all seeds, printed."""
    of_seeds = [measure(name, size, seed, asked) for seed in range(size["seeds"])]
    found = {key: [of_seed[key] for of_seed in of_seeds] for key in of_seeds[0]}
    means = "  ".join(f"{k} {np.mean(v):6.1f} ± {np.std(v):.1f}" for k, v in found.items())
    print(f"{label:30} {means}", flush=True)
    return found


def limits() -> dict[str, dict[str, Any]]:
    """Synergy by CoMM, and by its first weights where they have a say, after each change."""
    rows = {}
    for label, change in LIMITS.items():
        size = {**SIZES["limits"], **change}
        rows[label] = row(label, "CoMM", size, "S")
        if {"width", "n_layers"} & set(change):
            control = f"{label}, first weights"
            rows[control] = row(control, "CoMM, first weights", size, "S")
    return rows


def split() -> dict[str, dict[str, list[float]]]:
    """Synergy that is "found" from shape and texture here, shape and colour there, added up.

    No sum can find it. Yet combinations of single images, not pairs, are held out: of a shape, the
    textures and colours that are rare in training are frequent in the test.
    """
    rows = {}
    for n_values in (5, 10):
        found = [
            _added_up(n_values, design_state) for design_state in range(SIZES["split"]["seeds"])
        ]
        rows[f"{n_values} values"] = {"S": found}
        print(f"{n_values} values: S {np.mean(found):.1f} ± {np.std(found):.1f}", flush=True)
    return rows


def _added_up(n_values: int, design_state: int) -> float:
    params = {"kind": "vectors", "n_values": n_values, "design_state": design_state}
    n_pairs, sets = SIZES["split"]["n_probe"], []
    for part, subset in enumerate(("train", "test")):
        _, y, truth = make_trifeature(n_pairs, **params, subset=subset, random_state=part)
        shape, texture, color = truth.attributes[:, [0, 0, 1], [0, 1, 2]].T
        known = [np.eye(n_values**2)[shape * n_values + own] for own in (texture, color)]
        sets.append((np.hstack(known), y["S"]))
    clf = LogisticRegression(class_weight="balanced", max_iter=500).fit(*sets[0])
    return 100 * balanced_accuracy_score(sets[1][1], clf.predict(sets[1][0]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for kind in SIZES:
        parser.add_argument(f"--{kind}", dest="kind", action="store_const", const=kind)
    kind = parser.parse_args().kind or "vectors"
    one_thread()
    size = SIZES[kind]
    if kind == "images64":
        by_seed(kind, size)
        return
    if kind in METHODS:
        rows = {name: row(name, name, size) for name in METHODS[kind]}
    else:
        rows = {"limits": limits, "split": split}[kind]()
    write(kind, size, rows)


def by_seed(kind: str, size: dict) -> None:
    """All methods on one seed after the other, written after each; what is there is not redone."""
    rows: dict[str, dict[str, list[float]]] = {name: {} for name in METHODS[kind]}
    rows |= read_report("trifeature").get(kind, {}).get("rows", {})
    for seed in range(size["seeds"]):
        for name in METHODS[kind]:
            if len(rows[name].get("R", ())) > seed:
                continue
            began = time.process_time()
            for key, value in measure(name, size, seed).items():
                rows[name].setdefault(key, []).append(value)
            rows[name].setdefault("cpu_seconds", []).append(time.process_time() - began)
            print(seed, name, {k: round(v[-1], 1) for k, v in rows[name].items()}, flush=True)
            write(kind, size, rows)


def write(kind: str, size: dict, rows: dict) -> None:
    """Put the rows of one kind into the report."""
    found = {
        "environment": environment(),
        "size": {k: v if isinstance(v, int | float | dict) else _name(v) for k, v in size.items()},
        "unit": "balanced accuracy in percent",
        "rows": rows,
    }
    others = {k: v for k, v in read_report("trifeature").items() if k in SIZES}
    write_report("trifeature", {**others, kind: found, "published": PUBLISHED})


def _name(setting: Any) -> str:
    return getattr(setting, "__name__", None) or repr(setting)


if __name__ == "__main__":
    main()
