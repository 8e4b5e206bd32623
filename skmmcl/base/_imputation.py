"""Representations of absent modalities, predicted from the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from skmmcl.solvers._joint_normal import JointNormal
from skmmcl.training import EmbeddingNet, SubjectSet, represent


class Imputation:
    """Ridge regression of a subject's absent modalities on the present ones.

    Component scores of an absent modality are regressed, and then encoded as if they had been
    present. They are unsupervised, so that training subjects do not differ from others. For a
    modality without component scores the representation itself is regressed.

    Parameters
    ----------
    net : EmbeddingNet
        Trained; each of its views has a block of the representation.
    subjects : SubjectSet
        The training subjects.
    sample_weight : ndarray of shape (n_samples,), optional
        How often a subject counts.
    """

    def __init__(
        self,
        net: EmbeddingNet,
        subjects: SubjectSet,
        sample_weight: np.ndarray | None,
    ) -> None:
        unneeded = [None] * len(net.module_.views)
        h = unneeded if all(_scored(net)) else represent(net, subjects)
        parts = _parts(net, subjects, h)
        blocks = np.repeat(np.arange(len(parts)), [part.shape[1] for part in parts])
        present = _presence(subjects, len(parts))
        self.joint = JointNormal(np.hstack(parts), blocks, present, sample_weight)

    def fill(self, net: EmbeddingNet, subjects: SubjectSet, h: np.ndarray) -> np.ndarray:
        """Fill in the representations of absent modalities.

        Parameters
        ----------
        net : EmbeddingNet
            The same.
        subjects : SubjectSet
            Any subjects.
        h : ndarray of shape (n_views, n_samples, n_components)
            Their representations; anything finite where absent.

        Returns
        -------
        ndarray of the shape of ``h``
            A copy, with those of absent modalities filled in; ``h`` itself if none is absent.
        """
        present = _presence(subjects, len(h))
        rows = np.flatnonzero(~present.all(axis=1))
        if not len(rows):
            return h
        parts = [part[rows] for part in _parts(net, subjects, h)]
        edges = np.cumsum([part.shape[1] for part in parts])[:-1]
        parts = np.split(self.joint.fill(np.hstack(parts), present[rows]), edges, axis=1)
        found = _encoded(net, subjects, rows, parts)
        filled = h.copy()
        filled[:, rows] = np.where(present[rows].T[..., None], h[:, rows], found)
        return filled


def _scored(net: EmbeddingNet) -> list[bool]:
    """Return whether each view reads component scores."""
    compressed = getattr(net.module_, "compressed", ())
    return [name in compressed for name in net.module_.views]


def _parts(net: EmbeddingNet, subjects: SubjectSet, h: Iterable[Any]) -> list[np.ndarray]:
    """Return what is regressed for each view: its component scores or its representation."""
    x: Any = subjects.data.x
    views = zip(net.module_.views, _scored(net), h, strict=True)
    return [
        np.asarray(x[name].cpu() if scored else of_view, dtype=float)
        for name, scored, of_view in views
    ]


def _presence(subjects: SubjectSet, n_views: int) -> np.ndarray:
    mask = subjects.data.mask
    return np.ones((len(subjects), n_views), bool) if mask is None else mask.cpu().numpy()


def _encoded(
    net: EmbeddingNet, subjects: SubjectSet, rows: np.ndarray, parts: list[np.ndarray]
) -> np.ndarray:
    """Encode some subjects, all of whose views are now known."""
    x: dict[str, Any] = dict(subjects.data.x)
    scored = _scored(net)
    if not any(scored):
        return np.stack(parts)
    for name, part, is_scored in zip(net.module_.views, parts, scored, strict=True):
        if is_scored:
            like: Any = subjects.data.x[name]
            x[name] = like.clone()
            x[name][torch.as_tensor(rows, device=like.device)] = torch.as_tensor(part).to(like)
    known = replace(subjects, data=replace(subjects.data, x=x, mask=None), rows=rows)
    h = represent(net, known)
    pairs = zip(h, parts, scored, strict=True)
    return np.stack([found if is_scored else part for found, part, is_scored in pairs])
