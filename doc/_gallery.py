"""Pages of the gallery: figures legible as thumbnails, and a link that opens the notebook."""

from __future__ import annotations

import shutil
from pathlib import Path

from skmmcl.utils._site import REPOSITORY

COLAB = REPOSITORY.replace("github.com", "colab.research.google.com/github", 1)
BUTTON = """
.. button-link:: {url}
   :color: secondary
   :outline:

   Open in Colab

"""


def main_example_first(name: str) -> tuple[bool, str]:
    """Return what sorts the examples of a section: the main one first, then by name."""
    return Path(name).name != "plot_cmc_css.py", name


def set_style(_config: dict, _file: str) -> None:
    """Set fonts that can be read at the width of a card."""
    import matplotlib as mpl

    mpl.rcParams.update(
        {"font.size": 12, "axes.titlesize": 13, "figure.dpi": 100, "savefig.dpi": 100}
    )


def add_button(_app, docname: str, source: list[str]) -> None:
    """Put the link below the title of an example."""
    if not docname.startswith("auto_examples/") or "/plot_" not in docname:
        return
    notebook = docname.replace("auto_examples", "notebooks") + ".ipynb"
    lines = source[0].split("\n")
    below = [k for k, line in enumerate(lines) if line and not line.strip("=")]
    title = next((k for k in below if k and lines[k - 1].strip()), None)
    if title is not None:
        lines.insert(title + 1, BUTTON.format(url=f"{COLAB}/blob/gh-pages/{notebook}"))
        source[0] = "\n".join(lines)


def copy_notebooks(app, exception: Exception | None) -> None:
    """Copy the notebooks to where the links look for them."""
    if exception is None and app.builder.name == "html":
        examples = Path(app.srcdir) / "auto_examples"
        for notebook in examples.rglob("plot_*.ipynb"):
            target = Path(app.outdir) / "notebooks" / notebook.relative_to(examples)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(notebook, target)


def setup(app) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("source-read", add_button)
    app.connect("build-finished", copy_notebooks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
