"""A margin that may be learned with the network."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from sklearn.utils.validation import check_is_fitted

from skmmcl.networks._margin import MarginNetwork


class MarginMixin:
    """Gives a contrast with a margin ``epsilon`` the network that learns it."""

    net_: Any
    if TYPE_CHECKING:  # the field of a dataclass has its place by where it is annotated
        learn_epsilon: bool

    def _make_network(self, **layout: Any) -> partial:
        network = super()._make_network(**layout)  # type: ignore[misc]
        return partial(MarginNetwork, **network.keywords) if self.learn_epsilon else network

    @property
    def epsilon_(self) -> float:
        """The margin at the end of training."""
        check_is_fitted(self, "net_")
        if self.net_ is None:
            raise AttributeError("Closed forms have no margin; solver='gradient' trains with one.")
        term, network = self.net_.criterion_.terms[0], self.net_.module_
        learned = network.widening.item() if "widening" in term.on else 0.0
        return max(0.0, term.loss.epsilon + learned)
