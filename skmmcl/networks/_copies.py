"""The multiview network, shown several copies of each subject."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from skmmcl.networks._multiview import MultiviewNetwork


class CopiesNetwork(MultiviewNetwork):
    """Encode each view of a subject as it is, and of two augmented copies.

    Parameters
    ----------
    *args
        As `MultiviewNetwork` takes them.
    copies : tuple of bool, default=(False, True, True)
        Of each copy, whether it is augmented in training: one copy, or an original and two.
    learns_scale : bool, default=False
        Whether ``log_scale``, by which losses sharpen similarities, is learnt, from 0 on.
    **options
        As `MultiviewNetwork` takes them.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import CopiesNetwork
    >>> network = CopiesNetwork(["a", "b"], {"a": (3,), "b": (5,)}, 2)
    >>> out = network({"a": torch.zeros(12, 3), "b": torch.zeros(12, 5)})  # of four subjects
    >>> {name: tuple(value.shape) for name, value in out.items()}
    {'h': (2, 4, 2), 'z': (2, 4, 2), 'z_fused': (4, 4), 'z_one': (2, 4, 2), 'z_other': (2, 4, 2)}
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
        """Say what the modules do not.

        Returns
        -------
        str
            Views, shapes and copies.
        """
        return f"{super().extra_repr()}, copies={self.copies}"

    def forward_lanes(
        self, x: Mapping[str, Tensor], mask: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Encode the copies of a prepared batch of each lane.

        Parameters
        ----------
        x : dict of Tensor ``(n_lanes, n_copies * n_samples, ...)``
            The modalities, prepared: all subjects, and all once more for each copy.
        mask : Tensor of shape (n_lanes, n_samples, n_views), optional
            True where the subject has the view.

        Returns
        -------
        dict
            As `MultiviewNetwork` gives for the first copy; ``z_one`` and ``z_other`` are
            the embeddings of the last two, ``log_scale`` (n_lanes,) is given if it is learnt.
        """
        n_copies = len(self.copies)
        every = None if mask is None else mask.repeat(1, n_copies, 1)
        out = super().forward_lanes(x, every)
        n_samples = out["z"].shape[2] // n_copies
        z = out["z"].unflatten(2, (n_copies, n_samples))
        first = {"h": out["h"][:, :, :n_samples], "z": z[:, :, 0]}
        last = {"z_one": z[:, :, max(0, n_copies - 2)], "z_other": z[:, :, -1]}
        learnt = {} if self.log_scale is None else {"log_scale": self.log_scale}
        return {**first, "z_fused": out["z_fused"][:, :n_samples], **last, **learnt}
