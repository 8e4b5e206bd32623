"""Every public object is documented, listed and runs as its documentation says."""

import inspect
import re
from collections import defaultdict

import pytest
from numpydoc.docscrape import ClassDoc
from numpydoc.validate import validate

from skmmcl.utils import all_estimators, all_public_objects
from skmmcl.utils.discovery import _public_modules

# numpydoc's rules that the package does not hold to, as scikit-learn and nilearn do not.
IGNORED_RULES = {
    "ES01",  # an extended summary is written where there is more to say
    "GL01",  # the summary stands on the first line
    "RT02",  # returned values are named
    "SA01",  # See Also is optional
    "SA04",
}
# Methods are shown by the examples of their class.
IGNORED_RULES_OF_METHODS = IGNORED_RULES | {"EX01", "YD01"}
# The engine is for those who add methods: its docstrings say what is not plain from the signature.
ENGINE = "skmmcl.training."
IGNORED_RULES_OF_ENGINE = IGNORED_RULES_OF_METHODS | {"PR01", "RT01", "RT03"}
# torch calls forward: the docstring of the class says what a call takes and gives. The others are
# scikit-learn's, made for every estimator.
UNDOCUMENTED_METHODS = r"forward|set_\w+_request"
# (estimator, parameter) whose text rightly differs from that of the others.
OWN_PARAMETER_TEXTS: set[tuple[str, str]] = {
    ("AnatCLEmbedder", "bandwidth"),
    ("AnatCLEmbedder", "metadata"),
    ("CMCCSSEmbedder", "solver"),
    ("CoMMEmbedder", "n_components"),
    ("CoMMEmbedder", "projection_dim"),
    ("DecoupledUniformityEmbedder", "bandwidth"),
    ("DecoupledUniformityEmbedder", "kernel"),
    ("DeepUCSL", "encoders"),
    ("EpsSupInfoNCEEmbedder", "metadata"),
    ("SepVAEEmbedder", "n_components"),
    ("SupConEmbedder", "metadata"),
    ("TopologicalConsistencyEmbedder", "encoders"),
    ("TopologicalConsistencyEmbedder", "n_components"),
    ("TopologicalConsistencyEmbedder", "negatives"),
    ("TopologicalConsistencyEmbedder", "standardize"),
}

OBJECTS = all_public_objects()


def public_methods(path: str, cls: type) -> list[str]:
    """Return the paths of the methods and properties that the class itself describes."""
    return [
        f"{path}.{name}"
        for name, member in vars(cls).items()
        if not name.startswith("_")
        and not re.fullmatch(UNDOCUMENTED_METHODS, name)
        and (inspect.isroutine(member) or isinstance(member, property))
        and not inherits_its_docstring(cls, name, member)
    ]


def inherits_its_docstring(cls: type, name: str, member: object) -> bool:
    """Return whether a method says nothing because a base class has said it."""
    said_by_a_base = any(getattr(getattr(c, name, None), "__doc__", None) for c in cls.__mro__[1:])
    return not member.__doc__ and said_by_a_base


METHODS = [
    method
    for path, obj in OBJECTS.items()
    if inspect.isclass(obj)
    for method in public_methods(path, obj)
]


def docstring_errors(path: str, ignored: set[str]) -> list[str]:
    """Return what numpydoc has against the docstring at a path."""
    if path.startswith(ENGINE):
        ignored = ignored | IGNORED_RULES_OF_ENGINE
    errors = validate(path)["errors"]
    return [f"{code}: {text}" for code, text in errors if code not in ignored]


@pytest.mark.parametrize("path", OBJECTS)
def test_docstring_of_object_is_valid(path):
    raised = inspect.isclass(OBJECTS[path]) and issubclass(OBJECTS[path], Exception)
    assert docstring_errors(path, IGNORED_RULES | ({"EX01"} if raised else set())) == []


@pytest.mark.parametrize("path", METHODS)
def test_docstring_of_method_is_valid(path):
    assert docstring_errors(path, IGNORED_RULES_OF_METHODS) == []


def test_validation_sees_a_bad_docstring():
    errors = docstring_errors(f"{__name__}.docstring_errors", IGNORED_RULES)
    assert {error.partition(":")[0] for error in errors} >= {"EX01", "PR01"}


def test_public_modules_sort_their_names():
    for module in _public_modules():
        names = getattr(module, "__all__", None)
        assert names is not None, f"{module.__name__} has no __all__"
        assert list(names) == sorted(names), f"{module.__name__}.__all__ is not sorted"


def test_api_page_lists_every_public_object_and_nothing_else(repo_dir):
    page = (repo_dir / "doc" / "api.rst").read_text()
    listed = re.findall(r"^   (\w+(?:\.\w+)+)$", page, flags=re.MULTILINE)
    assert sorted(f"skmmcl.{name}" for name in listed) == sorted(OBJECTS)


def parameter_texts(cls: type) -> dict[str, str]:
    """Return type and description of each documented parameter, without the class's default."""
    parameters = ClassDoc(cls)["Parameters"]
    return {
        n: "\n".join([kind.partition(", default=")[0], *lines]) for n, kind, lines in parameters
    }


def conflicting_parameters(texts: dict[str, dict[str, str]]) -> dict[str, set[str]]:
    """Return the parameters that classes describe in more than one way, with these classes."""
    users = defaultdict(lambda: defaultdict(set))
    for owner, parameters in texts.items():
        for name, text in parameters.items():
            if (owner, name) not in OWN_PARAMETER_TEXTS:
                users[name][text].add(owner)
    return {
        name: set().union(*by_text.values()) for name, by_text in users.items() if len(by_text) > 1
    }


def test_embedders_describe_shared_parameters_in_the_same_words():
    from skmmcl.base import BaseEmbedder

    embedders = [BaseEmbedder, *(c for _, c in all_estimators() if issubclass(c, BaseEmbedder))]
    assert len(embedders) > 1
    assert conflicting_parameters({c.__name__: parameter_texts(c) for c in embedders}) == {}


def test_conflicting_parameters_are_found():
    texts = {"A": {"lr": "float\nStep."}, "B": {"lr": "float\nRate."}, "C": {"lr": "float\nStep."}}
    assert conflicting_parameters(texts) == {"lr": {"A", "B", "C"}}
    assert conflicting_parameters({"A": texts["A"], "C": texts["C"]}) == {}


def readme_blocks(repo_dir, language: str) -> list[str]:
    """Return the code blocks of the README that are marked with a language."""
    readme = (repo_dir / "README.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", readme, flags=re.MULTILINE | re.DOTALL)


def test_readme_example_runs(repo_dir):
    (code,) = readme_blocks(repo_dir, "python")
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["scores"].shape == (5,)
    assert names["scores"].mean() > 0.8
    assert names["search"].best_estimator_.predict(names["X"]).shape == names["y"].shape


def test_readme_quotes_the_error_of_a_plain_dict(repo_dir):
    import numpy as np
    from sklearn.dummy import DummyClassifier
    from sklearn.model_selection import cross_val_score

    from skmmcl import MultimodalData

    X = {name: np.zeros((300, 2)) for name in ("smri", "sc", "fc", "clinical")}
    y = np.arange(300) % 2
    with pytest.raises(ValueError, match="inconsistent numbers of samples") as error:
        cross_val_score(DummyClassifier(), X, y)
    assert readme_blocks(repo_dir, "text") == [f"ValueError: {error.value}\n"]
    assert cross_val_score(DummyClassifier(), MultimodalData(**X), y).shape == (5,)


@pytest.mark.parametrize("name", ["demo", "tests"])
def test_ci_finds_the_commands_of_the_readme(name, repo_dir):
    readme = (repo_dir / "README.md").read_text()
    pattern = rf"^<!-- ci: {name} -->\n```bash\n(.*?)^```$"
    (block,) = re.findall(pattern, readme, flags=re.MULTILINE | re.DOTALL)
    assert block.startswith("python3 -m venv .venv && ")
    assert f"run_readme_block {name}\n" in (repo_dir / ".ci" / "run").read_text()
