"""Model card: the page that describes a shared model."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from skmmcl.exceptions import ModelFileError
from skmmcl.sharing._allowed import find, is_allowed
from skmmcl.sharing._model import model_info

CITATION = """\
@software{skmmcl,
  title = {skmmcl: multimodal contrastive learning for neuroimaging in scikit-learn},
  author = {{skmmcl developers}},
}"""


def model_card(path: str | os.PathLike[str], *, load_with: str = "load_model(path)") -> str:
    """Return a description of the model of a file, in Markdown.

    Parameters
    ----------
    path : str or path
        File of `save_model`.
    load_with : str, default="load_model(path)"
        Call that loads the model.

    Returns
    -------
    str
        Its class, modalities, parameters, scores and versions, whether data of training subjects
        are in the file, and citations.

    Examples
    --------
    >>> import os, tempfile
    >>> from sklearn.linear_model import Ridge
    >>> from skmmcl import save_model
    >>> from skmmcl.sharing import model_card
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "ridge.skmmcl")
    ...     save_model(Ridge(), path)
    ...     card = model_card(path)
    >>> print(card[:7])
    # Ridge
    """
    about = model_info(path)
    name = about["class"].rpartition(".")[2]
    parts = [
        f"# {name}",
        f"A `{about['class']}`, saved by skmmcl {about['versions'].get('skmmcl', '?')}.",
        _section("Use", _code("python", _use(about, load_with))),
        _section("Data of subjects", _subjects(about)),
        _section("Input", _input(about)),
        _section("Scores", _table(("score", "value"), about["scores"].items())),
        _section("Parameters", _table(("parameter", "value"), about["parameters"].items())),
        _section("Versions", _table(("package", "version"), about["versions"].items())),
        _section("Citation", _citation(about["class"])),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _use(about: Mapping[str, Any], load_with: str) -> str:
    call = load_with
    if about["trusts"]:
        names = ", ".join(name.rpartition(".")[2] for name in about["trusts"])
        call = f"{load_with[:-1]}, trusted=[{names}])"
    return f"from skmmcl.sharing import {load_with.partition('(')[0]}\n\nmodel = {call}"


def _subjects(about: Mapping[str, Any]) -> str:
    if not about["holds_subjects"]:
        return "The file holds no data of training subjects."
    where = ", ".join(f"`{name}`" for name in about["subjects_in"])
    return f"**The file holds data of training subjects**, in {where}."


def _input(about: Mapping[str, Any]) -> str:
    shapes = about.get("shapes")
    if isinstance(shapes, Mapping):
        texts = {
            name: str(shape).strip("[]").replace(", ", " x ") for name, shape in shapes.items()
        }
        rows = [(name, text or "1") for name, text in texts.items()]
        return _table(("modality", "shape of one subject"), rows)
    names = about.get("feature_names") or []
    found = f"{about['n_features']} features" if "n_features" in about else ""
    return (
        f"{found}: {', '.join(map(str, names[:20]))}{', ...' if names[20:] else ''}"
        if names
        else found
    )


def _citation(name: str) -> str:
    """Return citations: the package, and the references in the docstring of the class."""
    try:
        text = (inspect.getdoc(find(name, {})) or "") if is_allowed(name) else ""
    except ModelFileError:  # a class that this version does not have
        text = ""
    found = re.search(r"\nReferences\n-+\n(.*?)(\n\n\w+\n---|\Z)", text, re.DOTALL)
    listed = "" if found is None else found[1].strip()
    return "\n\n".join(part for part in (_code("bibtex", CITATION), listed) if part)


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n{text}" if text else ""


def _code(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"


def _table(head: tuple[str, str], rows: Iterable[tuple[str, Any]]) -> str:
    lines = [f"| {_cell(name)} | {_cell(value)} |" for name, value in rows]
    return "\n".join([f"| {head[0]} | {head[1]} |", "|---|---|", *lines]) if lines else ""


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
