"""Network of SepVAE: latent variables common to all subjects, and salient in patients."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from skmmcl.networks import MLP, LaneLinear
from skmmcl.networks._decoders import make_decoder
from skmmcl.networks._multiview import MultiviewNetwork, ViewKey, mean_of_present

BACKGROUND_VARIANCE = 0.1  # of the salient variables of controls, given the subject
LEAST_HIDDEN = 64


class SepVAENetwork(MultiviewNetwork):
    """Variational autoencoder with a common and a salient space.

    Each space has an encoder for each modality, and averages the features of a subject's
    modalities. The decoder of a modality reads both spaces; for controls, the salient one is 0.

    Parameters
    ----------
    *args, **layout
        Views, which are all modalities once for each space, shapes, width of the encoders' outputs,
        encoders and stages, as in `MultiviewNetwork`.
    n_common, n_salient : int
        Widths of the spaces.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks._sepvae import SepVAENetwork
    >>> network = SepVAENetwork(
    ...     ["a", "b"] * 2, {"a": (3,), "b": (5, 5)}, 8, n_common=4, n_salient=2
    ... )
    >>> out = network({"a": torch.zeros(4, 3), "b": torch.zeros(4, 5, 5)})
    >>> out["h"].shape, out["x_hat"][1].shape
    (torch.Size([1, 4, 6]), torch.Size([4, 5, 5]))
    """

    gives = (
        *("h", "z", "mu_common", "log_var_common", "mu_salient", "log_var_salient"),
        *("x_hat", "x_seen", "joint_logits", "product_logits", "logits"),
    )
    fuses = True
    reads = ("targets",)  # 1 for patients, 0 for controls

    def __init__(self, *args: Any, n_common: int, n_salient: int, **layout: Any) -> None:
        super().__init__(*args, **layout)
        self.n_modalities, width = len(self.views) // 2, n_common + n_salient
        self.n_common, self.n_salient = n_common, n_salient
        self.common = LaneLinear(self.n_components, 2 * n_common)
        self.salient = LaneLinear(self.n_components, 2 * n_salient)
        seen = self._seen_shapes()[: self.n_modalities]
        self.decoders = nn.ModuleList(
            make_decoder(shape, width, encoder)
            for encoder, shape in zip(self.encoders, seen, strict=False)
        )
        self.classifier = MLP((n_salient,), 1, hidden=(n_salient,))
        hidden = max(width, LEAST_HIDDEN)
        self.discriminator = MLP((width,), 1, hidden=(hidden, hidden))
        self.seed = int(torch.randint(2**31, ()))
        self.rng = np.random.default_rng(self.seed)

    @property
    def view_keys(self) -> list[ViewKey]:
        """Keys of the views in a batch: the modality, so that both spaces read the same array."""
        return list(self.views)

    def encode_lanes(self, x: Mapping[str, Tensor], mask: Tensor | None = None) -> Tensor:
        """Return the means of both spaces, (n_lanes, 1, n_samples, n_common + n_salient)."""
        (common, _), (salient, _) = self._posterior(x, mask)
        return torch.cat([common, salient], -1).unsqueeze(1)

    def forward_lanes(
        self,
        x: Mapping[str, Tensor],
        mask: Tensor | None = None,
        targets: Tensor | None = None,
    ) -> dict[str, Any]:
        """Encode a prepared batch of the only lane, draw latent variables, and decode them.

        ``targets`` (1, n_samples, 1) are 0 for controls. Outputs are the representation, the
        parameters of the posterior, the inputs ``x_seen`` and reconstructions ``x_hat`` of the
        modalities, the log odds ``joint_logits`` and ``product_logits`` of the discriminator, and
        the ``logits`` of the classifier.
        """
        (mu_common, log_var_common), (mu_salient, log_var_salient) = self._posterior(x, mask)
        nobody = torch.zeros_like(mu_salient[..., :1], dtype=torch.bool)
        background = nobody if targets is None else targets[..., :1] == 0
        log_var_salient = log_var_salient.masked_fill(background, math.log(BACKGROUND_VARIANCE))
        rng = self.rng if self.training else np.random.default_rng(self.seed)
        common = _drawn(mu_common, log_var_common, rng)
        salient = _drawn(mu_salient, log_var_salient, rng)
        others = _derangement(salient.shape[1], rng, targets)
        # Before the discriminator: the order is that in which gradients of the draws are summed.
        x_hat = self.decode_lanes(common, salient.masked_fill(background, 0.0))
        joint, product = (
            self.discriminator(torch.cat([common, own], -1))[..., 0]
            for own in (salient, salient[:, others])
        )
        h = torch.cat([mu_common, mu_salient], -1).unsqueeze(1)
        return {
            "h": h,
            "z": h,
            "mu_common": mu_common,
            "log_var_common": log_var_common,
            "mu_salient": mu_salient,
            "log_var_salient": log_var_salient,
            "x_seen": dict(enumerate(self._seen(x)[: self.n_modalities])),
            "x_hat": x_hat,
            "joint_logits": joint,
            "product_logits": product,
            "logits": self.classifier(salient)[..., 0],
        }

    def decode_lanes(self, common: Tensor, salient: Tensor) -> dict[int, Tensor]:
        """Decode latent variables to each modality, as the encoders see it.

        Parameters
        ----------
        common, salient : Tensor of shape (n_lanes, n_samples, width)
            The latent variables.

        Returns
        -------
        dict of Tensor ``(n_lanes, n_samples, *shape)``
            By the number of the modality.
        """
        latent = torch.cat([common, salient], -1)
        return {k: decoder(latent) for k, decoder in enumerate(self.decoders)}

    def _posterior(
        self, x: Mapping[str, Tensor], mask: Tensor | None
    ) -> list[tuple[Tensor, Tensor]]:
        """Return mean and log-variance of the common, and of the salient variables."""
        features = torch.stack(self._encode_views(x, mask), dim=1)
        halves = features.split(self.n_modalities, dim=1)
        present = None if mask is None else mask[..., : self.n_modalities]
        pairs = zip((self.common, self.salient), halves, strict=True)
        return [head(mean_of_present(half, present)).chunk(2, -1) for head, half in pairs]


def _drawn(mu: Tensor, log_var: Tensor, rng: np.random.Generator) -> Tensor:
    noise = torch.as_tensor(rng.standard_normal(mu.shape)).to(mu)
    return mu + (0.5 * log_var).exp() * noise


def _derangement(
    n_samples: int, rng: np.random.Generator, targets: Tensor | None = None
) -> np.ndarray:
    """Draw another subject for each labeled one; unlabeled subjects, who do not count, stay."""
    others = np.arange(n_samples)
    known = others if targets is None else others[~targets[0, :, 0].isnan().cpu().numpy()]
    order = rng.permutation(known)
    others[order] = np.roll(order, 1)
    return others
