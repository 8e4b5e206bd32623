"""Pages of classes: parameters in groups, and a table of methods.

It changes what numpydoc has made of a docstring; the docstrings themselves stay as they are.
"""

from __future__ import annotations

import inspect
import re

from skmmcl.base import BaseEmbedder
from skmmcl.base._parameters import Shared

# Each group goes from its first parameter, in the order of ``Shared``, to that of the next.
FIRST_OF_GROUP = {
    "modalities": "Input",
    "solver": "Solver",
    "max_epochs": "Training",
    "callbacks": "Bookkeeping",
    "temperature": "Method",
}
GROUPS = ("Method", "Input", "Solver", "Training", "Bookkeeping")
PARAMETER = re.compile(r"^    \*\*(\w+)\*\* ?:")
INHERITED = (
    "And those of every scikit-learn estimator: ``get_params``, ``set_params``{}. "
    "The :ref:`conventions <conventions>` say what all of them share."
)


def shared_groups() -> dict[str, str]:
    """Return the group of each parameter that several methods have."""
    groups, current = {}, "Method"
    for name in Shared._parameter_constraints:
        current = FIRST_OF_GROUP.get(name, current)
        groups[name] = current
    return groups


def grouped(lines: list[str]) -> list[str]:
    """Return the lines of a list of parameters, in groups."""
    groups, group = {name: [] for name in GROUPS}, "Method"
    known = shared_groups()
    for line in lines:
        found = PARAMETER.match(line)
        group = known.get(found[1], "Method") if found else group
        groups[group].append(line)
    text = []
    for name, members in groups.items():
        text += [f":{name}:", "", *members, ""] if any(members) else []
    return text


def method_names(cls: type) -> list[str]:
    """Return the methods that the package defines for a class, in the order in which they stand."""
    names = {}
    for base in cls.__mro__:
        if base.__module__.startswith("skmmcl"):
            names |= {n: None for n, member in vars(base).items() if _is_shown(n, member)}
    return list(names)


def _is_shown(name: str, member: object) -> bool:
    hidden = name.startswith("_") or name.endswith("_request") or name == "forward"
    return not hidden and bool(inspect.getdoc(member)) and _is_method(member)


def _is_method(member: object) -> bool:
    return inspect.isfunction(member) or isinstance(member, classmethod | staticmethod)


def method_table(cls: type, path: str) -> list[str]:
    """Return a table of the methods of a class, a line for each."""
    names = method_names(cls)
    if not names:
        return []
    lines = ["", ".. rubric:: Methods", "", ".. list-table::", "   :class: methods", ""]
    for name in names:
        summary = inspect.getdoc(getattr(cls, name)).split("\n\n")[0].replace("\n", " ")
        lines += [f"   * - :meth:`{name} <{path}.{name}>`", f"     - {summary}"]
    if hasattr(cls, "set_params"):
        output = ", ``fit_transform``, ``set_output``" if hasattr(cls, "set_output") else ""
        lines += ["", INHERITED.format(output)]
    return [*lines, ""]


def improve(_app, what: str, name: str, obj: object, _options, lines: list[str]) -> None:
    """Group the parameters of a class and add the table of its methods."""
    if what != "class":
        return
    if issubclass(obj, BaseEmbedder) and ":Parameters:" in lines:
        start = lines.index(":Parameters:")
        after = (k for k in range(start + 1, len(lines)) if re.match(r"[^\s]", lines[k]))
        stop = next(after, len(lines))
        lines[start:stop] = grouped(lines[start + 1 : stop])
    lines += method_table(obj, name)


def setup(app) -> dict[str, bool]:
    """Connect to Sphinx, after numpydoc."""
    app.connect("autodoc-process-docstring", improve, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
