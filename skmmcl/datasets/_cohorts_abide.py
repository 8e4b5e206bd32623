"""Loader of ABIDE: connectomes, FreeSurfer measures, image quality, clinical measures."""

from __future__ import annotations

import numpy as np

from skmmcl.datasets._cohorts_common import Files, choose, make_bunch
from skmmcl.datasets._cohorts_derived import pack_abide

GAP = -9999
IQ = ["FIQ", "VIQ", "PIQ"]


def fetch_abide(
    *,
    subjects="males",
    target="diagnosis",
    data_home=None,
    download_if_missing=True,
    return_X_y=False,
):
    """Load functional connectomes, FreeSurfer measures and more of people with and without autism.

    Parameters
    ----------
    subjects : {"males", "all"}, default="males"
        The 718 males of whom there are all modalities, or all 871 subjects with the connectome
        and clinical measures.
    target : {"diagnosis", "age"}, default="diagnosis"
        What to predict: autism (1) or control (0), or the age in years, which then is no clinical
        measure.
    data_home : str or path-like, default=None
        Folder to look in first, and to download to. By default ``SKMMCL_DATA`` and then the cache
        (``SKMMCL_CACHE``, else ``~/skmmcl_data``) are looked in.
    download_if_missing : bool, default=True
        Whether files that are nowhere are downloaded; else they are an OSError.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    Bunch or (MultimodalData, ndarray)
        ``data`` with modalities "fc" (111 x 111 correlations, unit diagonal), "freesurfer" (419),
        "iqm" (68 measures of image quality) and "clinical" (age, the three IQ scores; with
        ``subjects="all"`` also sex), side data age, sex and site; ``target``, ``target_names`` and
        ``DESCR``.

    Notes
    -----
    Single IQ scores are missing: they are NaN, to be filled by an imputer, such as
    ``ModalityTransformer({"clinical": SimpleImputer()})``.

    The data are free for non-commercial research. The download takes 871 small files.

    References
    ----------
    Di Martino et al. (2014). The autism brain imaging data exchange. Molecular Psychiatry 19,
    659-667.

    Craddock et al. (2013). The Neuro Bureau Preprocessing Initiative: open sharing of preprocessed
    neuroimaging data and derivatives. Frontiers in Neuroinformatics 7.

    Examples
    --------
    >>> from skmmcl.datasets import fetch_abide
    >>> X, y = fetch_abide(return_X_y=True)  # doctest: +SKIP
    """
    if subjects not in {"males", "all"}:
        raise ValueError(f"subjects={subjects!r} is unknown: it is 'males' or 'all'.")
    files = Files("abide_multimodal", data_home, download_if_missing)
    path = files.path("abide_fc_ho111_triu.npz", lambda: pack_abide(files.path("subject_IDs.txt")))
    with np.load(path) as packed:
        scanned, triangles = packed["sub_id"], packed["X"]
    tables = _read_images(files) if subjects == "males" else {}
    ids = np.sort(scanned)
    for table in tables.values():
        ids = np.intersect1d(ids, table.index)
    row_of = {subject: row for row, subject in enumerate(scanned)}
    arrays = {"fc": _to_matrices(triangles[[row_of[subject] for subject in ids]])}
    arrays |= {name: table.loc[ids] for name, table in tables.items()}
    people = _read_people(files).loc[ids]
    meta = {name: people[name].to_numpy() for name in ("age", "sex", "site")}
    clinical = ["age", "sex", *IQ] if subjects == "all" else ["age", *IQ]
    arrays["clinical"] = people[[name for name in clinical if name != target]].astype(float)
    diagnosis = (people["DX_GROUP"] == 1, ["control", "autism"])
    y = choose(target, {"diagnosis": diagnosis, "age": (people["age"], ["age"])})
    return make_bunch("abide", arrays, y=y, meta=meta, index=ids, return_X_y=return_X_y)


def _read_people(files: Files):
    """Return the phenotypic table by subject, with sex 1 for male and NaN for gaps."""
    people = files.table("Phenotypic_V1_0b_preprocessed1.csv").set_index("SUB_ID")
    gaps_of_iq = people[IQ].where(people[IQ] != GAP)
    return people.rename(columns={"AGE_AT_SCAN": "age", "SITE_ID": "site"}).assign(
        sex=(people["SEX"] == 1).astype(int), **gaps_of_iq
    )


def _read_images(files: Files) -> dict:
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
