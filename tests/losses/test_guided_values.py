"""Values that the specification states without a case of their own, on the arrays of the cases."""

import json
from pathlib import Path

import pytest
import torch

from tests.losses.guided_cases import COMPUTE

FOLDER = Path(__file__).parents[1] / "data" / "loss_cases"
CASES = {
    case["name"]: case
    for name in ("guided", "multilabel")
    for case in json.loads((FOLDER / f"{name}.json").read_text())["cases"]
}
# Case whose inputs are taken, name and parameters that differ, and the value.
VALUES = {
    "mixed kernel": ("yaware_mixed_released", {"name": "yaware_mixed"}, 0.070305),
    "two columns": ("yaware_multidim_nidl", {"name": "yaware_multidim"}, 1.066187),
    "narrow": ("yaware_all_row", {"sigma": 1e-3}, 0.010867),
    "conditional uniformity": ("cond_unif_unnorm", {"name": "cond_unif"}, -3.998318),
    "kernel": ("kernel_decoupled_unif_autolam", {"name": "kernel", "lam": 0.01}, -3.360323),
    "ridge of n": ("kernel_decoupled_unif_autolam", {"lam": 0}, -1.011205),
    "X-CLR without self": ("xclr_incl", {"name": "xclr"}, 1.266346),
    "eps-SupCon": ("eps_supcon_released", {}, 9.198548),
    "KL of negatives": ("fairkl_kl_pos", {"name": "fairkl_kl_neg"}, 0.064456),
    "exp, pdf": ("brainage_exp_incl_gaussian", {"name": "brainage_exp_gaussian"}, 0.085487),
    "exp with positive": ("brainage_exp_rbf", {"name": "brainage_exp_incl_rbf"}, -3.160002),
    "thr, cauchy": ("brainage_thr_rbf", {"kernel": "cauchy"}, -4.629724),
    "y-aware, unscaled": ("brainage_yaware_rbf", {"scale": 1}, 4.652093),
    "global anatomy": ("anatcl_loss_local", {"name": "anatcl_loss_global"}, 11.918616),
    "one in common dropped": ("jaccard_supcon_default", {"threshold": 0.34}, 14.276026),
    "labels per subject": ("mulsupcon_inbatch", {"per_sample": True}, 8.981940),
}


@pytest.mark.parametrize(("case", "params", "expected"), VALUES.values(), ids=VALUES)
def test_value(case, params, expected):
    case = CASES[case]
    inputs = {name: torch.tensor(value) for name, value in case["inputs"].items()}
    inputs = {n: x.double() if x.is_floating_point() else x for n, x in inputs.items()}
    params = {"name": case["name"], **case["params"], **params}
    found = COMPUTE[case["method"]](inputs, params)
    assert found.item() == pytest.approx(expected, abs=1e-6)
