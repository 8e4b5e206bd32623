"""Loaders of open imaging cohorts: NSPN and multiple sclerosis."""

from __future__ import annotations

import numpy as np

from skmmcl.datasets._cohorts_common import SEX, Files, choose, make_bunch
from skmmcl.datasets._cohorts_derived import MS_MODALITIES, pack_ms

NSPN_MODALITIES = {
    "thickness": "thickness",
    "area": "area",
    "volume": "volume",
    "mt": "MT_cortexAv_mean",
}
REGION = r"^[lr]h_(?!.*(unknown|corpuscallosum))"


def fetch_nspn(*, target="sex", data_home=None, download_if_missing=True, return_X_y=False):
    """Load cortical morphometry and myelin of 297 adolescents (NSPN).

    Thickness, surface area, grey-matter volume and magnetisation transfer (a marker of myelin,
    mean over the cortical depth) of 308 cortical regions, of people aged 14 to 25.

    Parameters
    ----------
    target : {"sex", "age"}, default="sex"
        What to predict: sex (1 = male) or the age in years.
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
        ``data`` with modalities "thickness" (308), "area" (310, with the two hemispheres), "volume"
        (308) and "mt" (308), side data age, sex and site (of 3 scanners); ``target``,
        ``target_names`` and ``DESCR``.

    Notes
    -----
    The data are under the MIT licence.

    References
    ----------
    Whitaker, Vertes et al. (2016). Adolescence is associated with genomically patterned
    consolidation of the hubs of the human brain connectome. PNAS 113(32), 9105-9110.

    Examples
    --------
    >>> from skmmcl.datasets import fetch_nspn
    >>> X, y = fetch_nspn(return_X_y=True)  # doctest: +SKIP
    """
    files = Files("nspn", data_home, download_if_missing)
    tables = {
        name: files.table(f"PARC_500aparc_{part}_behavmerge.csv")
        .sort_values(["nspn_id", "occ"])
        .set_index("nspn_id")
        for name, part in NSPN_MODALITIES.items()
    }
    people = tables["thickness"]
    y = choose(target, {"sex": (people["male"], SEX), "age": (people["age_scan"], ["age"])})
    meta = {
        "age": people["age_scan"].to_numpy(),
        "sex": people["male"].to_numpy(int),
        "site": people["mri_centre"].to_numpy(str),
    }
    arrays = {name: table.filter(regex=REGION) for name, table in tables.items()}
    return make_bunch("nspn", arrays, y=y, meta=meta, return_X_y=return_X_y)


def fetch_ms_multilayer(
    *, target="diagnosis", data_home=None, download_if_missing=True, return_X_y=False
):
    """Load three connectomes of patients with multiple sclerosis and healthy subjects.

    Structural (fractional anisotropy), morphological (grey-matter similarity) and functional
    (resting state) connectomes of 76 regions, of 125 patients and 18 healthy subjects.

    Parameters
    ----------
    target : {"diagnosis"}, default="diagnosis"
        What to predict: relapsing-remitting multiple sclerosis (1) or healthy (0).
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
        ``data`` with modalities "fa", "gm" and "rs" (76 x 76 each, symmetric, zero diagonal);
        ``target``, ``target_names`` and ``DESCR``.

    Notes
    -----
    The repository of the data is under GPL-3.0 and names no other licence of the data: use them to
    measure methods, do not redistribute them. The download takes 429 small files.

    References
    ----------
    Casas-Roma et al. (2022). Applying multilayer analysis to morphological, structural, and
    functional brain networks to identify relevant dysfunction patterns. Network Neuroscience 6(3).

    Examples
    --------
    >>> from skmmcl.datasets import fetch_ms_multilayer
    >>> X, y = fetch_ms_multilayer(return_X_y=True)  # doctest: +SKIP
    """
    files = Files("ms_multilayer", data_home, download_if_missing)
    path = files.path("ms_multilayer_f32.npz", lambda: pack_ms(files.path("demographics.csv")))
    with np.load(path) as packed:
        # Types are -1 for healthy and 0 for relapsing-remitting sclerosis.
        y = packed["mstype"] + 1
        arrays = {name.lower(): packed[name] for name in MS_MODALITIES}
    # The subjects are numbered; their ids are not read, as older numpy files hold them as objects.
    index = [f"{number:04d}" for number in range(len(y))]
    y = choose(target, {"diagnosis": (y, ["healthy", "RRMS"])})
    return make_bunch("ms", arrays, y=y, index=index, return_X_y=return_X_y)
