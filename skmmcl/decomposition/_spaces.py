"""Columns of the common and the salient space, and back from them to subjects."""

from __future__ import annotations

from contextvars import ContextVar
from numbers import Integral
from typing import Any

import numpy as np
import torch
from sklearn.utils import ClassifierTags, check_random_state, check_scalar
from sklearn.utils.validation import check_is_fitted

from skmmcl.base._input import LONE_MODALITY, read_input
from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError
from skmmcl.utils._sklearn import check_feature_names_in

N_ROWS = 256

# The part that `transform` has just given to scikit-learn, which asks for names next.
ASKED: ContextVar[str | None] = ContextVar("part", default=None)


def columns_of(part: Any, n_common: int, n_salient: int) -> slice:
    """Return the columns of a space among all; None for both."""
    columns = {
        None: slice(None),
        "common": slice(n_common),
        "salient": slice(n_common, n_common + n_salient),
    }
    if not (part is None or isinstance(part, str)) or part not in columns:
        raise ValueError(f"part={part!r}; expected 'common', 'salient', or None for both.")
    return columns[part]


class SpacesMixin:
    """Goes back from the latent variables of both spaces to subjects."""

    net_: Any
    mean_representation_: Any
    _transformed: Any

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns: ``common_0``, ..., ``salient_0``, ..."""
        check_is_fitted(self, "net_")
        check_feature_names_in(self, input_features)
        widths = dict(zip(("common", "salient"), self._widths(), strict=True))
        names = [f"{space}_{k}" for space, width in widths.items() for k in range(width)]
        part = ASKED.get()
        ASKED.set(None)
        return np.asarray(names, dtype=object)[columns_of(part, *widths.values())]

    def reconstruct(self, X: Any) -> Any:
        """Decode the latent variables of subjects to all modalities, absent ones as well.

        Parameters
        ----------
        X : MultimodalData, mapping, list of records, DataFrame or array
            The modalities that were seen in fit; any of them may be absent.

        Returns
        -------
        MultimodalData, or ndarray where fit was given one table without ``modalities``
            Subjects in their own units.
        """
        return decoded(self, *self._latent(X))

    def swap(self, X: Any, other: Any) -> Any:
        """Decode subjects with the salient variables of other ones.

        Parameters
        ----------
        X : MultimodalData, mapping, list of records, DataFrame or array
            Subjects who keep their common variables, such as patients.
        other : MultimodalData, mapping, list of records, DataFrame or array
            As many subjects whose salient variables they get, such as controls; or one for all.

        Returns
        -------
        MultimodalData, or ndarray where fit was given one table without ``modalities``
            Subjects in their own units.
        """
        (latent, index), (given, _) = self._latent(X), self._latent(other)
        if len(given) not in (1, len(latent)):
            raise DataError(
                f"other has {len(given)} subjects; expected one, or {len(latent)} as X has."
            )
        latent[:, self._widths()[0] :] = given[:, self._widths()[0] :]
        return decoded(self, latent, index)

    def sample(self, n_samples: int = 1, *, patients: bool = True, random_state: Any = None) -> Any:
        """Draw subjects from the priors.

        Parameters
        ----------
        n_samples : int, default=1
            How many.
        patients : bool, default=True
            Whether they are patients, or controls, whose salient variables are 0.
        random_state : int, RandomState instance or None, default=None
            The same int gives the same subjects.

        Returns
        -------
        MultimodalData, or ndarray where fit was given one table without ``modalities``
            Subjects in their own units.
        """
        check_is_fitted(self, "net_")
        check_scalar(n_samples, "n_samples", Integral, min_val=1)
        rng = check_random_state(random_state)
        latent = rng.standard_normal((n_samples, sum(self._widths())))
        latent = latent.astype(self.mean_representation_.dtype)
        if not patients:
            latent[:, self._widths()[0] :] = 0
        return decoded(self, latent)

    def _latent(self, X: Any) -> tuple[np.ndarray, Any]:
        """Return all latent variables, and the ids of the subjects."""
        check_is_fitted(self, "net_")
        data = read_input(self, X, reset=False)
        return np.array(self._transformed(data)), data.index

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.classifier_tags = ClassifierTags(multi_class=False)  # y has two classes
        return tags

    def _widths(self) -> tuple[int, int]:
        """Return the numbers of common and of salient variables."""
        network = self.net_.module_
        return network.n_common, network.n_salient


def decoded(estimator: Any, latent: np.ndarray, index: Any = None) -> Any:
    """Return the subjects of latent variables (n_samples, n_common + n_salient), in own units.

    A container, or the array of a lone modality that came without a name.
    """
    network = estimator.net_.module_.eval()
    like = next(network.parameters())
    parts: list[list[np.ndarray]] = [[] for _ in estimator.modalities_]
    for start in range(0, len(latent), N_ROWS):
        rows = torch.as_tensor(latent[start : start + N_ROWS]).to(like)[None]
        with torch.inference_mode():
            out = network.decode_lanes(rows[..., : network.n_common], rows[..., network.n_common :])
        for k, name in enumerate(estimator.modalities_):
            parts[k].append(_in_own_units(estimator, name, out[k][0]))
    arrays = {
        name: np.concatenate(part).astype(latent.dtype)
        for name, part in zip(estimator.modalities_, parts, strict=True)
    }
    if list(arrays) == [LONE_MODALITY]:
        return arrays[LONE_MODALITY]
    return MultimodalData(arrays, index=index)


def _in_own_units(estimator: Any, name: str, seen: torch.Tensor) -> np.ndarray:
    """Undo what was done to a modality before its encoder."""
    trained, network = estimator._trained, estimator.net_.module_  # noqa: SLF001
    values, unit, mean = seen.double().cpu().numpy(), trained.units[name], trained.means[name]
    key, buffers = network._key[name], dict(network.named_buffers())  # noqa: SLF001
    weight = buffers.get(f"scalers.{key}.weight")
    if weight is None:
        return values * unit + mean if estimator.standardize else values
    axes = weight[0].double().cpu().numpy() * unit.reshape(-1, 1)  # orthogonal, of one length
    flat = values @ axes.T / np.square(axes).sum(0).mean()
    return flat.reshape(-1, *network.shapes[name]) * unit + mean
