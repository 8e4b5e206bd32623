"""Discovery finds every public object once, under its shortest path."""

import inspect
import sys
from types import ModuleType

import pytest
from sklearn.base import BaseEstimator

from skmmcl.utils import all_estimators, all_public_objects, discovery


def test_all_estimators_are_concrete_public_and_sorted():
    estimators = all_estimators()
    names = [name for name, _ in estimators]
    assert names == sorted(set(names))
    assert {"CMCCSSEmbedder", "CrossFitTransformer", "LabeledOnly"} <= set(names)
    for name, cls in estimators:
        assert issubclass(cls, BaseEstimator)
        assert not inspect.isabstract(cls)
        assert not name.startswith(("Base", "_"))


def test_public_objects_have_one_path_each():
    objects = all_public_objects()
    assert len({id(obj) for obj in objects.values()}) == len(objects)
    assert "skmmcl.utils.all_estimators" in objects
    assert "skmmcl.utils.discovery.all_estimators" not in objects
    assert list(objects) == sorted(objects)


def test_public_objects_have_no_private_part():
    for path in all_public_objects():
        assert not any(part.startswith("_") for part in path.split("."))


@pytest.fixture
def fake_package(tmp_path, monkeypatch):
    """Make a package of a public room, a private file and two estimators."""
    root = tmp_path / "fakepkg"
    (root / "room").mkdir(parents=True)
    (root / "__init__.py").touch()
    (root / "__main__.py").write_text("raise RuntimeError('never imported')")
    (root / "_private.py").write_text("raise RuntimeError('never imported')")
    (root / "room" / "__init__.py").write_text(
        "from fakepkg.room._model import BaseModel, Model\n__all__ = ['BaseModel', 'Model']"
    )
    (root / "room" / "_model.py").write_text(
        "from sklearn.base import BaseEstimator\n"
        "class BaseModel(BaseEstimator): pass\n"
        "class Model(BaseModel): pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(discovery, "_ROOT", "fakepkg")
    yield
    for name in [name for name in sys.modules if name.startswith("fakepkg")]:
        del sys.modules[name]


@pytest.mark.usefixtures("fake_package")
def test_new_estimator_is_found_without_a_list():
    assert [name for name, _ in all_estimators()] == ["Model"]
    assert list(all_public_objects()) == ["fakepkg.room.BaseModel", "fakepkg.room.Model"]


def test_private_modules_and_main_are_not_imported():
    modules = {module.__name__ for module in discovery._public_modules()}
    assert {"skmmcl.data", "skmmcl.utils.discovery"} <= modules
    assert "skmmcl.__main__" not in modules
    assert all(isinstance(sys.modules[name], ModuleType) for name in modules)
