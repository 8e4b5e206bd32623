"""Network of the MMVAE, whose posterior is a mixture of one expert for each modality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Laplace, Normal
from torch.nn import functional as F

from skmmcl.networks._decoders import make_decoder
from skmmcl.networks._lanes import LaneLinear
from skmmcl.networks._multiview import MultiviewNetwork

Family = Literal["normal", "laplace"]

FAMILIES: dict[str, type[Normal | Laplace]] = {"normal": Normal, "laplace": Laplace}
SMALLEST_SCALE = 1e-3
TURNS = 100.0  # far above 1, so that different subjects get different shifts


class MMVAENetwork(MultiviewNetwork):
    """Variational autoencoder whose posterior is a mixture of one expert for each modality.

    An expert's mean is the output of its encoder, and its scale is computed by a linear map of the
    mean. ``n_draws`` draws of each expert are decoded to every modality, as the encoders see it.
    ``posterior`` is the family of the experts and, with mean 0 and scale 1, of the prior;
    ``likelihood`` is the family of the observations, whose scale is ``likelihood_scale``, or is
    learned for each modality if that is None.

    Outputs are those of `MultiviewNetwork`, ``log_joint`` (n_views, n_draws, n_samples) of the
    draws of each expert with the modalities that the subject has, and ``log_posteriors``
    (n_views, n_views, n_draws, n_samples) of these draws under each expert.
    """

    turn: Tensor
    gives = ("h", "z", "z_fused", "log_joint", "log_posteriors")

    def __init__(
        self,
        *args: Any,
        n_draws: int = 5,
        posterior: Family = "normal",
        likelihood: Family = "normal",
        likelihood_scale: float | None = None,
        **layout: Any,
    ) -> None:
        super().__init__(*args, **layout)
        n_components = self.n_components
        self.n_draws, self.posterior, self.likelihood = n_draws, posterior, likelihood
        self.spreads = nn.ModuleList(LaneLinear(n_components, n_components) for _ in self.views)
        self.decoders = nn.ModuleList(
            make_decoder(shape, n_components, encoder)
            for encoder, shape in zip(self.encoders, self._seen_shapes(), strict=True)
        )
        log_scale = torch.full((len(self.views),), likelihood_scale or 1.0).log()
        self.log_scale = nn.Parameter(log_scale, requires_grad=likelihood_scale is None)
        self.register_buffer("turn", TURNS * torch.randn(n_components, n_components))
        self.seed = int(torch.randint(2**31, ()))
        self.rng = np.random.default_rng(self.seed)

    def forward_lanes(
        self, x: Mapping[str, Tensor], mask: Tensor | None = None
    ) -> dict[str, Tensor]:
        out = super().forward_lanes(x, mask)
        mean = out["h"][0]
        spread = torch.stack([s(m[None])[0] for s, m in zip(self.spreads, mean, strict=True)])
        scale = F.softplus(spread) + SMALLEST_SCALE
        z = self._draw(mean, scale)
        experts = _distribution(self.posterior, mean[:, None, None], scale[:, None, None])
        prior = _distribution(self.posterior, torch.zeros_like(z), torch.ones_like(z))
        log_joint = prior.log_prob(z).sum(-1) + self._log_likelihood(self._seen(x), z, mask)
        log_posteriors = experts.log_prob(z).sum(-1)
        return {**out, "log_joint": log_joint[None], "log_posteriors": log_posteriors[None]}

    def _draw(self, mean: Tensor, scale: Tensor) -> Tensor:
        """Return draws of each expert, (n_views, n_draws, n_samples, n_components).

        All subjects share uniform draws, shifted modulo 1 by numbers that depend on the subject.
        Draws of different subjects are then practically independent, and equal subjects get equal
        draws at any position in a batch, so that one of weight 2 counts as two.
        """
        rng = self.rng if self.training else np.random.default_rng(self.seed)
        shared = torch.as_tensor(rng.random((len(mean), self.n_draws, 1, mean.shape[-1])))
        turns = (mean.detach() @ self.turn).unsqueeze(1)
        tiny = torch.finfo(mean.dtype).eps
        uniform = ((shared.to(turns) + turns) % 1).clamp(tiny, 1 - tiny)
        return _distribution(self.posterior, mean[:, None], scale[:, None]).icdf(uniform)

    def _log_likelihood(self, views: Sequence[Tensor], z: Tensor, mask: Tensor | None) -> Tensor:
        """Return that of each subject's modalities for each draw, (n_views, n_draws, n_samples)."""
        total = z.new_zeros(z.shape[:-1])
        for view, (x, decoder) in enumerate(zip(views, self.decoders, strict=True)):
            x_hat = decoder(z.flatten(0, 2)[None])[0].flatten(1).unflatten(0, z.shape[:-1])
            observed = _distribution(self.likelihood, x_hat, self.log_scale[view].exp())
            log_p = observed.log_prob(x[0].flatten(1)).sum(-1)
            total = total + (log_p if mask is None else torch.where(mask[0, :, view], log_p, 0.0))
        return total


def _distribution(family: Family, mean: Tensor, scale: Tensor) -> Normal | Laplace:
    # Without validation: the engine reports values that are not finite.
    return FAMILIES[family](mean, scale, validate_args=False)
