"""Autoencoder whose latent variables are common to all subjects or salient in patients."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from skmmcl.networks import MLP, LaneLinear
from skmmcl.networks._decoders import make_decoder
from skmmcl.networks._multiview import MultiviewNetwork, ViewKey

BACKGROUND_VARIANCE = 0.1  # of the salient variables of controls, given the subject
LEAST_HIDDEN = 64


class SepVAENetwork(MultiviewNetwork):
    """Variational autoencoder with a common and a salient space.

    Each space has an encoder of its own for each modality; features of the modalities that a
    subject has are averaged. One decoder for each modality reads both spaces, without the salient
    one for controls.

    Parameters
    ----------
    views : sequence of str
        All modalities, once for each space.
    shapes : mapping of str to tuple
        Shape of one subject in each modality.
    n_components : int
        Width of what an encoder gives.
    n_common, n_salient : int
        Widths of the spaces.
    **layout
        Encoders and stages, as in `MultiviewNetwork`.

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
        "h",
        "z",
        "mu_common",
        "log_var_common",
        "mu_salient",
        "log_var_salient",
        "x_hat",
        "x_seen",
        "joint_logits",
        "product_logits",
        "logits",
    )
    fuses = True
    reads = ("targets",)  # 1 for patients, 0 for controls

    def __init__(
        self,
        views: Sequence[str],
        shapes: Mapping[str, Sequence[int]],
        n_components: int,
        *,
        n_common: int,
        n_salient: int,
        **layout: Any,
    ) -> None:
        super().__init__(views, shapes, n_components, **layout)
        self.n_modalities, self.n_common, self.n_salient = len(views) // 2, n_common, n_salient
        width = n_common + n_salient
        self.common = LaneLinear(n_components, 2 * n_common)
        self.salient = LaneLinear(n_components, 2 * n_salient)
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
        """Both spaces read the same, augmented or not."""
        return list(self.views)

    def encode_lanes(self, x: Mapping[str, Tensor], mask: Tensor | None = None) -> Tensor:
        """Give the means of the common and the salient variables, side by side.

        Parameters
        ----------
        x : dict of Tensor ``(n_lanes, n_samples, ...)``
            The modalities, prepared.
        mask : Tensor of shape (n_lanes, n_samples, n_views), optional
            True where the subject has the view.

        Returns
        -------
        Tensor of shape (n_lanes, 1, n_samples, n_common + n_salient)
            The representation.
        """
        (common, _), (salient, _) = self._posterior(x, mask)
        return torch.cat([common, salient], -1).unsqueeze(1)

    def forward_lanes(
        self,
        x: Mapping[str, Tensor],
        mask: Tensor | None = None,
        targets: Tensor | None = None,
    ) -> dict[str, Any]:
        """Encode a prepared batch of the only lane, draw latent variables, and decode them.

        Parameters
        ----------
        x : dict of Tensor ``(1, n_samples, ...)``
            The modalities, prepared.
        mask : Tensor of shape (1, n_samples, n_views), optional
            True where the subject has the view.
        targets : Tensor of shape (1, n_samples, 1), optional
            0 for controls.

        Returns
        -------
        dict
            The representation, the parameters of the posterior, reconstructions ``x_hat`` and what
            they should be, log odds ``joint_logits`` and ``product_logits`` of the discriminator,
            and ``logits`` of the classifier.
        """
        (mu_common, log_var_common), (mu_salient, log_var_salient) = self._posterior(x, mask)
        background = torch.zeros_like(mu_salient[..., :1], dtype=torch.bool)
        background = background if targets is None else targets[..., :1] == 0
        log_var_salient = log_var_salient.masked_fill(background, math.log(BACKGROUND_VARIANCE))
        rng = self.rng if self.training else np.random.default_rng(self.seed)
        common = _drawn(mu_common, log_var_common, rng)
        salient = _drawn(mu_salient, log_var_salient, rng)
        others = _derangement(salient.shape[1], rng, targets)
        h = torch.cat([mu_common, mu_salient], -1).unsqueeze(1)
        return {
            "h": h,
            "z": h,
            "mu_common": mu_common,
            "log_var_common": log_var_common,
            "mu_salient": mu_salient,
            "log_var_salient": log_var_salient,
            "x_seen": dict(enumerate(self._seen(x)[: self.n_modalities])),
            "x_hat": self.decode_lanes(common, salient.masked_fill(background, 0.0)),
            "joint_logits": self.discriminator(torch.cat([common, salient], -1))[..., 0],
            "product_logits": self.discriminator(torch.cat([common, salient[:, others]], -1))[
                ..., 0
            ],
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
        """Mean and logarithm of the variance of the common, and of the salient variables."""
        features = torch.stack(self._encode_views(x, mask), dim=1)
        halves = features.split(self.n_modalities, dim=1)
        present = None if mask is None else mask[..., : self.n_modalities]
        pairs = zip((self.common, self.salient), halves, strict=True)
        spaces = [head(_mean_of_present(half, present)).chunk(2, -1) for head, half in pairs]
        return [(mu, log_var) for mu, log_var in spaces]


def _mean_of_present(features: Tensor, present: Tensor | None) -> Tensor:
    """Mean over modalities of features (n_lanes, n_modalities, n_samples, n_components)."""
    if present is None:
        return features.mean(1)
    weight = present.mT.unsqueeze(-1).to(features.dtype)
    return (features * weight).sum(1) / weight.sum(1).clamp_min(1)


def _drawn(mu: Tensor, log_var: Tensor, rng: np.random.Generator) -> Tensor:
    noise = torch.as_tensor(rng.standard_normal(mu.shape)).to(mu)
    return mu + (0.5 * log_var).exp() * noise


def _derangement(
    n_samples: int, rng: np.random.Generator, targets: Tensor | None = None
) -> np.ndarray:
    """For each subject another one, drawn at random; the unlabeled, who do not count, keep it."""
    others = np.arange(n_samples)
    known = others if targets is None else others[~targets[0, :, 0].isnan().cpu().numpy()]
    order = rng.permutation(known)
    others[order] = np.roll(order, 1)
    return others
