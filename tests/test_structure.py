"""The structure that the developer guide promises of every method."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType

import pytest

from skmmcl.base import BaseEmbedder
from skmmcl.datasets import make_cohort
from skmmcl.utils import all_estimators

EMBEDDERS = [cls for _, cls in all_estimators() if issubclass(cls, BaseEmbedder)]
HOOKS = {"_make_guide", "_make_network", "_make_objective", "_make_stage", "_make_views"}
MOST_LINES = 120  # of the file of an embedder
MOST_LINES_OF_ALL = 400


@pytest.mark.parametrize("cls", EMBEDDERS, ids=lambda cls: cls.__name__)
def test_a_method_derives_from_the_base_alone_and_overrides_hooks_alone(cls):
    bases = [base for base in cls.__mro__ if base.__module__.startswith("skmmcl")]
    mixins = [base for base in bases if base.__name__.endswith("Mixin")]
    assert [base for base in bases if base not in mixins] == [cls, BaseEmbedder]
    room = cls.__module__.rpartition(".")[0]
    assert all(mixin.__module__.rpartition(".")[0] == room for mixin in mixins)
    private = {n for n, v in vars(cls).items() if n.startswith("_") and inspect.isfunction(v)}
    overridden = {name for name in private if hasattr(BaseEmbedder, name)} - {"__init__"}
    assert overridden <= HOOKS


@pytest.mark.parametrize("cls", EMBEDDERS, ids=lambda cls: cls.__name__)
def test_the_file_of_a_method_is_short(cls):
    assert len(Path(inspect.getfile(cls)).read_text().splitlines()) <= MOST_LINES


def test_every_file_of_the_package_is_short(repo_dir):
    lines = {p: len(p.read_text().splitlines()) for p in (repo_dir / "skmmcl").rglob("*.py")}
    assert [path for path, n_lines in lines.items() if n_lines > MOST_LINES_OF_ALL] == []


@pytest.mark.parametrize("hook", sorted(HOOKS))
def test_the_developer_guide_names_each_hook_with_its_parameters(hook, repo_dir):
    guide = (repo_dir / "doc" / "developer_guide" / "adding_a_method.rst").read_text()
    (signature,) = [line for line in guide.splitlines() if line.startswith(f"``{hook}(")]
    for name in list(inspect.signature(getattr(BaseEmbedder, hook)).parameters)[1:]:
        assert name in signature


def test_the_map_of_methods_is_up_to_date(repo_dir):
    spec = importlib.util.spec_from_file_location("method_map", repo_dir / "doc/_method_map.py")
    method_map = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(method_map)
    written = (repo_dir / "doc" / "methods.rst").read_text()
    assert written == method_map.page(), "python doc/_method_map.py writes it anew"


def test_the_exercise_of_the_guide_still_works(repo_dir, monkeypatch):
    n_lines = 0
    for room in ("kernels", "losses", "contrastive"):
        text = (repo_dir / f"doc/developer_guide/exercise/{room}.py.txt").read_text()
        module = ModuleType(f"skmmcl.{room}._periodic")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(text, vars(module))
        n_lines += len(text.splitlines())
    assert n_lines <= 120
    X, _, _ = make_cohort(n_subjects=40, random_state=0)
    options = {"max_epochs": 20, "random_state": 0}
    embedder = module.PeriodicEmbedder(**options).fit(X, X.meta["age"])
    assert embedder.history_["train_loss"][-1] < embedder.history_["train_loss"][0]
