"""Multiple sclerosis: three connectomes of each subject."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path

import numpy as np

from skmmcl.datasets._cohort import Cohort, Contents, Files, choose, loader
from skmmcl.datasets._fetch import Source, as_npz, download_stack

MODALITIES = ("FA", "GM", "RS")
PARTS = Source("ADaS-Lab/Multilayer-MRI", "3bae7213a2370d2bd6ae931562afc01dead9b785", "data/")
# Of the lines "id,mstype" of the file that lists the subjects: other columns have no checksum.
PEOPLE_SHA256 = "2606ae4f954bce671e981476fca167d983a6a9db8f7d30cb718721097802df3f"

COHORT = Cohort(
    title="Multiple sclerosis: three connectomes of 76 regions of 143 subjects",
    citation=(
        "Casas-Roma et al. (2022). Applying multilayer analysis to morphological, structural, and "
        "functional brain networks to identify relevant dysfunction patterns. Network "
        "Neuroscience 6(3). doi:10.1162/netn_a_00258."
    ),
    terms=(
        "The repository is under GPL-3.0 and states no other license of the data. For measuring "
        "methods; do not redistribute."
    ),
    notes=(
        "Nothing is dropped. The matrices are symmetric with a zero diagonal. 125 patients with "
        "relapsing-remitting MS are 1, 18 healthy subjects are 0. Age and sex are not published. "
        "The download takes 429 small files."
    ),
    folder="ms_multilayer",
    files={"demographics.csv": PARTS._replace(path="data/demographics.csv")},
)


@loader(COHORT)
def fetch_ms_multilayer(files: Files, target: str = "diagnosis") -> Contents:
    """Load three connectomes of patients with multiple sclerosis and healthy subjects.

    Structural (fractional anisotropy), morphological (gray-matter similarity) and functional
    (resting state) connectomes of 76 regions, of 125 patients and 18 healthy subjects.

    Parameters
    ----------
    target : {"diagnosis"}, default="diagnosis"
        Target to predict: relapsing-remitting multiple sclerosis (1) or healthy (0).

    Returns
    -------
    Bunch or (MultimodalData, ndarray)
        ``data`` with modalities "fa", "gm" and "rs" (76 x 76 each, symmetric, zero diagonal);
        ``target``, ``target_names`` and ``DESCR``.
    """
    path = files.path("ms_multilayer_f32.npz", lambda: pack(files.path("demographics.csv")))
    with np.load(path) as packed:
        # Types are -1 for healthy and 0 for relapsing-remitting sclerosis.
        y = packed["mstype"] + 1
        arrays = {name.lower(): packed[name] for name in MODALITIES}
    # The subjects are numbered; their ids are not read, as older numpy files hold them as objects.
    index = [f"{number:04d}" for number in range(len(y))]
    return Contents(arrays, choose(target, {"diagnosis": (y, ["healthy", "RRMS"])}), index=index)


def pack(demographics: Path) -> bytes:
    """Return the .npz file of the three connectomes and the type of sclerosis of each subject."""
    lines = np.loadtxt(demographics, dtype=str, delimiter=",", ndmin=2)
    columns = dict(zip(lines[0], lines[1:].T, strict=True))
    check_people(demographics, columns["id"], columns["mstype"])
    arrays = {
        name: download_stack(PARTS, [f"{name}/{i}.csv" for i in columns["id"]], _read_csv)
        for name in MODALITIES
    }
    return as_npz(id=columns["id"], mstype=columns["mstype"].astype(np.int8), **arrays)


def check_people(file: Path, ids: np.ndarray, types: np.ndarray) -> None:
    """Raise unless these are the subjects whose checksum is known."""
    lines = "".join(f"{i},{kind}\n" for i, kind in zip(ids, types, strict=True))
    found = hashlib.sha256(lines.encode()).hexdigest()
    if found != PEOPLE_SHA256:
        raise OSError(
            f"{file} does not list the subjects that were expected: the sha256 of its columns id "
            f"and mstype is {found}, expected {PEOPLE_SHA256}. Delete it and try again."
        )


def _read_csv(content: BytesIO) -> np.ndarray:
    return np.loadtxt(content, delimiter=",", dtype=np.float32)
