"""What a release needs is in one piece: fragments of the changelog, versions, addresses."""

import re
from configparser import ConfigParser

import pytest

FRAGMENT = r"\d+\.(feature|change|deprecation|fix)(\.\d+)?\.rst"


def read_setup(repo_dir):
    config = ConfigParser()
    config.read(repo_dir / "setup.cfg")
    return config


def bounds(repo_dir):
    """Return the lowest versions of what the package needs, by name."""
    config = read_setup(repo_dir)
    lines = config["options"]["install_requires"] + config["options.extras_require"]["plot"]
    return dict(re.findall(r"^([\w.-]+)>=([\d.]+)$", lines, flags=re.MULTILINE))


def test_towncrier_reads_every_fragment(repo_dir):
    names = [path.name for path in (repo_dir / "doc" / "changes").glob("*.rst")]
    assert [name for name in names if not re.fullmatch(FRAGMENT, name)] == []


@pytest.mark.parametrize("name", ["scikit-learn", "torch", "skorch", "numpy", "scipy", "pandas"])
def test_the_page_of_versions_has_the_bounds(name, repo_dir):
    page = (repo_dir / "doc" / "versions.rst").read_text()
    found = re.search(rf"\* - {name}.*\n     - ([\d.]+)\n", page)
    assert found[1] == bounds(repo_dir)[name]


def test_the_recipe_for_conda_has_the_bounds(repo_dir):
    recipe = (repo_dir / "doc" / "conda" / "meta.yaml").read_text()
    wanted = read_setup(repo_dir)["options"]["install_requires"].strip().split("\n")
    ours = [line.replace("torch", "pytorch").replace(">=", " >=") for line in wanted]
    assert [line for line in ours if f"    - {line}\n" not in recipe] == []


def test_constraints_are_within_the_bounds(repo_dir):
    pinned = dict(
        line.split("==")
        for line in (repo_dir / "constraints.txt").read_text().split("\n")
        if "==" in line
    )
    for name, lowest in bounds(repo_dir).items():
        as_numbers = [[int(k) for k in v.split(".")] for v in (lowest, pinned[name])]
        assert as_numbers[0] <= as_numbers[1], name


def test_addresses_are_the_same_everywhere(repo_dir):
    from skmmcl.utils._site import REPOSITORY, SITE

    urls = read_setup(repo_dir)["metadata"]["project_urls"]
    assert f"Documentation = {SITE}\n" in f"{urls}\n"
    assert f"Source = {REPOSITORY}\n" in f"{urls}\n"
    assert f"git clone {REPOSITORY}" in (repo_dir / "README.md").read_text()
