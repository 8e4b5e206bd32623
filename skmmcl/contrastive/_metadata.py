"""Embedders that are guided by a kernel of metadata."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import torch

from skmmcl.contrastive._columns import (
    as_codes,
    as_floats,
    as_labels_of_sets,
    check_varied,
    columns_of_meta,
    columns_of_y,
    warn_of_lone,
)
from skmmcl.contrastive._guided import BaseGuidedEmbedder
from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError
from skmmcl.kernels import affinity, estimate_bandwidth
from skmmcl.kernels._distance import PROFILES
from skmmcl.losses._realizability import unmet_share
from skmmcl.utils._named import named

# Median entropy of the weights, as a part of the most possible, beyond which they say nothing.
LEAST_ENTROPY, MOST_ENTROPY = 0.05, 0.98

# Part of what the weights tell beyond which it is told that a sphere has no room for it. Of ages
# under a hundredth is missed at a temperature of 0.1, a quarter to a half at 1.
MOST_UNMET = 0.25

# So many subjects are shown to a kernel that is a function, to see what it gives.
MOST_SHOWN = 500

# Weights are judged by as many subjects as a batch has, but at least and at most so many.
LEAST_JUDGED, MOST_JUDGED = 16, 128

Bandwidth = Literal["scott", "silverman", "median"] | float | Sequence[float]


class BaseMetadataEmbedder(BaseGuidedEmbedder):
    """An embedder that is told of the subjects what ``y`` or the container's meta say."""

    metadata: str | Sequence[str] | None

    metadata_names_: list[str]

    _without_y = " Metadata that X holds need none: metadata=['age', 'site'] names X.meta."

    def _requires_y(self) -> bool:
        return self.metadata is None

    def _read_values(self, y: Any, data: MultimodalData) -> np.ndarray | None:
        columns = columns_of_y(y) if self.metadata is None else columns_of_meta(data, self.metadata)
        if hasattr(self, "net_") and len(columns) != len(self.metadata_names_):
            raise DataError(
                f"The metadata have the columns {list(columns)}, but {type(self).__name__} was "
                f"fitted on {self.metadata_names_}."
            )
        self.metadata_names_ = list(columns)
        return self._as_numbers(columns)

    def _as_numbers(self, columns: dict[str, np.ndarray]) -> np.ndarray:
        """Columns by name as numbers (n_samples, n_columns), NaN where unknown."""
        raise NotImplementedError


class BaseKernelEmbedder(BaseMetadataEmbedder):
    """An embedder that weighs pairs of subjects by a kernel of their metadata."""

    kernel: str | Sequence[str] | Callable[..., torch.Tensor] | None
    bandwidth: Bandwidth
    temperature: float

    bandwidth_: np.ndarray

    def _kernel_used(self) -> Any:
        return self.kernel

    def _as_numbers(self, columns: dict[str, np.ndarray]) -> np.ndarray:
        if self._kernel_used() == "jaccard":
            return as_labels_of_sets(columns)
        kernels = self._kernels(len(columns))
        read = [as_codes if kernel == "delta" else as_floats for kernel in kernels]
        named = zip(read, columns.items(), strict=True)
        return np.column_stack([read(values, name) for read, (name, values) in named])

    def _kernels(self, n_columns: int) -> list[Any]:
        """The kernel of each column."""
        kernel = self._kernel_used()
        if isinstance(kernel, str) or callable(kernel):
            return [kernel] * n_columns
        if len(kernel) != n_columns:
            raise DataError(
                f"kernel={kernel!r} has {len(kernel)} kernels for {n_columns} columns of "
                "metadata; give one for each, or one for all."
            )
        return list(kernel)

    def _learn_values(self, values: np.ndarray, sample_weight: np.ndarray | None) -> None:
        kernels = self._kernels(values.shape[1])
        # A column of a representation or of labels may be constant.
        of_units = [
            k for k, kernel in enumerate(kernels) if kernel == "delta" or kernel in PROFILES
        ]
        check_varied(values[:, of_units], [self.metadata_names_[k] for k in of_units])
        if np.isnan(values).any(1).all():
            raise DataError(
                f"None of the {len(values)} subjects is known in all of {self.metadata_names_}."
            )
        of_classes = [k for k, kernel in enumerate(kernels) if kernel == "delta"]
        for k in of_classes:
            warn_of_lone(values[:, k], f"classes of {self.metadata_names_[k]!r}", stacklevel=5)
        if callable(self._kernel_used()):
            check_function(self._kernel_used(), values)
        self.bandwidth_ = bandwidths(values, kernels, self.bandwidth, sample_weight)
        measured = any(kernel in PROFILES for kernel in kernels)
        if measured or self._is_on_sphere():
            self._check_weights(values, measured=measured)

    def _check_weights(self, values: np.ndarray, *, measured: bool) -> None:
        """Warn of weights that guide nothing, or for which a sphere has no room."""
        known = values[~np.isnan(values).any(1)]
        if len(known) < 3:
            return
        n_judged = min(max(self.batch_size, LEAST_JUDGED), MOST_JUDGED)
        rows = np.random.default_rng(0).permutation(len(known))[:n_judged]
        weights = self._weights_of(torch.as_tensor(known[rows]))
        if not (measured and self._warned_if_degenerate(weights)) and self._is_on_sphere():
            self._warn_if_unmet(weights)

    def _weights_of(self, values: torch.Tensor) -> torch.Tensor:
        return affinity(values, self._kernel_used(), torch.as_tensor(self.bandwidth_))

    def _is_on_sphere(self) -> bool:
        """Whether cosines over a temperature are to follow the weights."""
        return False

    def _warned_if_degenerate(self, weights: torch.Tensor) -> bool:
        share = weights / weights.sum(-1, keepdim=True)
        entropy = float(torch.special.entr(share).sum(-1).median()) / np.log(len(weights))
        if LEAST_ENTROPY <= entropy <= MOST_ENTROPY:
            return False
        narrow = entropy < LEAST_ENTROPY
        effect = "are alike to themselves alone" if narrow else "are all alike"
        warnings.warn(
            f"The kernel is degenerate: with the bandwidth {self.bandwidth_.round(4).tolist()} "
            f"subjects {effect}, so that the metadata {self.metadata_names_} guide nothing (the "
            f"weights in a batch have {entropy:.3f} of the largest possible entropy). Give a "
            f"{'larger' if narrow else 'smaller'} bandwidth.",
            UserWarning,
            stacklevel=6,
        )
        return True

    def _warn_if_unmet(self, weights: torch.Tensor) -> None:
        unmet = unmet_share(weights, self.temperature, tolerated=MOST_UNMET)
        if unmet > MOST_UNMET:
            warnings.warn(
                f"A sphere has no room for these weights: with temperature={self.temperature} "
                f"embeddings can tell no more than {1 - unmet:.0%} of what the weights of "
                f"{self.metadata_names_} tell in a batch, whatever the encoder. Lower the "
                "temperature or widen what counts as alike; "
                "WeightedContrastiveEmbedder(scheme='euclidean') has no such limit.",
                UserWarning,
                stacklevel=6,
            )

    def _of_kernel(self) -> dict[str, Any]:
        """The parameters of a loss that takes a kernel."""
        return {"kernel": self._kernel_used(), "bandwidth": tuple(self.bandwidth_.tolist())}


def check_function(kernel: Callable[..., torch.Tensor], values: np.ndarray) -> None:
    """Raise if a kernel given as a function does not weigh the pairs of some of the subjects."""
    known = torch.as_tensor(values[~np.isnan(values).any(1)][:MOST_SHOWN])[None]
    try:
        weights = kernel(known)
    except Exception as error:
        raise ValueError(
            f"kernel={kernel!r} fails for metadata of shape {tuple(known.shape)}: "
            f"{type(error).__name__}: {error}"
        ) from error
    expected = (1, known.shape[1], known.shape[1])
    if not isinstance(weights, torch.Tensor) or weights.shape != expected:
        found = getattr(weights, "shape", type(weights).__name__)
        raise ValueError(
            f"kernel={kernel!r} must give weights of shape {expected} for metadata of shape "
            f"{tuple(known.shape)}; found {found}."
        )
    bad = ~(weights >= 0) | weights.isinf()
    if bad.any():
        raise ValueError(
            f"kernel={kernel!r} must give numbers of 0 or more; found {weights[bad][0]:.4g}, and "
            f"others in {int(bad.sum())} of {weights.numel()} pairs of subjects."
        )


def bandwidths(
    values: np.ndarray,
    kernels: Sequence[Any],
    bandwidth: Bandwidth,
    sample_weight: np.ndarray | None,
) -> np.ndarray:
    """The bandwidth of each column; 1 where the kernel has none."""
    widths = np.ones(len(kernels))
    measured = [k for k, kernel in enumerate(kernels) if kernel in PROFILES]
    if isinstance(bandwidth, str):
        if measured:
            widths[measured] = estimate_bandwidth(values[:, measured], bandwidth, sample_weight)
        return widths
    with named("bandwidth", "a number above 0, or one for each column of metadata"):
        given = np.asarray(bandwidth, dtype=np.float64)
    if given.ndim and given.shape != widths.shape:
        raise DataError(
            f"bandwidth={bandwidth!r} has {given.size} numbers for {len(kernels)} columns of "
            "metadata."
        )
    if not ((given > 0) & (given < np.inf)).all():
        raise ValueError(f"bandwidth={bandwidth!r} must be above 0 and finite in every column.")
    return widths * given
