"""Write the examples of the present version of the format: ``python -m tests.sharing.versions``.

A file that lies in ``files`` is never written anew: what was released is read for ever.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl import CLIPEmbedder, CMCCSSEmbedder, ModalityTransformer, MultimodalData, save_model
from skmmcl.sharing._file import FORMAT_VERSION

FILES = Path(__file__).with_name("files")


def example_subjects() -> tuple[MultimodalData, np.ndarray]:
    """Return subjects that are the same on every machine."""
    k = np.arange(40.0)[:, None]
    smri = np.sin(k * [1.0, 2.0, 3.0])
    fc = np.cos(k * [1.5, 2.5, 3.5, 4.5]) + smri[:, :1]
    smri[5] = np.nan
    return MultimodalData(smri=smri, fc=fc), (smri[:, 0] > 0).astype(int)


def examples() -> dict[str, tuple[object, str]]:
    """Return fitted models, and the method that shows what they give."""
    X, y = example_subjects()
    trained = CMCCSSEmbedder(
        solver="gradient", encoders="linear", n_components=2, max_epochs=3, random_state=0
    )
    scaled = ModalityTransformer({"smri": StandardScaler()})
    pipe = make_pipeline(scaled, trained, LogisticRegression())
    solved = CLIPEmbedder(solver="closed_form", n_components=2)
    return {"trained": (pipe.fit(X, y), "predict_proba"), "solved": (solved.fit(X), "transform")}


def write() -> None:
    """Write the files, and what the models give."""
    X, _ = example_subjects()
    for name, (model, method) in examples().items():
        path = FILES / f"v{FORMAT_VERSION}_{name}.skmmcl"
        if path.exists():
            raise FileExistsError(f"{path} is there, and is to be read for ever.")
        save_model(model, path)
        gives = {"method": method, "values": getattr(model, method)(X).tolist()}
        path.with_suffix(".json").write_text(json.dumps(gives) + "\n")


if __name__ == "__main__":
    write()
