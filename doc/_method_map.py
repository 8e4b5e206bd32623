"""Write ``methods.rst``: the paper, loss, network and examples of each estimator.

Estimators are found by discovery and fitted to list their parts. Run ``python doc/_method_map.py``;
a test compares the page with its output.
"""

from __future__ import annotations

import inspect
import re
import warnings
from pathlib import Path

import numpy as np

from skmmcl.base import BaseEmbedder
from skmmcl.datasets import make_cohort
from skmmcl.utils import all_estimators

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
MOST_EXAMPLES = 4
ROOMS = ("cluster", "contrastive", "cross_decomposition", "decomposition")
HEAD = """.. _methods:

The methods at a glance
=======================

Each published method is an estimator: a network with named outputs, and a loss on them.
``python doc/_method_map.py`` writes this page: it fits every estimator and lists its parts.

.. list-table::
   :header-rows: 1
   :widths: 24 27 25 14 10
   :class: stack

   * - Estimator
     - Paper
     - Loss
     - Network
     - Example
"""


def papers(cls: type) -> list[str]:
    """Return authors and years of the references of a class."""
    text = inspect.getdoc(cls) or ""
    found = re.findall(r"^\.\. \[\d+\] (.*?)\((\d{4})\)", text, flags=re.MULTILINE | re.DOTALL)
    return [f"{_first_of_many(' '.join(authors.split()))} ({year})" for authors, year in found]


def _first_of_many(authors: str) -> str:
    """Return the authors of a paper, or the first of more than two."""
    names = authors.split(", ")
    return f"{names[0]} et al." if len(names) > 2 else authors


def parts(cls: type) -> tuple[list[str], str]:
    """Return the names of losses and the name of the network of a fitted embedder."""
    if not issubclass(cls, BaseEmbedder):
        return [], ""
    X, y, _ = make_cohort(n_subjects=40, random_state=0)
    made = cls(max_epochs=1, random_state=0, solver="gradient")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = made.fit(X, np.asarray(y)).net_
    losses = [getattr(term.loss, "args", [term.loss])[0] for term in net.criterion_.terms]
    losses = [getattr(loss, "loss", loss) for loss in losses]  # of pairs of modalities
    names = [type(getattr(loss, "__self__", loss)).__name__ for loss in losses]
    others = re.findall(r"^skmmcl\.losses\.(\w+Loss) :", inspect.getdoc(cls) or "", re.MULTILINE)
    return list(dict.fromkeys([*others, *names])), type(net.module_).__name__


def examples(name: str) -> list[str]:
    """Return the references of the examples that show an estimator."""
    found = [path for path in sorted(EXAMPLES.rglob("plot_*.py")) if name in path.read_text()]
    labels = ["sphx_glr_auto_examples_" + "_".join(p.relative_to(EXAMPLES).parts) for p in found]
    return [f":ref:`{k + 1} <{label}>`" for k, label in enumerate(labels[:MOST_EXAMPLES])]


def row(name: str, cls: type) -> str:
    """Return the line of one method."""
    import skmmcl.losses

    losses, network = parts(cls)
    room = cls.__module__.split(".")[1]
    named = [
        f":class:`~skmmcl.losses.{loss}`" if hasattr(skmmcl.losses, loss) else f"``{loss}``"
        for loss in losses
    ]
    cells = [
        f":class:`~skmmcl.{room}.{name}`",
        "; ".join(papers(cls)) or "None: a reference",
        ", ".join(named) or "None",
        f"``{network}``" if network else "None",
        " ".join(examples(name)),
    ]
    first, *others = cells
    return "\n".join([f"   * - {first}", *(f"     - {cell}".rstrip() for cell in others)])


def page() -> str:
    """Return the whole page."""
    methods = [(n, cls) for n, cls in all_estimators() if cls.__module__.split(".")[1] in ROOMS]
    return HEAD + "\n".join(row(name, cls) for name, cls in methods) + "\n"


if __name__ == "__main__":
    (HERE / "methods.rst").write_text(page())
