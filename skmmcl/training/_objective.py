"""Objectives: sums of named, weighted terms on named outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from skmmcl.losses import loss_signature, merge_losses
from skmmcl.networks._lanes import of_lane


@dataclass(frozen=True)
class Term:
    """One loss and the names of its arguments.

    Parameters
    ----------
    name : str
        Name of its value in the history.
    loss : callable
        Takes the named outputs in the order of ``on``, returns a scalar.
    on : tuple of str
        Names of network outputs or of arrays of the batch.
    weight : float, default=1.0
        Factor of the term in the sum.
    adversary : str, optional
        Child of the network that this term alone trains. The term is not part of the sum: in each
        batch the child makes its step first, and then the rest of the network makes its own, with
        the child fixed.

    Examples
    --------
    >>> from skmmcl.losses import CMCLoss
    >>> from skmmcl.training import Term
    >>> Term("cmc", CMCLoss(0.1), on=("z", "mask")).weight
    1.0
    """

    name: str
    loss: Callable[..., Tensor]
    on: tuple[str, ...]
    weight: float | Tensor = 1.0
    adversary: str | None = None


class Objective(nn.Module):
    """Weighted sum of terms without those of weight 0; adversaries have sums of their own.

    Tensors and values have a leading axis of lanes, one per fit. A loss without lanes, which has
    no ``stacked_parameters``, gets the only one.

    Parameters
    ----------
    terms : iterable of Term
        At least one with a weight other than 0; names must differ.

    Examples
    --------
    >>> import torch
    >>> from skmmcl.training import Objective, Term
    >>> objective = Objective([Term("norm", lambda z: (z**2).mean(), on=("z",), weight=2.0)])
    >>> total, terms = objective({"z": torch.ones(1, 3)})  # one lane
    >>> total.item(), terms["norm"].item()
    (2.0, 1.0)
    """

    def __init__(self, terms: Iterable[Term]) -> None:
        super().__init__()
        self.terms = [t for t in terms if isinstance(t.weight, Tensor) or t.weight != 0]
        names = [term.name for term in self.terms]
        if not names:
            raise ValueError("The objective has no term with a weight other than 0.")
        if len(set(names)) < len(names):
            raise ValueError(f"Names of terms must differ, got {names}.")
        if all(term.adversary for term in self.terms):
            raise ValueError(
                f"All terms, {names}, train adversaries; at least one must train the network."
            )
        self.adversaries = tuple(dict.fromkeys(t.adversary for t in self.terms if t.adversary))
        # Registered so that parameters of a loss are trained, and moved with the objective.
        self.losses = nn.ModuleList(t.loss for t in self.terms if isinstance(t.loss, nn.Module))

    def check(self, available: Iterable[str], children: Iterable[str] = ()) -> None:
        """Raise if a term names a missing output, or an adversary that the network lacks."""
        available = sorted(available)
        if lacking := sorted({*self.adversaries} - {*children}):
            raise ValueError(
                f"Terms train the adversaries {lacking}; the network has no such child."
            )
        for term in self.terms:
            unknown = [name for name in term.on if name not in available]
            if unknown:
                raise ValueError(
                    f"Term {term.name!r} asks for {unknown}, but only {available} are given."
                )

    def forward(self, named: Mapping[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the total, and the value of each term before its weight, in each lane."""
        values = {t.name: _value(t.loss, [named[name] for name in t.on]) for t in self.terms}
        return self._sum(values, None), values

    def of_adversary(self, named: Mapping[str, Any], name: str) -> Tensor:
        """Return the total of the terms that train an adversary, in each lane."""
        terms = [term for term in self.terms if term.adversary == name]
        return self._sum({t.name: _value(t.loss, [named[on] for on in t.on]) for t in terms}, name)

    def _sum(self, values: Mapping[str, Tensor], adversary: str | None) -> Tensor:
        weighted = [values[t.name] * t.weight for t in self.terms if t.adversary == adversary]
        return sum(weighted[1:], weighted[0])

    def signature(self) -> tuple | None:
        """Return a key that mergeable objectives share; None for one that cannot be merged."""
        if self.adversaries:  # which make steps of their own
            return None
        parts = tuple((t.name, t.on, loss_signature(t.loss)) for t in self.terms)
        return None if any(loss is None for *_, loss in parts) else parts

    @classmethod
    def merge(cls, objectives: Sequence[Objective], like: Tensor) -> Objective:
        """Merge objectives into one, each a lane with weights and temperatures of its own."""
        merged = []
        for terms in zip(*(objective.terms for objective in objectives), strict=True):
            weight = like.new_tensor([term.weight for term in terms])
            loss = merge_losses([term.loss for term in terms])
            merged.append(replace(terms[0], loss=loss, weight=weight))
        return cls(merged).to(like.device)


def _value(loss: Callable[..., Tensor], tensors: Sequence[Tensor | None]) -> Tensor:
    if hasattr(loss, "stacked_parameters"):
        return loss(*tensors)
    return loss(*(of_lane(tensor, 0) for tensor in tensors)).unsqueeze(0)
