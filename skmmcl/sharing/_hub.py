"""Models on the Hugging Face hub, or in a folder with the layout of a repository."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator

from skmmcl.exceptions import ModelFileError
from skmmcl.sharing._card import model_card
from skmmcl.sharing._model import load_model, save_model
from skmmcl.utils._files import user_path
from skmmcl.utils._optional import import_optional

MODEL, CARD = "model.skmmcl", "README.md"
ADVICE = 'The hub needs huggingface_hub: pip install "skmmcl[hub]".'


def push_to_hub(
    model: BaseEstimator,
    repo: str | os.PathLike[str],
    *,
    scores: Mapping[str, float] | None = None,
    include_subjects: bool = False,
    private: bool = True,
    license: str | None = None,  # noqa: A002  the hub's word
    token: str | None = None,
    message: str = "Add a model of skmmcl",
) -> None:
    """Share a model on the Hugging Face hub: the file of `save_model` and a model card.

    Parameters
    ----------
    model : estimator
        As in `save_model`.
    repo : str or path
        Repository on the hub, such as ``"lab/brain-age"``, created if it does not exist. A path
        object, ``pathlib.Path(...)``, is a folder of this computer instead, to which the same
        files are written.
    scores : mapping of str to float, optional
        Scores of the model, which the card shows.
    include_subjects : bool, default=False
        Whether data of training subjects may be shared.
    private : bool, default=True
        Whether only its owners can see a repository that is created here.
    license : str, optional
        License of the model, by its name on the hub, such as "cc-by-4.0".
    token : str, optional
        Access token; by default that of ``hf auth login``.
    message : str, default="Add a model of skmmcl"
        Message of the commit.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.linear_model import Ridge
    >>> from skmmcl.sharing import from_hub, push_to_hub
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     push_to_hub(Ridge(alpha=2.0), Path(folder), scores={"r2": 0.4})
    ...     from_hub(Path(folder))
    Ridge(alpha=2.0)
    """
    hub = import_optional("huggingface_hub", ADVICE)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) if isinstance(repo, str) else user_path(repo)
        path = folder / MODEL
        save_model(model, path, scores=scores, include_subjects=include_subjects)
        call = f'from_hub("{repo}")' if isinstance(repo, str) else "load_model(path)"
        head = hub.ModelCardData(
            library_name="skmmcl",
            license=license,
            tags=["neuroimaging", "contrastive-learning", type(model).__name__],
        )
        card = f"---\n{head.to_yaml()}\n---\n\n{model_card(path, load_with=call)}"
        (folder / CARD).write_text(card, encoding="utf-8")
        if isinstance(repo, str):
            api = hub.HfApi(token=token)
            api.create_repo(repo, private=private, exist_ok=True)
            api.upload_folder(repo_id=repo, folder_path=folder, commit_message=message)


def from_hub(
    repo: str | os.PathLike[str],
    *,
    trusted: Iterable[Any] | Mapping[str, Any] = (),
    revision: str | None = None,
    token: str | None = None,
) -> Any:
    """Load a model from the Hugging Face hub, without executing code of it.

    Parameters
    ----------
    repo : str or path
        Repository on the hub, such as ``"lab/brain-age"``; or, as a path object, a folder that
        `push_to_hub` has written.
    trusted : sequence of classes and functions, or mapping of str to these, default=()
        As in `load_model`.
    revision : str, optional
        Branch, tag or commit. Only a commit always gives the same model.
    token : str, optional
        Access token; by default that of ``hf auth login``.

    Returns
    -------
    estimator
        The model as it was saved.

    Examples
    --------
    >>> from skmmcl.sharing import from_hub
    >>> model = from_hub("lab/brain-age", revision="v1")  # doctest: +SKIP
    """
    if not isinstance(repo, str):
        path = user_path(repo) / MODEL
        if not path.is_file():
            raise ModelFileError(f"{os.fspath(repo)!r} has no {MODEL}; push_to_hub writes one.")
        return load_model(path, trusted=trusted)
    hub = import_optional("huggingface_hub", ADVICE)
    path = hub.hf_hub_download(repo, MODEL, revision=revision, token=token)
    return load_model(path, trusted=trusted)
