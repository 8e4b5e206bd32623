"""A temperature that is learned with the network."""

from __future__ import annotations

import torch
from torch import Tensor

MAX_SCALE = 100.0  # inverse temperature beyond which nothing is learned, as in CLIP


def sharpened(u: Tensor, log_scale: Tensor, temperature: float | Tensor) -> Tensor:
    """Return unit vectors times the root of a learned factor of their similarities.

    Parameters
    ----------
    u : Tensor of shape (n_models, n_views, n_samples, n_components)
        Unit vectors.
    log_scale : Tensor of shape (n_models,) or ()
        Logarithm of the factor.
    temperature : float or Tensor of shape (n_models,)
        Divides the similarities as well. The factor over it is at most `MAX_SCALE`.

    Returns
    -------
    Tensor of the shape of ``u``
    """
    ceiling = torch.as_tensor(temperature, dtype=torch.float64, device=u.device) * MAX_SCALE
    log_scale = log_scale.reshape(-1).to(u.dtype).clone()
    excess = (log_scale - ceiling.log().to(u.dtype)).clamp_min(0).detach()
    if log_scale.requires_grad:
        # At its ceiling a scale may fall, but grows no further.
        log_scale.register_hook(lambda grad: grad.masked_fill((excess > 0) & (grad < 0), 0))
    # One for each subject, because exponentials round by where in memory they stand.
    each = (log_scale - excess).view(-1, 1, 1, 1).expand(-1, 1, u.shape[2], 1)
    return u * (each / 2).contiguous().exp()
