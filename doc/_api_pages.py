"""Pages of the API reference, one for each section of ``api.rst``.

``api.rst`` stays the one list of public names. Sphinx reads a page for each of its sections
instead, so that the sidebar shows the rooms of the package and, below each, its names.
"""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
GENERATED = HERE / "generated"
TITLE = re.compile(r"^(\S[^\n]*)\n-{3,}\n", flags=re.MULTILINE)
NAME = re.compile(r"^   (\w+(?:\.\w+)+)$", flags=re.MULTILINE)


def sections(text: str) -> dict[str, str]:
    """Return the text of each section of the list of names, by title."""
    parts = TITLE.split(text)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def slug(title: str) -> str:
    """Return the file name of a section's page."""
    return re.sub(r"\W+", "_", title.lower())


def page(title: str, body: str) -> str:
    """Return the page of a section, with short names."""
    body = NAME.sub(
        r"   ~\1", body.replace(":toctree: generated/", ":toctree: .\n   :nosignatures:")
    )
    return f"{title}\n{'=' * len(title)}\n\n.. currentmodule:: skmmcl\n{body}"


def index(text: str) -> str:
    """Return the start page: what stands above the first section, and a link to each page."""
    intro = TITLE.split(text)[0].replace(".. currentmodule:: skmmcl", "")
    lines = [intro, ".. toctree::", "   :maxdepth: 1", ""]
    return "\n".join([*lines, *(f"   generated/{slug(title)}" for title in sections(text)), ""])


def write_pages(_app=None, _config=None) -> None:
    """Write the pages, leaving alone those that would not change."""
    GENERATED.mkdir(exist_ok=True)
    for title, body in sections((HERE / "api.rst").read_text()).items():
        path, text = GENERATED / f"{slug(title)}.rst", page(title, body)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def show_index(_app, docname: str, source: list[str]) -> None:
    """Show the start page in place of the list of names."""
    if docname == "api":
        source[0] = index(source[0])


def setup(app) -> dict[str, bool]:
    """Connect to Sphinx, before it looks for pages."""
    app.connect("config-inited", write_pages)
    app.connect("source-read", show_index)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
