"""Guides of a contrast by metadata: numbers and classes that are compared by a kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.base import clone

from skmmcl.base import Guide
from skmmcl.contrastive._columns import (
    as_codes,
    as_floats,
    as_labels_of_sets,
    check_varied,
    columns_of_meta,
    columns_of_y,
    warn_of_lone,
)
from skmmcl.contrastive._kernel_checks import (
    bandwidths,
    check_function,
    warn_if_unmet,
    warned_if_degenerate,
)
from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError
from skmmcl.kernels import affinity
from skmmcl.kernels._distance import PROFILES

# What a loss of guided contrast is computed on, next to a class or metadata.
OF_CLASSES = ("z", "y", "mask", "sample_weight")
OF_METADATA = ("z", "targets", "mask", "sample_weight")

# Weights are checked on as many subjects as a batch has, within these limits.
MIN_CHECKED, MAX_CHECKED = 16, 128


class MetadataGuide(Guide):
    """Guidance by columns of ``y`` or of the side data.

    Parameters
    ----------
    settings : BaseEmbedder
        Its parameter ``metadata`` names the columns of the side data; None for ``y``.
    """

    without_y = " To use metadata in X.meta instead, set metadata=['age', 'site'], for example."

    def __init__(self, settings: Any) -> None:
        super().__init__()
        self.user, self.metadata = type(settings).__name__, settings.metadata
        self.is_required = self.metadata is None

    def values(self, y: Any, data: MultimodalData) -> np.ndarray | None:
        """Return the columns as numbers."""
        columns = columns_of_y(y) if self.metadata is None else columns_of_meta(data, self.metadata)
        known = self.learned.setdefault("metadata_names_", list(columns))
        if len(columns) != len(known):
            raise DataError(
                f"The metadata have the columns {list(columns)}, but {self.user} was fitted on "
                f"{known}."
            )
        self.learned["metadata_names_"] = list(columns)
        return self.as_numbers(columns)

    def as_numbers(self, columns: dict[str, np.ndarray]) -> np.ndarray:
        """Return columns by name as numbers (n_samples, n_columns), NaN where unknown."""
        return np.column_stack([as_floats(values, name) for name, values in columns.items()])


class KernelGuide(MetadataGuide):
    """Guidance by weights of pairs of subjects, a kernel of their metadata.

    Parameters
    ----------
    settings : BaseEmbedder
        Has the parameters ``metadata``, ``bandwidth`` and ``batch_size``.
    kernel : str, list of str or callable
        Kernel that compares the metadata.
    temperature : float, default=None
        Temperature at which the cosines of embeddings represent the weights; None for losses with
        another geometry.
    weights : callable, default=None
        Function from metadata to weights; None for the kernel.
    """

    def __init__(
        self,
        settings: Any,
        kernel: Any,
        *,
        temperature: float | None = None,
        weights: Callable[[torch.Tensor], torch.Tensor] | None = None,
    ) -> None:
        super().__init__(settings)
        self.kernel, self.bandwidth = kernel, settings.bandwidth
        self.temperature, self.weights = temperature, weights
        self.batch_size = settings.batch_size

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return self.learned["metadata_names_"]

    @property
    def of_loss(self) -> dict[str, Any]:
        """Parameters of a loss that takes a kernel."""
        return {"kernel": self.kernel, "bandwidth": tuple(self.learned["bandwidth_"].tolist())}

    def as_numbers(self, columns: dict[str, np.ndarray]) -> np.ndarray:
        """Return classes as codes, sets of labels as zeros and ones, and numbers as they are."""
        if self.kernel == "jaccard":
            return as_labels_of_sets(columns)
        read = [as_codes if k == "delta" else as_floats for k in self._kernels(len(columns))]
        pairs = zip(read, columns.items(), strict=True)
        return np.column_stack([read(values, name) for read, (name, values) in pairs])

    def strata(self, values: np.ndarray) -> np.ndarray | None:
        """Return the classes that the columns of the kernel "delta" form together."""
        kernels = self._kernels(values.shape[1])
        classes = values[:, [kernel == "delta" for kernel in kernels]]
        if not classes.shape[1]:
            return None
        known = ~np.isnan(classes).any(1)
        codes = np.full(len(values), -1)
        codes[known] = np.unique(classes[known], axis=0, return_inverse=True)[1].ravel()
        return codes

    def learn(self, values: np.ndarray, sample_weight: np.ndarray | None) -> None:
        """Check the metadata of the training subjects, and find the bandwidths."""
        kernels = self._kernels(values.shape[1])
        # A column of a representation or of labels may be constant.
        varied = [k for k, kernel in enumerate(kernels) if kernel in {"delta", *PROFILES}]
        check_varied(values[:, varied], [self.names[k] for k in varied])
        if np.isnan(values).any(1).all():
            raise DataError(f"None of the {len(values)} subjects has all metadata {self.names}.")
        for k in (k for k, kernel in enumerate(kernels) if kernel == "delta"):
            warn_of_lone(values[:, k], f"classes of {self.names[k]!r}", stacklevel=8)
        if callable(self.kernel):
            check_function(self.kernel, values)
        self.learned["bandwidth_"] = bandwidths(values, kernels, self.bandwidth, sample_weight)
        self._check_weights(values, measured=any(kernel in PROFILES for kernel in kernels))

    def _kernels(self, n_columns: int) -> list[Any]:
        """Return the kernel of each column."""
        if isinstance(self.kernel, str) or callable(self.kernel):
            return [self.kernel] * n_columns
        if len(self.kernel) != n_columns:
            raise DataError(
                f"kernel={self.kernel!r} has {len(self.kernel)} kernels for {n_columns} columns "
                "of metadata; set one for each, or one for all."
            )
        return list(self.kernel)

    def _check_weights(self, values: np.ndarray, *, measured: bool) -> None:
        """Warn of weights that guide nothing, or that a sphere cannot represent."""
        known = values[~np.isnan(values).any(1)]
        on_sphere = self.temperature is not None
        if len(known) < 3 or not (measured or on_sphere):
            return
        n_checked = min(max(self.batch_size, MIN_CHECKED), MAX_CHECKED)
        rows = np.random.default_rng(0).permutation(len(known))[:n_checked]
        shown = torch.as_tensor(known[rows])
        width = self.learned["bandwidth_"]
        weights = (
            affinity(shown, self.kernel, torch.as_tensor(width))
            if self.weights is None
            else self.weights(shown)
        )
        if measured and warned_if_degenerate(weights, width, self.names):
            return
        if self.temperature is not None:
            warn_if_unmet(weights, self.temperature, self.names)


class PriorGuide(KernelGuide):
    """Guidance by the representation of the subjects by another model."""

    def __init__(self, settings: Any) -> None:
        super().__init__(settings, settings.kernel)
        self.prior, self.is_required = settings.prior, False

    def values(self, y: Any, data: MultimodalData) -> np.ndarray | None:
        """Return the representation; the model is fitted in the first call."""
        if self.kernel is None or self.metadata is not None:
            raise ValueError(
                "prior= replaces metadata=, and needs a kernel such as 'cosine'; got "
                f"kernel={self.kernel!r}, metadata={self.metadata!r}."
            )
        if "prior_" not in self.learned:
            self.learned["prior_"] = clone(self.prior).fit(data, y)
        return super().values(self.learned["prior_"].transform(data), data)
