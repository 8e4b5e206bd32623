"""Configuration of the documentation."""

import os

import skmmcl

os.environ.setdefault("MPLBACKEND", "Agg")

project = "skmmcl"
author = "skmmcl developers"
copyright = "skmmcl developers"  # noqa: A001 (Sphinx names it so)
version = release = skmmcl.__version__

# No intersphinx: the site builds without a network.
extensions = [
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "sphinxcontrib.bibtex",
]
exclude_patterns = ["_build", "changes", "templates", "auto_examples/**/*.ipynb"]
templates_path = ["templates"]
default_role = "literal"

autodoc_typehints = "none"
autosummary_generate = True
autosummary_ignore_module_all = False
numpydoc_class_members_toctree = False
numpydoc_show_class_members = False
bibtex_bibfiles = ["references.bib"]
copybutton_exclude = ".linenos, .gp, .go"

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("skmmcl",),
    "reference_url": {"skmmcl": None},
    "first_notebook_cell": "# Needs skmmcl with its extra [plot].\n%matplotlib inline",
    "plot_gallery": "True",
    "abort_on_example_error": True,
    "min_reported_time": 5,
    "show_memory": False,
    "parallel": 2,
}

html_theme = "pydata_sphinx_theme"
html_title = f"skmmcl {version}"
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "search_as_you_type": True,
    "show_prev_next": True,
}
