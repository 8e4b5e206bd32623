"""How the reference cases of UCSL are computed: numpy, handed over as tensors."""

import torch

from skmmcl.cluster._mixture import class_probability, mixture_decision
from skmmcl.cluster._subspace import orthonormal_basis


def ucsl(inputs, params):
    arrays = {name: value.detach().numpy() for name, value in inputs.items()}
    if "directions" in arrays:
        basis = orthonormal_basis(arrays["directions"], params["noise_tolerance_threshold"])
        return torch.from_numpy(basis.T @ basis)
    decision = mixture_decision(arrays["distances"], arrays["q"])
    if "lambda_" in params:  # the release scales by the batch
        return torch.from_numpy(class_probability(decision, decision.max() / params["lambda_"]))
    return torch.from_numpy(class_probability(decision))


COMPUTE = {"UCSL": ucsl}
