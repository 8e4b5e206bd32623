"""Fitted embedders as functions of torch that have a gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from skmmcl.base._embedder import BaseEmbedder
from skmmcl.base._input import check_subjects, ids_of, read_input
from skmmcl.data import MultimodalData
from skmmcl.exceptions import ModalityError
from skmmcl.training import to_tensor


class DifferentiableEncoder:
    """Representation by a fitted embedder as a differentiable function of one modality.

    Parameters
    ----------
    estimator : BaseEmbedder
        Fitted embedder.
    X : MultimodalData, mapping, list of records, DataFrame or array
        All modalities of the subjects, as for `transform`.
    modality : str
        The modality that varies. The others stay as they are, which matters where the method
        fuses modalities before it encodes them.

    Attributes
    ----------
    array : array-like of shape ``(n_subjects, *shape)``
        The modality as it was given, in memory or in files.
    shape : tuple of int
        Shape of one subject.
    n_components : int
        Width of the representation.
    columns : list of str or None
        Names of the columns of the modality, if it has any.
    subjects : ndarray of shape (n_subjects,)
        Ids of the subjects; their numbers if they have none.

    Raises
    ------
    ModalityError
        If the estimator knows no such modality, or subjects lack it.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl import CMCCSSEmbedder
    >>> from skmmcl.base import DifferentiableEncoder
    >>> X = {"smri": np.random.rand(20, 5), "fc": np.random.rand(20, 4, 4)}
    >>> embedder = CMCCSSEmbedder(solver="gradient", n_components=3, max_epochs=1).fit(
    ...     X, np.arange(20) % 2
    ... )
    >>> encoder = DifferentiableEncoder(embedder, X, "fc")
    >>> rows = np.arange(8)
    >>> with encoder.evaluated():
    ...     z = encoder.function(rows)(encoder.read(rows).requires_grad_())
    >>> z.shape, z.requires_grad
    (torch.Size([8, 3]), True)
    """

    def __init__(self, estimator: BaseEmbedder, X: Any, modality: str) -> None:
        _check_estimator(estimator, modality)
        self._data = read_input(estimator, X, reset=False)
        check_subjects(self._data, estimator._dtype)
        _check_present(self._data, modality)
        self.modality, self.array = modality, self._data[modality]
        self.shape = estimator.shapes_[modality]
        self.columns = self._data.columns[modality]
        ids = self._data.index
        self.subjects = np.arange(len(self._data)) if ids is None else ids
        trained: Any = estimator._trained
        self._means, units, self._origins = trained.means, trained.units, trained.origins
        self._net, self._network = estimator.net_, estimator.net_.module_
        like = next(self._network.parameters())
        self._unit = torch.as_tensor(units[modality]).to(like.device, like.dtype)
        n_views, width = estimator.mean_representation_.shape
        self.n_components = len(self._views(n_views)) * width
        self._directions = getattr(estimator, "normalize", False)

    def __len__(self) -> int:
        return len(self._data)

    @property
    def device(self) -> torch.device:
        """The device of the estimator's network."""
        return self._unit.device

    def _views(self, n_views: int) -> list[int]:
        """Return the views that read the modality; all where the network fuses modalities."""
        views = self._network.views
        own = [k for k, name in enumerate(views) if name == self.modality]
        return own if own and len(views) == n_views else list(range(n_views))

    def read(self, rows: np.ndarray) -> Tensor:
        """Read subjects, in the units in which the encoder sees them.

        Parameters
        ----------
        rows : ndarray of int
            Which subjects.

        Returns
        -------
        Tensor of shape ``(n_rows, *shape)``
            Their values of the modality in standard deviations of the training subjects,
            centered only where the mean is very large; unchanged if the estimator does not
            standardize.
        """
        return self._tensor(self.modality, rows) / self._unit

    def _tensor(self, name: str, rows: np.ndarray) -> Tensor:
        values = np.asarray(self._data[rows][name])
        present = _presence(self._data, name)[rows]
        return to_tensor(values, present, self._means[name], self._net, self._origins.get(name))

    def function(self, rows: np.ndarray) -> Callable[[Tensor], Tensor]:
        """Return the function that represents subjects, with their other modalities fixed.

        Parameters
        ----------
        rows : ndarray of int
            Which subjects.

        Returns
        -------
        callable
            Maps a Tensor such as `read` returns for the same subjects to one of shape
            (n_rows, n_components).
        """
        others = {name: self._tensor(name, rows) for name in self._data.modalities}
        views = [self._data.modalities.index(name) for name in self._network.views]
        has = self._data.mask[rows][:, views]
        mask = None if has.all() else torch.as_tensor(has, device=self.device)[None]

        def represent(x: Tensor) -> Tensor:
            prepared = self._network.prepare({**others, self.modality: x * self._unit})
            lane = {name: value[None] for name, value in prepared.items()}
            h = self._network.encode_lanes(lane, mask)[0]
            h = torch.nn.functional.normalize(h, dim=-1) if self._directions else h
            return torch.cat([h[view] for view in self._views(len(h))], dim=1)

        return represent

    @contextmanager
    def evaluated(self) -> Iterator[None]:
        """Keep the network in evaluation mode, and its weights without gradients, inside."""
        modes = {module: module.training for module in self._network.modules()}
        trainable = [weight for weight in self._network.parameters() if weight.requires_grad]
        self._network.eval().requires_grad_(False)
        try:
            yield
        finally:
            for module, training in modes.items():
                module.training = training
            for weight in trainable:
                weight.requires_grad_()


def _check_estimator(estimator: Any, modality: str) -> None:
    if not isinstance(estimator, BaseEmbedder):
        raise TypeError(
            f"Expected a fitted embedder of skmmcl, got {type(estimator).__name__}. From a "
            "pipeline take the embedder, model[k], and its input, model[:k].transform(X)."
        )
    check_is_fitted(estimator, "net_")
    if estimator.net_ is None:
        raise TypeError(
            f"This {type(estimator).__name__} was solved in closed form (solver="
            f"{estimator.solver!r}) and has no network to look into; solver='gradient' trains one."
        )
    if modality not in estimator.modalities_:
        raise ModalityError(
            f"{type(estimator).__name__} was fitted on the modalities {estimator.modalities_}; "
            f"{modality!r} is none of them."
        )


def _check_present(data: MultimodalData, modality: str) -> None:
    absent = ~_presence(data, modality)
    if absent.any():
        raise ModalityError(
            f"{absent.sum()} of {len(data)} subjects lack modality {modality!r}: "
            f"{ids_of(data, absent)}. Leave them out."
        )


def _presence(data: MultimodalData, modality: str) -> np.ndarray:
    return data.mask[:, data.modalities.index(modality)]
