"""Configuration of the documentation."""

import os
import re
import sys
from pathlib import Path

import skmmcl
from skmmcl.utils._site import REPOSITORY

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("MPLBACKEND", "Agg")

project = "skmmcl"
author = "skmmcl developers"
copyright = "skmmcl developers"  # noqa: A001 (Sphinx names it so)
version = release = skmmcl.__version__

# No intersphinx, and no file from another host: the site is built and read without a network.
extensions = [
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "sphinxcontrib.bibtex",
    "sphinxcontrib.katex",
    "_api_pages",
    "_class_pages",
    "_gallery",
]
exclude_patterns = [
    "_build",
    "changes",
    "templates",
    "auto_examples/**/*.ipynb",
    "**sg_execution_times.rst",  # sphinx-gallery's, with scripts of another host
]
templates_path = ["templates"]
default_role = "literal"

autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
autosummary_generate = True
autosummary_ignore_module_all = False
numpydoc_class_members_toctree = False
numpydoc_show_class_members = False
bibtex_bibfiles = ["references.bib"]
copybutton_exclude = ".linenos, .gp, .go"
# Style sheet and fonts of the version of KaTeX that sphinxcontrib-katex brings the scripts of.
katex_css_path = "katex/katex.min.css"

# Order of the sections of the gallery: the main task first, then as in the user guide.
GALLERY = ["cross_decomposition", "data", "model_selection", "contrastive", "inspection"]
GALLERY += ["volumes", "cluster", "ensemble", "datasets"]
# A notebook on Colab installs the version that it comes from.
EXTRAS = "skmmcl[plot,data,volumes,inspection,search]"
SOURCE = f"{EXTRAS} @ git+{REPOSITORY}" if "dev" in version else f"{EXTRAS}=={version}"

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "subsection_order": [f"../examples/{name}" for name in GALLERY],
    "within_subsection_order": "_gallery.main_example_first",
    "remove_config_comments": True,
    "filename_pattern": r"/plot_",
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("skmmcl",),
    "reference_url": {"skmmcl": None},
    "first_notebook_cell": (
        "try:\n    import skmmcl\nexcept ImportError:  # as on Colab\n"
        f'    %pip install -q "{SOURCE}"\n'
        "%matplotlib inline"
    ),
    "plot_gallery": "True",
    "abort_on_example_error": True,
    "min_reported_time": 5,
    "show_memory": False,
    "reset_modules": ("matplotlib", "_gallery.set_style"),
    "write_computation_times": False,
    "thumbnail_size": (480, 300),
    "parallel": 2,
}

html_theme = "pydata_sphinx_theme"
html_title = f"skmmcl {version}"
html_static_path = ["_static"]
html_css_files = ["skmmcl.css"]
html_favicon = "_static/logo_mark.svg"
html_show_sourcelink = False
html_theme_options = {
    "logo": {
        "image_light": "_static/logo_light.svg",
        "image_dark": "_static/logo_dark.svg",
        "alt_text": "skmmcl, home",
    },
    "header_links_before_dropdown": 5,
    "navbar_persistent": ["search-button"],
    "navigation_with_keys": False,
    "search_as_you_type": True,
    "show_nav_level": 1,
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"index": [], "install": []}


def setup(app):
    app.connect("autodoc-process-docstring", plain_inherited)


def plain_inherited(app, what, name, obj, options, lines):  # noqa: ARG001
    """Take scikit-learn's references to its own pages out of docstrings that are inherited."""
    if (getattr(obj, "__module__", None) or "").startswith("sklearn"):
        lines[:] = [re.sub(r":(?:ref|term):`([^`<]+?)(?:\s*<[^>]*>)?`", r"\1", x) for x in lines]
