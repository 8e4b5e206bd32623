"""Addresses of the site and the repository, and links from estimators to their pages."""

from __future__ import annotations

SITE = "https://skmmcl.github.io/skmmcl"
REPOSITORY = "https://github.com/skmmcl/skmmcl"
PAGE = f"{SITE}/generated/{{estimator_module}}.{{estimator_name}}.html"


class SiteLinkMixin:
    """Mixin that links the "?" of an estimator in a notebook to its page, as in scikit-learn."""

    _doc_link_module = "skmmcl"
    _doc_link_template = PAGE
