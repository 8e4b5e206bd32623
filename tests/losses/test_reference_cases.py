"""Every reference case: value and, where given, gradients, in float64 and float32.

Cases are read from every ``*.json`` in ``tests/data/loss_cases``, or in the folder that
the environment variable SKMMCL_LOSS_CASES names. A later method adds a line to COMPUTE.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from skmmcl.losses import CMCLoss, PairwiseCMCLoss, SupConLoss
from skmmcl.networks import ConnectomeAttention
from tests.losses import contrast_cases, guided_cases, multimodal_cases, subtype_cases

FOLDER = Path(
    os.environ.get("SKMMCL_LOSS_CASES") or Path(__file__).parents[1] / "data" / "loss_cases"
)
# Tensors that are no embeddings: never differentiated; integers and truth values stay such.
LABELS = {"y", "mask", "s", "labels", "bias", "prior", "measures", "Y", "Yq", "Yk"}


def cmc(inputs, params):
    loss = CMCLoss(
        params["tau"],
        denominator=params.get("denominator", "negatives"),
        positives=params.get("positives", "in"),
    )
    return loss(inputs["z"], inputs.get("mask"))


def css(inputs, params):
    loss = SupConLoss(params["tau"], no_positive=params.get("no_positive", "skip"))
    return loss(inputs["f"], inputs["y"])


def cmc_css(inputs, params):
    z = inputs["z"]
    fused = z if inputs.get("mask") is None else z * inputs["mask"].T[..., None]
    fused = {"f": fused.transpose(0, 1).flatten(1), "y": inputs["y"]}
    return cmc(inputs, params) + params.get("lam", 1.0) * css(fused, params)


def encoder_output(inputs, params):
    x, weights = inputs["x"], inputs["params"]
    n_out, region_components = len(weights["fc2.bias"]), len(weights["fc1.bias"])
    encoder = ConnectomeAttention(
        x.shape[1:], n_out, n_heads=params.get("heads", 1), region_components=region_components
    ).to(x.dtype)
    ours = {name: torch.as_tensor(w).T[None] for name, w in weights.items() if w.ndim == 2}
    ours |= {name: torch.as_tensor(w)[None, None] for name, w in weights.items() if w.ndim == 1}
    encoder.load_state_dict(ours)
    return encoder(x)


def pairwise(inputs, params):
    return PairwiseCMCLoss(params["tau"])(inputs["z"], inputs.get("mask"))


def nt_xent(inputs, params):
    return PairwiseCMCLoss(params["tau"])(torch.stack([inputs["z1"], inputs["z2"]]))


COMPUTE = {
    "CMC": cmc,
    "CSS": css,
    "CMC+CSS": cmc_css,
    "CMC-encoder": encoder_output,
    "CMC-pairwise": pairwise,
    "InfoNCE": nt_xent,
    **guided_cases.COMPUTE,
    **multimodal_cases.COMPUTE,
    **contrast_cases.COMPUTE,
    **subtype_cases.COMPUTE,
}


def load_cases():
    for path in sorted(FOLDER.glob("*.json")):
        for case in json.loads(path.read_text())["cases"]:
            # Released code differs from the formula on purpose: documented, not offered.
            if "_released" not in case["name"]:
                yield pytest.param(case, id=f"{path.stem}-{case['name']}")


def is_label(name, value):
    if name == "y" and np.ndim(value) == 3:
        return False  # embeddings, in the cases of Deep InfoMax
    return name in LABELS or name.startswith("neg_idx")


def to_inputs(raw, dtype):
    inputs = {}
    for name, value in raw.items():
        if isinstance(value, dict):
            inputs[name] = {k: torch.tensor(v, dtype=dtype) for k, v in value.items()}
        elif is_label(name, value):
            labels = torch.tensor(value)
            inputs[name] = labels.to(dtype) if labels.is_floating_point() else labels
        else:
            inputs[name] = torch.tensor(value, dtype=dtype, requires_grad=True)
    return inputs


def gradient_of(inputs, name):
    """``z`` is the whole input, ``z0`` its first view, ``z1_last`` the last of ``z1``."""
    if name in inputs:
        return inputs[name].grad
    if name.endswith("_last"):
        return gradient_of(inputs, name.removesuffix("_last"))[-1]
    return inputs[name.rstrip("0123456789")].grad[int(name.lstrip("abcdefghijklmnopqrstuvwxyzZ_"))]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("case", list(load_cases()))
def test_reference_case(case, dtype):
    if case["method"] not in COMPUTE:
        pytest.fail(f"no dispatch for method {case['method']!r} of case {case['name']!r}")
    inputs = to_inputs(case["inputs"], dtype)
    tol = case["tol"] if dtype == torch.float64 else 2e-4
    output = COMPUTE[case["method"]](inputs, {"name": case["name"], **case["params"]})
    value = output.sum()
    if isinstance(case["expected"], list):
        expected = torch.tensor(case["expected"])
        torch.testing.assert_close(output, expected, rtol=tol, atol=tol, check_dtype=False)
    else:
        smallest = tol * max(1, abs(case["expected"]))
        assert value.item() == pytest.approx(case["expected"], abs=smallest)
    if "expected_output" in case:
        expected = torch.tensor(case["expected_output"], dtype=dtype)
        torch.testing.assert_close(output, expected, rtol=tol, atol=tol)
    if not value.requires_grad:
        return
    value.backward()
    leaves = [t for t in inputs.values() if isinstance(t, torch.Tensor) and t.requires_grad]
    # What only says who is near whom has none.
    assert all(leaf.grad is None or torch.isfinite(leaf.grad).all() for leaf in leaves)
    for key in (key for key in case if key.startswith("expected_grad_")):
        found = gradient_of(inputs, key.removeprefix("expected_grad_"))
        expected = torch.tensor(case[key], dtype=dtype)
        torch.testing.assert_close(found, expected, rtol=tol, atol=max(tol, 1e-6))


def test_there_are_cases():
    assert sum(1 for _ in load_cases()) > 0
