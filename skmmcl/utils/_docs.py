"""Documentation of parameters that several classes share."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping

TITLE = "Parameters\n----------\n"


def add_parameters(cls: type, entries: Mapping[str, str], *, first: bool = False) -> None:
    r"""Document parameters in the docstring of a class that leaves them out.

    A docstring without any section stays as it is.

    Parameters
    ----------
    cls : type
        Class whose docstring is changed.
    entries : dict of str to str
        Type and description of each parameter, as numpydoc lays them out.
    first : bool, default=False
        Whether they come before the parameters that the class documents.

    Examples
    --------
    >>> from skmmcl.utils._docs import add_parameters
    >>> class Flip:
    ...     __doc__ = "Mirror subjects.\n\nNotes\n-----\nBy an axis."
    >>> add_parameters(Flip, {"p": "float\n    Probability."})
    >>> Flip.__doc__.partition("Notes")[0]
    'Mirror subjects.\n\nParameters\n----------\np : float\n    Probability.\n\n'
    """
    text = inspect.cleandoc(cls.__doc__ or "")
    section = re.search(r"^\w[\w ]*\n-+$", text, re.MULTILINE)
    known = re.findall(r"^(\w+) : ", text, re.MULTILINE)
    lines = [f"{name} : {entry}" for name, entry in entries.items() if name not in known]
    if section is None or not lines:
        return
    if TITLE not in text:
        text = f"{text[: section.start()]}{TITLE}\n\n{text[section.start() :]}"
    before, _, after = text.partition(TITLE)
    own, gap, rest = after.partition("\n\n")
    listed = [*lines, own] if first else [own, *lines]
    cls.__doc__ = before + TITLE + "\n".join(filter(None, listed)) + gap + rest + "\n"
