"""What importing the package costs and gives."""

import ast
import json
import subprocess
import sys
from importlib import metadata

import pytest

import skmmcl
from skmmcl.utils import all_estimators, all_public_objects

HEAVY = ("joblib", "nibabel", "numpy", "pandas", "scipy", "sklearn", "skorch", "torch")


def run_python(code: str, cwd) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    command = [sys.executable, "-W", "ignore", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=cwd).stdout


def test_importing_the_root_loads_nothing_heavy(repo_dir):
    code = "import json, sys, skmmcl; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(run_python(code, repo_dir))
    assert "skmmcl" in loaded
    assert not set(HEAVY) & set(loaded)
    assert [name for name in loaded if name.startswith("skmmcl.")] == []


def test_importing_the_root_takes_less_than_50_ms(repo_dir):
    code = "from time import process_time as t; a = t(); import skmmcl; print(t() - a)"
    assert min(float(run_python(code, repo_dir)) for _ in range(5)) < 0.05


@pytest.mark.parametrize(
    "room",
    [
        "cluster",
        "data",
        "datasets",
        "exceptions",
        "metrics",
        "model_selection",
        "solvers",
        "utils",
        "volumes",
    ],
)
def test_rooms_below_the_networks_do_without_torch(room, repo_dir):
    code = f"import sys, skmmcl.{room}; print('torch' in sys.modules)"
    assert run_python(code, repo_dir).strip() == "False"


@pytest.mark.parametrize(("name", "estimator"), all_estimators())
def test_every_estimator_is_reachable_from_the_root(name, estimator):
    assert name in skmmcl.__all__
    assert getattr(skmmcl, name) is estimator


def test_every_room_is_reachable_from_the_root():
    rooms = {path.split(".")[1] for path in all_public_objects()}
    assert rooms <= set(skmmcl.__all__)
    assert skmmcl.load_bids is skmmcl.volumes.load_bids


def test_type_checkers_see_the_names_of_the_root(repo_dir):
    tree = ast.parse((repo_dir / "skmmcl" / "__init__.py").read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {name.name: node.module for node in block.body for name in node.names}
    homes = skmmcl._HOMES
    assert seen == {n: f"skmmcl.{homes[n]}" if n in homes else "skmmcl" for n in skmmcl.__all__}


@pytest.mark.parametrize("name", skmmcl.__all__)
def test_every_root_name_resolves(name):
    assert getattr(skmmcl, name) is not None
    assert name in dir(skmmcl)


def test_root_names_are_the_rooms_own():
    from skmmcl.data import MultimodalData

    assert skmmcl.MultimodalData is MultimodalData


def test_unknown_root_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = skmmcl.Nonsense


def test_installed_metadata_agree_with_the_package():
    try:
        about = metadata.metadata("skmmcl")
    except metadata.PackageNotFoundError:
        pytest.skip("runs from a source tree that is not installed")
    assert about["Version"] == skmmcl.__version__
    assert about["License"] == "BSD-3-Clause"
    assert {"plot", "data", "test", "lint", "doc", "all"} <= set(about.get_all("Provides-Extra"))


def test_citation_names_the_version(repo_dir):
    assert f"version: {skmmcl.__version__}\n" in (repo_dir / "CITATION.cff").read_text()
