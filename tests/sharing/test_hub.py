"""Models on the hub, whose place a folder takes."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skmmcl import SupConEmbedder, from_hub, push_to_hub
from skmmcl.exceptions import ModelFileError
from tests.sharing.fitted import fit, same, subjects

hub = pytest.importorskip("huggingface_hub")


@pytest.fixture
def shelf(monkeypatch, tmp_path):
    """Folder that stands for the hub; it notes what it was asked."""
    noted = SimpleNamespace(folder=tmp_path / "hub", asked=[])

    class Api:
        def __init__(self, token=None):
            noted.asked.append(("token", token))

        def create_repo(self, repo_id, *, private, exist_ok):
            noted.asked.append((repo_id, private, exist_ok))

        def upload_folder(self, *, repo_id, folder_path, commit_message):
            shutil.copytree(folder_path, noted.folder / repo_id, dirs_exist_ok=True)

    def download(repo_id, filename, *, revision, token):
        noted.asked.append((revision, token))
        return str(noted.folder / repo_id / filename)

    monkeypatch.setattr(hub, "HfApi", Api)
    monkeypatch.setattr(hub, "hf_hub_download", download)
    return noted


def test_a_pipeline_goes_to_the_hub_and_back(shelf):
    X, y = subjects()
    embedder = SupConEmbedder(solver="closed_form", random_state=0)
    model = make_pipeline(embedder, LogisticRegression()).fit(X, y)
    push_to_hub(model, "lab/a", scores={"auc": 0.8}, license="cc-by-4.0", token="t")
    assert sorted(p.name for p in (shelf.folder / "lab/a").iterdir()) == [
        "README.md",
        "model.skmmcl",
    ]
    assert same(from_hub("lab/a", revision="v1").predict_proba(X), model.predict_proba(X))
    assert shelf.asked == [("token", "t"), ("lab/a", True, True), ("v1", None)]


def test_the_card_says_what_the_model_is(tmp_path):
    push_to_hub(fit(SupConEmbedder), tmp_path / "a", scores={"auc": 0.8}, license="cc-by-4.0")
    text = (tmp_path / "a" / "README.md").read_text()
    assert hub.ModelCard(text).data.license == "cc-by-4.0"
    assert hub.ModelCard(text).data.library_name == "skmmcl"
    for line in (
        "# SupConEmbedder",
        "| fc | 4 x 4 |",
        "| auc | 0.8 |",
        "| max_epochs | 2 |",
        "The file holds no data of training subjects.",
        "Supervised contrastive learning",
    ):
        assert line in text


def test_a_folder_is_read_as_it_was_written(tmp_path):
    X, _ = subjects()
    push_to_hub(fit(SupConEmbedder), Path(tmp_path))
    assert same(from_hub(Path(tmp_path)).transform(X), fit(SupConEmbedder).transform(X))
    with pytest.raises(ModelFileError, match=r"has no model\.skmmcl"):
        from_hub(tmp_path / "elsewhere")


def test_without_the_package_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match=r'pip install "skmmcl\[hub\]"'):
        push_to_hub(LogisticRegression(), "lab/a")
