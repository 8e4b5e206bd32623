"""AlexNet of 2D images."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from skmmcl.networks._images import ImageEncoder

PLACES = 6  # sides of the grid that the hidden layers of the classifier read


class AlexNet2d(ImageEncoder):
    """AlexNet, the image encoder of CoMM's study on Trifeature :cite:p:`dufumier2025`.

    The convolutions of :cite:t:`krizhevsky2014one`. Their last grid, 6 by 6 places of images of 224
    pixels, are its local features: `CoMMEmbedder` makes a token of each place.

    Parameters
    ----------
    shape : tuple (channels, height, width)
        Shape of one subject, with sides of at least 63 pixels.
    n_components : int
        Width of the output.
    hidden : sequence of int, default=()
        Widths of hidden layers after a grid of 6 by 6 places, (4096, 4096) in the original
        classifier; empty for a linear map of the mean over the places.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.networks import AlexNet2d
    >>> with torch.device("meta"):  # takes no memory
    ...     whole = AlexNet2d((3, 224, 224), 1000, hidden=(4096, 4096))
    >>> sum(p.numel() for p in whole.parameters())
    61100840
    """

    def __init__(
        self, shape: Sequence[int], n_components: int, *, hidden: Sequence[int] = ()
    ) -> None:
        super().__init__()
        if len(shape) != 3 or min(shape[1:]) < 63:
            raise ValueError(
                "AlexNet2d takes images of shape (channels, height, width) per subject with sides "
                f"of at least 63 pixels, not {tuple(shape)}"
            )
        self.features = nn.Sequential(
            *_convolution(shape[0], 64, 11, stride=4, padding=2),
            nn.MaxPool2d(3, stride=2),
            *_convolution(64, 192, 5, padding=2),
            nn.MaxPool2d(3, stride=2),
            *_convolution(192, 384, 3, padding=1),
            *_convolution(384, 256, 3, padding=1),
            *_convolution(256, 256, 3, padding=1),
            nn.MaxPool2d(3, stride=2),
        )
        side = PLACES if hidden else 1
        layers: list[nn.Module] = [nn.AdaptiveAvgPool2d(side), nn.Flatten()]
        width = 256 * side**2
        for n_out in hidden:
            layers += [nn.Dropout(), nn.Linear(width, n_out), nn.ReLU(inplace=True)]
            width = n_out
        self.fc = nn.Sequential(*layers, nn.Linear(width, n_components))

    def forward_local(self, x: Tensor) -> tuple[Tensor, Tensor]:
        local = self.features(x)
        return self.fc(local), local


def _convolution(
    n_in: int, n_out: int, kernel: int, *, padding: int, stride: int = 1
) -> list[nn.Module]:
    conv = nn.Conv2d(n_in, n_out, kernel, stride=stride, padding=padding)
    return [conv, nn.ReLU(inplace=True)]
