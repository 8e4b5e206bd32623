"""Encoders of 2D images: their base class, and those of the timm package."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from torch import Tensor, nn


class ImageEncoder(nn.Module):
    """Base class of image encoders with local features."""

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n_samples, *shape)`` to (n_samples, n_components)."""
        return self.forward_local(x)[0]

    def forward_local(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Encode images, and return the local features on the way.

        Parameters
        ----------
        x : Tensor of shape ``(n_samples, *shape)``
            The images.

        Returns
        -------
        h : Tensor of shape (n_samples, n_components)
            The representation, as a call returns it.
        local : Tensor of shape ``(n_samples, n_features, *places)``
            The last features before pooling, at rows and columns or tokens.
        """
        raise NotImplementedError


class TimmEncoder(ImageEncoder):
    """Image network of timm :cite:p:`wightman2019timm` as an encoder.

    The names of encoders are ``"timm/resnet18"`` and, with weights that timm downloads once,
    ``"timm/resnet18:pretrained"``; ``"timm/resnet18:pooled"`` returns its averaged features. Give
    images an axis of channels: an array with two axes is a matrix, z-scored entry by entry.

    Parameters
    ----------
    shape : tuple (height, width) or (channels, height, width)
        Shape of one subject.
    n_components : int
        Width of the output.
    name : str
        Timm's name of the network; ``timm.list_models()`` has all names.
    pretrained : bool, default=False
        Whether training starts from timm's weights.
    pooled : bool, default=False
        Whether the output is the averaged features, without a last linear map; ``n_components``
        must be their number.

    Examples
    --------
    >>> from skmmcl.networks import TimmEncoder
    >>> encoder = TimmEncoder((3, 224, 224), 16, name="efficientnet_b0")  # doctest: +SKIP
    >>> encoder(torch.zeros(2, 3, 224, 224)).shape  # doctest: +SKIP
    torch.Size([2, 16])
    """

    def __init__(
        self,
        shape: Sequence[int],
        n_components: int,
        *,
        name: str,
        pretrained: bool = False,
        pooled: bool = False,
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        if len(shape) not in (2, 3):
            raise ValueError(
                f"the encoder 'timm/{name}' takes images of shape (height, width) or (channels, "
                f"height, width) per subject, not {self.shape}"
            )
        timm = _import_timm(name)
        if not timm.is_model(name):
            raise ValueError(f"timm has no network {name!r}; see timm.list_models()")
        settings = timm.get_pretrained_cfg(name)
        options: dict[str, Any] = {}
        if settings is not None and settings.fixed_input_size:
            options["img_size"] = self.shape[-2:]
        self.network = timm.create_model(
            name,
            pretrained=pretrained,
            in_chans=1 if len(shape) == 2 else shape[0],
            num_classes=0 if pooled else n_components,
            **options,
        )
        n_features = getattr(self.network, "num_features", n_components)
        if pooled and n_features != n_components:
            raise ValueError(
                f"'timm/{name}:pooled' has {n_features} features: set n_components to it"
            )

    def forward_local(self, x: Tensor) -> tuple[Tensor, Tensor]:
        local = self.network.forward_features(x.unsqueeze(1) if len(self.shape) == 2 else x)
        h = self.network.forward_head(local)
        n_features = getattr(self.network, "num_features", local.shape[1])
        return h, local if local.shape[1] == n_features else local.movedim(-1, 1)


def _import_timm(name: str) -> ModuleType:
    try:
        import timm
    except ModuleNotFoundError as error:
        raise ImportError(
            f"the encoder 'timm/{name}' needs timm: pip install \"skmmcl[images]\" ({error})"
        ) from error
    except (ImportError, RuntimeError) as error:  # torchvision raises both
        raise ImportError(
            f"the encoder 'timm/{name}' needs timm, which is installed but cannot be imported, "
            "most often because torchvision is not of the same version and build (CPU or CUDA) "
            f"as torch: {error}"
        ) from error
    return timm
