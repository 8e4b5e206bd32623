"""Networks of volumes as encoders of an embedder, beside their layers as a bare torch module.

    python benchmarks/volume_networks.py [--quick]

Ours is the whole way that a batch takes in a fit: `MultiviewNetwork` with z-scoring by one mean and
deviation, lanes, and the encoder that `make_encoder` builds from the name. Bare is `nn.Sequential`
of the same layers, given z-scored volumes that have their axis of channels. Both have the same
weights, and outputs that agree to single precision. Forward and backward, float32, one thread; the
contestants take turns, and the minimum of their processor time counts.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from _report import write_report
from _timing import in_turn, one_thread, ratio
from torch import nn

from skmmcl.networks._multiview import MultiviewNetwork
from skmmcl.networks._standardize import InputStage

SIDES = {
    "small_cnn": 32,
    "tiny_densenet": 32,
    "densenet121": 32,
    "resnet18": 32,
    "resnet34": 32,
    "resnet50": 32,
    "vgg11": 32,
    "sfcn": 32,
    "dcgan": 64,
}
QUICK = ("small_cnn", "tiny_densenet", "dcgan")
BATCH, WIDTH, MEAN, SCALE = 4, 16, 2.0, 3.0
GOAL = "<= 1.1"


def twins(name: str, side: int) -> tuple[MultiviewNetwork, nn.Sequential]:
    """The network on its whole way, and its layers; they share their weights."""
    stage = InputStage(np.array(MEAN), np.array(SCALE))
    shapes = {"t1": (side, side, side)}
    torch.manual_seed(0)
    ours = MultiviewNetwork(["t1"], shapes, WIDTH, encoders={"t1": name}, stages={"t1": stage})
    ours.float()
    for layer in ours.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    return ours, nn.Sequential(*ours.encoders[0].module.children())


def measure(name: str, side: int, repeats: int) -> dict[str, object]:
    ours, bare = twins(name, side)
    x = torch.randn(BATCH, side, side, side, generator=torch.Generator().manual_seed(0))
    scaled = ours.scalers["0"](x).unsqueeze(1)  # to the bit: few values are normalised at the end

    def ours_step() -> torch.Tensor:
        bare.zero_grad()
        h = ours.forward_lanes({"t1": x[None]})["h"]
        h.square().mean().backward()
        return h[0, 0]

    def bare_step() -> torch.Tensor:
        bare.zero_grad()
        h = bare(scaled)
        h.square().mean().backward()
        return h

    torch.testing.assert_close(ours_step(), bare_step(), rtol=1e-3, atol=1e-4)
    times = in_turn({"ours": ours_step, "bare": bare_step}, repeats)
    n_parameters = sum(p.numel() for p in bare.parameters())
    return {
        "side": side,
        "n_parameters": n_parameters,
        "cpu_seconds": times,
        "ours / bare": ratio(times, "ours", "bare"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="three networks, three rounds")
    args = parser.parse_args()
    one_thread()
    results = {}
    for name in QUICK if args.quick else SIDES:
        row = results[name] = measure(name, SIDES[name], 3 if args.quick else 10)
        seconds = min(row["cpu_seconds"]["ours"])
        print(f"{name:14} {row['side']}^3 {seconds:.3f} s, {row['ours / bare']:.3f} x", flush=True)
    settings = {"batch_size": BATCH, "n_components": WIDTH, "seed": 0}
    write_report("volume_networks", {**settings, "networks": results, "goal": GOAL})


if __name__ == "__main__":
    main()
