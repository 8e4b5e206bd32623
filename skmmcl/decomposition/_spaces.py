"""Columns of the common and the salient space, and reconstruction of subjects from them."""

from __future__ import annotations

from contextvars import ContextVar
from numbers import Integral
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import TransformerMixin
from sklearn.utils import ClassifierTags, check_random_state, check_scalar
from sklearn.utils.validation import check_is_fitted

from skmmcl.base._input import LONE_MODALITY, read_input
from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError
from skmmcl.utils._sklearn import check_feature_names_in, get_output_config
from skmmcl.utils._typing import RandomState, Subjects

Part = Literal["common", "salient"]

N_ROWS = 256

# The part that `transform` has just returned to scikit-learn, which asks for its names next.
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


class SpacesMixin(TransformerMixin):
    """From subjects to the latent variables of both spaces, and back.

    Attributes
    ----------
    mean_representation_ : ndarray of shape (1, n_common + n_salient)
        Mean of the training subjects.
    classes_ : ndarray of shape (2,)
        Labels of `y`.
    positive_ : object
        The label of the patients.
    """

    net_: Any
    mean_representation_: Any
    _transformed: Any

    def transform(self, X: Subjects, part: Part | None = None) -> np.ndarray:
        """Represent subjects by the means of their latent variables.

        Parameters
        ----------
        part : {"common", "salient"}, default=None
            The space; None for both, the common one first.

        Returns
        -------
        ndarray of shape (n_samples, n_common + n_salient), or the width of the part
            The representation.
        """
        check_is_fitted(self, "net_")
        columns = columns_of(part, *self._widths())
        out: Any = self._transformed(read_input(self, X, reset=False))
        if get_output_config("transform", self)["dense"] != "default":
            ASKED.set(part)
        return out.iloc[:, columns] if hasattr(out, "iloc") else out[:, columns]

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Return the names of the columns: ``common_0``, ..., ``salient_0``, ..."""
        check_is_fitted(self, "net_")
        check_feature_names_in(self, input_features)
        widths = dict(zip(("common", "salient"), self._widths(), strict=True))
        names = [f"{space}_{k}" for space, width in widths.items() for k in range(width)]
        part = ASKED.get()
        ASKED.set(None)
        return np.asarray(names, dtype=object)[columns_of(part, *widths.values())]

    def reconstruct(self, X: Subjects) -> MultimodalData | np.ndarray:
        """Decode the latent variables of subjects to all modalities, absent ones as well.

        Returns
        -------
        MultimodalData, or ndarray where fit was given one table without ``modalities``
            Subjects in their own units.
        """
        return decoded(self, *self._latent(X))

    def swap(self, X: Subjects, other: Subjects) -> MultimodalData | np.ndarray:
        """Decode subjects with the salient variables of other ones.

        Parameters
        ----------
        X : MultimodalData, mapping, list of records, DataFrame or array
            Subjects who keep their common variables, such as patients.
        other : MultimodalData, mapping, list of records, DataFrame or array
            Subjects whose salient variables they get, such as controls; as many, or one for all.

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

    def sample(
        self, n_samples: int = 1, *, patients: bool = True, random_state: RandomState = None
    ) -> MultimodalData | np.ndarray:
        """Draw subjects from the priors.

        Parameters
        ----------
        n_samples : int, default=1
            Number of subjects.
        patients : bool, default=True
            Whether patients are drawn, else controls, whose salient variables are 0.
        random_state : int, RandomState instance or None, default=None
            Seed of the draws; the same int gives the same subjects.

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

    def _latent(self, X: Subjects) -> tuple[np.ndarray, np.ndarray | None]:
        """Return all latent variables, and the ids of the subjects."""
        check_is_fitted(self, "net_")
        data = read_input(self, X, reset=False)
        return np.array(self._transformed(data)), data.index

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags = ClassifierTags(multi_class=False)  # y has two classes
        return tags

    def _widths(self) -> tuple[int, int]:
        """Return the numbers of common and of salient variables."""
        network = self.net_.module_
        return network.n_common, network.n_salient


def decoded(
    estimator: Any, latent: np.ndarray, index: np.ndarray | None = None
) -> MultimodalData | np.ndarray:
    """Return the subjects of latent variables (n_samples, n_common + n_salient), in their units.

    A container, or an array if fit was given one without a name.
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
    """Undo the scaling of a modality and its principal components."""
    trained, network = estimator._trained, estimator.net_.module_  # noqa: SLF001
    values, unit, mean = seen.double().cpu().numpy(), trained.units[name], trained.means[name]
    key, buffers = network._key[name], dict(network.named_buffers())  # noqa: SLF001
    weight = buffers.get(f"scalers.{key}.weight")
    if weight is None:
        return values * unit + mean if estimator.standardize else values
    axes = weight[0].double().cpu().numpy() * unit.reshape(-1, 1)  # orthogonal, of one length
    flat = values @ axes.T / np.square(axes).sum(0).mean()
    return flat.reshape(-1, *network.shapes[name]) * unit + mean
