"""Network of CLIP: each subject and two copies, and a learned scale of similarities."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from skmmcl.networks._multiview import MultiviewNetwork


class CLIPNetwork(MultiviewNetwork):
    """Multiview network that also returns the last two copies, and may learn a scale.

    Outputs are those of `MultiviewNetwork`; with several copies, ``z_one`` and ``z_other``
    (n_views, n_samples, projection_dim), the embeddings of the last two; and, with
    ``learns_scale``, the ``log_scale`` (n_lanes,) of similarities, which starts at 0.
    """

    def __init__(self, *args: Any, learns_scale: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        self.log_scale = None
        if len(self.copies) > 1:
            self.gives = (*self.gives, "z_one", "z_other")
        if learns_scale:
            self.log_scale = nn.Parameter(torch.zeros(1))
            self.gives = (*self.gives, "log_scale")

    def _outputs(self, h: Tensor, mask: Tensor | None) -> dict[str, Any]:
        out = super()._outputs(h, mask)
        if self.log_scale is not None:
            out["log_scale"] = self.log_scale
        return out

    def _joined(self, z: Tensor) -> dict[str, Tensor]:
        one, other = self._by_copy(z)[:, :, -2:].unbind(2)
        return {**super()._joined(z), "z_one": one, "z_other": other}
