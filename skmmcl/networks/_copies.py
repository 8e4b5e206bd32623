"""Multiview network of several copies of each subject."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from skmmcl.networks._multiview import MultiviewNetwork


class CopiesNetwork(MultiviewNetwork):
    """Multiview network that encodes augmented copies of each subject.

    ``copies`` says of each copy whether it is augmented in training: one copy, or an original and
    two. With ``learns_scale`` there is a learned ``log_scale`` of similarities that starts at 0.
    Outputs are those of `MultiviewNetwork` for the first copy; ``z_one`` and ``z_other``, the
    embeddings of the last two; and ``log_scale`` (n_lanes,) if it is learned.
    """

    gives: tuple[str, ...] = ("h", "z", "z_fused", "z_one", "z_other")

    def __init__(
        self,
        *args: Any,
        copies: tuple[bool, ...] = (False, True, True),
        learns_scale: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.copies = copies
        self.log_scale = None
        if learns_scale:
            self.log_scale = nn.Parameter(torch.zeros(1))
            self.gives = (*self.gives, "log_scale")

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, copies={self.copies}"

    def forward_lanes(
        self, x: Mapping[str, Tensor], mask: Tensor | None = None
    ) -> dict[str, Tensor]:
        n_copies = len(self.copies)
        every = None if mask is None else mask.repeat(1, n_copies, 1)
        out = super().forward_lanes(x, every)
        n_samples = out["z"].shape[2] // n_copies
        z = out["z"].unflatten(2, (n_copies, n_samples))
        first = {"h": out["h"][:, :, :n_samples], "z": z[:, :, 0]}
        last = {"z_one": z[:, :, max(0, n_copies - 2)], "z_other": z[:, :, -1]}
        learned = {} if self.log_scale is None else {"log_scale": self.log_scale}
        return {**first, "z_fused": out["z_fused"][:, :n_samples], **last, **learned}
