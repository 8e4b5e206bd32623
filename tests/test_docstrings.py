"""Docstrings of estimators are completed by what their bases say."""

from __future__ import annotations

import inspect

import pytest
from numpydoc.docscrape import ClassDoc, FunctionDoc

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


def norm(x, axis):
    """Return the norm.

    Parameters
    ----------
    x : ndarray
        Numbers.
    axis : int
        An axis.
    """


def test_methods_get_the_words_of_the_base_for_what_they_leave_out():
    before = norm.__doc__

    @embedder
    class Method(BaseEmbedder):
        metric: object = norm  # a parameter, no method

        def transform(self, X, part=None):
            """Represent.

            Parameters
            ----------
            part : str, default=None
                A part.
            """

        def score(self, X, y):
            """Score."""

    entries = {name: FunctionDoc(getattr(Method, name)) for name in ("transform", "score")}
    base = {name: FunctionDoc(getattr(BaseEmbedder, name)) for name in ("transform", "fit")}
    assert [p.name for p in entries["transform"]["Parameters"]] == ["X", "part"]
    assert entries["transform"]["Parameters"][0] == base["transform"]["Parameters"][0]
    assert entries["transform"]["Returns"] == base["transform"]["Returns"]
    assert entries["score"]["Parameters"] == base["fit"]["Parameters"][:2]
    assert entries["score"]["Returns"] == []
    assert norm.__doc__ == before
