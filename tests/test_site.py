"""The site: links from notebooks, pages cut from the list of names, parameters in groups."""

import importlib.util
import re
import sys

import pytest
from sklearn.base import BaseEstimator

from skmmcl import CMCCSSEmbedder
from skmmcl.base._parameters import Shared
from skmmcl.utils import all_estimators


@pytest.fixture(name="doc_module")
def load_module(repo_dir, monkeypatch):
    """Return a function that imports a module of the documentation."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def load(name, folder="doc"):
        spec = importlib.util.spec_from_file_location(name, repo_dir / folder / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.mark.parametrize(("name", "cls"), all_estimators(), ids=str)
def test_the_question_mark_of_an_estimator_leads_to_its_page(name, cls, repo_dir):
    if not issubclass(cls, BaseEstimator):
        pytest.skip("it has no picture")
    link = cls._get_doc_link(object.__new__(cls))
    page = re.fullmatch(r"https://skmmcl\.github\.io/skmmcl/generated/skmmcl\.(.+)\.html", link)
    listed = (repo_dir / "doc" / "api.rst").read_text()
    assert page[1].endswith(name)
    assert f"\n   {page[1]}\n" in listed


def test_the_list_of_names_is_cut_into_pages(doc_module, repo_dir):
    pages = doc_module("_api_pages")
    text = (repo_dir / "doc" / "api.rst").read_text()
    cut = {title: pages.page(title, body) for title, body in pages.sections(text).items()}
    names = re.findall(r"^   (\w+(?:\.\w+)+)$", text, flags=re.MULTILINE)
    found = re.findall(r"^   ~(\S+)$", "\n".join(cut.values()), flags=re.MULTILINE)
    assert found == names
    assert all(f"   generated/{pages.slug(title)}\n" in pages.index(text) for title in cut)


def test_shared_parameters_are_in_groups(doc_module):
    groups = doc_module("_class_pages").shared_groups()
    assert groups.keys() == Shared._parameter_constraints.keys()
    assert groups["encoders"] == "Input"
    assert groups["lr"] == groups["max_epochs"] == "Training"
    assert groups["device"] == groups["random_state"] == "Bookkeeping"
    assert groups["temperature"] == "Method"


def test_a_class_has_its_parameters_in_groups_and_a_table_of_methods(doc_module):
    lines = [":Parameters:", "", "    **lr** : float", "        Rate.", ""]
    lines += ["    **own** : int", "        Of the method.", "", ":Attributes:", ""]
    doc_module("_class_pages").improve(None, "class", "x.C", CMCCSSEmbedder, None, lines)
    text = "\n".join(lines)
    assert ":Parameters:" not in lines
    assert [line for line in lines if re.fullmatch(r":\w+:", line)] == [
        ":Method:", ":Training:", ":Attributes:",
    ]  # fmt: skip
    assert text.index("**own**") < text.index("**lr**")
    assert ":meth:`fit_transform <x.C.fit_transform>`" in text


def test_formulas_have_the_style_of_their_scripts(repo_dir):
    katex = pytest.importorskip("sphinxcontrib.katex")
    style = (repo_dir / "doc" / "_static" / "katex" / "katex.min.css").read_text()
    assert f'"{katex.katex_version}"' in style


def test_links_that_lead_nowhere_are_found(doc_module, tmp_path):
    checker = doc_module("check_site", ".ci")
    links = ["b.html", "b.html#here", "b.html#gone", "c.html", "#top", "https://example.org/d"]
    page = "".join(f'<a href="{link}">' for link in links)
    (tmp_path / "a.html").write_text(f'<p id="start">{page}')
    (tmp_path / "b.html").write_text('<p id="here">')
    wrong = checker.check_links(tmp_path, ["a.html", "b.html"])
    assert [line.split(": ")[-1] for line in wrong] == ["#top", "b.html#gone", "c.html"]
