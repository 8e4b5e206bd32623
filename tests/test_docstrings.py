"""Docstrings of estimators are completed by what their bases say."""

from __future__ import annotations

import inspect

import pytest
from numpydoc.docscrape import ClassDoc

from skmmcl.base import BaseEmbedder, embedder
from skmmcl.utils import all_estimators

EMBEDDERS = [cls for _, cls in all_estimators() if issubclass(cls, BaseEmbedder)]


@embedder
class Described(BaseEmbedder):
    """Summary.

    Parameters
    ----------
    lr : float, default=0.5
        My own words.
    own : int, default=1
        A parameter of the method.

    Notes
    -----
    Something.
    """

    own: int = 1
    lr: float = 0.5


def entries(cls, section):
    return {name: (kind, lines) for name, kind, lines in ClassDoc(cls)[section]}


@pytest.mark.parametrize("cls", [*EMBEDDERS, Described], ids=lambda cls: cls.__name__)
def test_parameters_stand_in_the_order_of_the_signature(cls):
    assert list(entries(cls, "Parameters")) == list(inspect.signature(cls).parameters)


def test_a_class_keeps_its_own_words_and_gets_the_shared_ones():
    found, shared = entries(Described, "Parameters"), entries(BaseEmbedder, "Parameters")
    assert found["lr"] == ("float, default=0.5", ["My own words."])
    assert found["own"] == ("int, default=1", ["A parameter of the method."])
    assert found["max_epochs"] == shared["max_epochs"]
    assert entries(Described, "Attributes") == entries(BaseEmbedder, "Attributes")
    assert "Notes\n-----\nSomething." in Described.__doc__
