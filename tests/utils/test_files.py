"""Paths of the user."""

from pathlib import Path

import pytest

from skmmcl.utils._files import user_path


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("~/a", "/home/of/a"),
        ("a/~", "a/~"),
        (Path("~/a"), "/home/of/a"),
        ("~nobody-of", "~nobody-of"),
    ],
)
def test_a_leading_tilde_is_the_home_folder(given, found, monkeypatch):
    monkeypatch.setenv("HOME", "/home/of")
    assert user_path(given) == Path(found)
