"""Tools that every room may use."""

from __future__ import annotations

from skmmcl.utils.discovery import all_estimators, all_public_objects

__all__ = ["all_estimators", "all_public_objects"]
