"""ABIDE: connectomes, FreeSurfer measures, image quality, clinical measures."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat

from skmmcl.datasets._cohort import Cohort, Contents, Files, choose, loader
from skmmcl.datasets._fetch import Source, as_npz, download_stack

GAP = -9999
IQ = ["FIQ", "VIQ", "PIQ"]
PARTS = Source(
    "CamilleKoczorowski/population-gcn",
    "97855f8e2086065a589034536cb054435f6f1932",
    "data/ABIDE_pcp/cpac/filt_noglobal/",
)

COHORT = Cohort(
    title="ABIDE I, preprocessed: connectomes, FreeSurfer, T1 quality and clinical measures",
    citation=(
        "Di Martino et al. (2014). The autism brain imaging data exchange. Molecular Psychiatry "
        "19, 659-667. doi:10.1038/mp.2013.78. Craddock et al. (2013). The Neuro Bureau "
        "Preprocessing Initiative: open sharing of preprocessed neuroimaging data and "
        "derivatives. Frontiers in Neuroinformatics 7. doi:10.3389/conf.fninf.2013.09.00041."
    ),
    terms=(
        "'Consistent with the policies of the 1000 Functional Connectomes Project, data usage is "
        "unrestricted for non-commercial research purposes.' (ABIDE, as nilearn quotes it.)"
    ),
    notes=(
        "Connectomes are Ledoit-Wolf correlations of 111 Harvard-Oxford regions (C-PAC, "
        "band-pass, no global signal regression), made symmetric from the upper triangle with a "
        "unit diagonal; a region that is constant in a subject has zero edges. Of the males, "
        "those with all three image tables are kept. -9999 is a gap: single IQ scores are NaN, to "
        'be filled by an imputer, such as ModalityTransformer({"clinical": SimpleImputer()}). The '
        "labels are those of the phenotypic table, recoded: 1 is autism, 0 control; sex is 1 for "
        "male. The download takes 871 small files."
    ),
    folder="abide_multimodal",
    files={
        "FS_features_ABIDE_males.csv": Source(
            "SimLoss/brain_age_predictor",
            "5f277df7f322c27f868816f49a3916bebfca9aff",
            "brain_age_predictor/dataset/FS_features_ABIDE_males.csv",
            "bd0d52370df66e063de182b384a1a194f59f8b0709563502768c83345d0bf9af",
        ),
        "Phenotypic_V1_0b_preprocessed1.csv": Source(
            "preprocessed-connectomes-project/abide",
            "fda1ec5d3f53eb97d94352e779f37c3ce46caee1",
            "Phenotypic_V1_0b_preprocessed1.csv",
            "009f01a89697113e5375ded4fbcff4c85e89a4daa6d13e63c21ae5d57dda0865",
        ),
        "mriqc_iqm_abide.tsv": Source(
            "nipreps/mriqc-learn",
            "2f4c8cf7d8d395204b46264c506c0fe4914a10e3",
            "mriqc-learn/datasets/abide.tsv",
            "7477e9a2d786e7a28fe62a2d16b8f1a1e56d6d7ee19e6317bf1a8b0683dadb14",
        ),
        "subject_IDs.txt": Source(
            "parisots/population-gcn",
            "157e6bcfc387490f16d5e10d23e90dbe3259b757",
            "subject_IDs.txt",
            "7cb85ff412ed55532c04d6576dba04a8a7dd73206f351c0bf0aae09dc01a16a5",
        ),
    },
)


@loader(COHORT)
def fetch_abide(files: Files, subjects: str = "males", target: str = "diagnosis") -> Contents:
    """Load functional connectomes, FreeSurfer measures and more of people with and without autism.

    Parameters
    ----------
    subjects : {"males", "all"}, default="males"
        The 718 males with all modalities, or all 871 subjects with the connectome
        and clinical measures.
    target : {"diagnosis", "age"}, default="diagnosis"
        Target to predict: autism (1) or control (0), or the age in years, which then is no clinical
        measure.

    Returns
    -------
    Bunch or (MultimodalData, ndarray)
        ``data`` with modalities "fc" (111 x 111 correlations, unit diagonal), "freesurfer" (419),
        "iqm" (68 measures of image quality) and "clinical" (age, the three IQ scores; with
        ``subjects="all"`` also sex), side data age, sex and site; ``target``, ``target_names`` and
        ``DESCR``.
    """
    if subjects not in {"males", "all"}:
        raise ValueError(f"subjects={subjects!r} is unknown: it is 'males' or 'all'.")
    path = files.path("abide_fc_ho111_triu.npz", lambda: pack(files.path("subject_IDs.txt")))
    with np.load(path) as packed:
        scanned, triangles = packed["sub_id"], packed["X"]
    tables = _read_images(files) if subjects == "males" else {}
    ids = np.sort(scanned)
    for table in tables.values():
        ids = np.intersect1d(ids, table.index)
    row_of = {subject: row for row, subject in enumerate(scanned)}
    arrays: dict[str, Any] = {"fc": _to_matrices(triangles[[row_of[item] for item in ids]])}
    arrays |= {name: table.loc[ids] for name, table in tables.items()}
    people = _read_people(files).loc[ids]
    meta = {name: people[name].to_numpy() for name in ("age", "sex", "site")}
    clinical = ["age", "sex", *IQ] if subjects == "all" else ["age", *IQ]
    arrays["clinical"] = people[[name for name in clinical if name != target]].astype(float)
    diagnosis = (people["DX_GROUP"] == 1, ["control", "autism"])
    y = choose(target, {"diagnosis": diagnosis, "age": (people["age"], ["age"])})
    return Contents(arrays, y, meta, ids)


def pack(subject_ids: Path) -> bytes:
    """Return the .npz file of the upper triangles of the connectomes."""
    ids = np.loadtxt(subject_ids, dtype=np.int64, ndmin=1)
    matrices = download_stack(PARTS, [f"{i}/{i}_ho_correlation.mat" for i in ids], _read_mat)
    rows, columns = np.triu_indices(matrices.shape[1], k=1)
    return as_npz(sub_id=ids, X=matrices[:, rows, columns])


def _read_mat(content: BytesIO) -> np.ndarray:
    return loadmat(content)["connectivity"].astype(np.float32)


def _read_people(files: Files) -> Any:
    """Return the phenotypic table by subject, with sex 1 for male and NaN for gaps."""
    people = files.table("Phenotypic_V1_0b_preprocessed1.csv").set_index("SUB_ID")
    gaps_of_iq = people[IQ].where(people[IQ] != GAP)
    return people.rename(columns={"AGE_AT_SCAN": "age", "SITE_ID": "site"}).assign(
        sex=(people["SEX"] == 1).astype(int), **gaps_of_iq
    )


def _read_images(files: Files) -> dict[str, Any]:
    """Return FreeSurfer measures and image quality by subject, the last number of FILE_ID."""
    surfaces = files.table("FS_features_ABIDE_males.csv", sep=";", encoding="utf-8-sig")
    ids = surfaces.pop("FILE_ID").str.rsplit("_").str[-1].astype(int)
    surfaces = surfaces.drop(columns=["AGE_AT_SCAN", "SEX", "FIQ", "DX_GROUP"]).set_index(ids)
    quality = files.table("mriqc_iqm_abide.tsv").set_index("subject_id")
    raters = ["site", "rater_1", "rater_2", "rater_3"]
    return {"freesurfer": surfaces, "iqm": quality.drop(columns=raters)}


def _to_matrices(triangles: np.ndarray) -> np.ndarray:
    """Return symmetric matrices (n, r, r) with unit diagonal from their upper triangles."""
    n_rois = round((1 + np.sqrt(1 + 8 * triangles.shape[1])) / 2)
    rows, columns = np.triu_indices(n_rois, k=1)
    matrices = np.ones((len(triangles), n_rois, n_rois), dtype=triangles.dtype)
    matrices[:, rows, columns] = triangles
    matrices[:, columns, rows] = triangles
    return matrices
