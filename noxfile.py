"""Sessions of nox: tests with the versions that are supported, the site, and a release.

``nox --list`` names them. ``nox -s lowest`` needs some 5 GB of disk on Linux, where torch of its
age comes with CUDA.
"""

from __future__ import annotations

import re
from configparser import ConfigParser
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.sessions = ["tests-3.11"]
PYTHONS = ["3.11", "3.12", "3.13"]
HERE = Path(__file__).parent
# What the lowest and the highest session run by default: the layers and one pass over estimators.
CORE = ["tests/test_import.py", "tests/test_base.py", "tests/data", "tests/losses"]
CORE += ["tests/solvers", "tests/test_solver.py", "tests/test_missing.py", "tests/test_stacked.py"]


def lower_bounds(*extras: str) -> list[str]:
    """Return the lowest versions that setup.cfg allows, as requirements."""
    config = ConfigParser()
    config.read(HERE / "setup.cfg")
    lines = config["options"]["install_requires"].split("\n")
    for extra in extras:
        lines += config["options.extras_require"][extra].split("\n")
    found = [re.fullmatch(r"([\w.-]+)(?:\[\w+\])?>=([\d.]+).*", line) for line in lines]
    return [f"{match[1]}=={match[2]}" for match in found if match]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests with the versions of constraints.txt."""
    session.install("-c", "constraints.txt", "-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session(python="3.11")
def lowest(session: nox.Session) -> None:
    """Run tests with the lowest versions that setup.cfg allows."""
    session.install("-e", ".[test]", *lower_bounds("plot"))
    session.run("pytest", *(session.posargs or CORE))


@nox.session(python=PYTHONS[-1])
def highest(session: nox.Session) -> None:
    """Run tests with the newest versions that pip finds."""
    session.install("--upgrade", "-e", ".[test]")
    session.run("pytest", *(session.posargs or CORE))


@nox.session(python="3.11")
def site(session: nox.Session) -> None:
    """Build the site, with warnings as errors, and look at every page."""
    session.install("-c", "constraints.txt", "-e", ".[doc]")
    session.run("sphinx-build", "-W", "--keep-going", "doc", "doc/_build/html")
    session.run("python", ".ci/check_site.py", "doc/_build/html")


@nox.session(python="3.11")
def release(session: nox.Session) -> None:
    """Build wheel and sdist, install the wheel in an empty environment, run the quick start."""
    session.install("build", "twine", "towncrier")
    session.run("python", "-m", "build", "--outdir", "dist")
    session.run("twine", "check", *map(str, (HERE / "dist").glob("skmmcl-*")))
    session.run("towncrier", "build", "--draft")
    (wheel,) = (HERE / "dist").glob("skmmcl-*.whl")
    session.run("bash", ".ci/quick_start", str(wheel), external=True)
