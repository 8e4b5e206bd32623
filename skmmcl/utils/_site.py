"""Addresses of the site and the repository."""

SITE = "https://skmmcl.github.io/skmmcl"
REPOSITORY = "https://github.com/skmmcl/skmmcl"
