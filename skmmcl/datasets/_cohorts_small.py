"""Loaders of small or non-brain sets: ENIGMA's example, digits, breast cancer."""

from __future__ import annotations

import numpy as np

from skmmcl.datasets._cohorts_common import Files, choose, make_bunch, need

ENIGMA_TABLES = {
    "subcortical": ("metr1_SubVol.csv", []),
    "thickness": ("metr2_CortThick.csv", ["LSurfArea", "RSurfArea"]),
    "area": ("metr3_CortSurf.csv", ["LThickness", "RThickness"]),
}
DIGIT_VIEWS = ("fou", "fac", "kar", "pix", "zer", "mor")
TCGA_TYPES = ["Basal", "Her2", "LumA"]


def fetch_enigma_example(
    *, target="diagnosis", data_home=None, download_if_missing=True, return_X_y=False
):
    """Load the example of the ENIGMA toolbox: three tables of 20 subjects.

    Ten patients with temporal lobe epilepsy and ten healthy subjects: for examples, too few for
    conclusions.

    Parameters
    ----------
    target : {"diagnosis"}, default="diagnosis"
        What to predict: temporal lobe epilepsy (1) or healthy (0).
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
        ``data`` with modalities "subcortical" (16 volumes), "thickness" (70) and "area" (70), side
        data age, sex (1 = male) and intracranial volume; ``target``, ``target_names`` and
        ``DESCR``.

    Notes
    -----
    The data are part of the toolbox, which is under the BSD-3-Clause licence.

    References
    ----------
    Lariviere et al. (2021). The ENIGMA Toolbox: multiscale neural contextualization of multisite
    neuroimaging datasets. Nature Methods 18, 698-700.

    Examples
    --------
    >>> from skmmcl.datasets import fetch_enigma_example
    >>> X, y = fetch_enigma_example(return_X_y=True)  # doctest: +SKIP
    """
    files = Files("enigma_example", data_home, download_if_missing)
    people = files.table("cov.csv", index_col="SubjID")
    arrays = {
        name: files.table(file, index_col="SubjID").drop(columns=[*others, "ICV"]).astype(float)
        for name, (file, others) in ENIGMA_TABLES.items()
    }
    y = choose(target, {"diagnosis": (people["Dx"], ["healthy", "epilepsy"])})
    meta = {"age": people["Age"].to_numpy(), "sex": (people["Sex"] == 1).to_numpy(int)}
    meta["icv"] = people["ICV"].to_numpy()
    return make_bunch("enigma", arrays, y=y, meta=meta, return_X_y=return_X_y)


def fetch_uci_digits(*, target="digit", data_home=None, download_if_missing=True, return_X_y=False):
    """Load six views of 2000 handwritten digits (UCI Multiple Features).

    Parameters
    ----------
    target : {"digit"}, default="digit"
        What to predict: the digit, 0 to 9, with 200 images each.
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
        ``data`` with modalities "fou" (76 Fourier coefficients), "fac" (216 profile correlations),
        "kar" (64 Karhunen-Loeve coefficients), "pix" (240 averages of pixels), "zer" (47 Zernike
        moments) and "mor" (6 morphological features); ``target``, ``target_names`` and ``DESCR``.

    Notes
    -----
    The data are under CC BY 4.0, as UCI states.

    References
    ----------
    Duin, R. Multiple Features. UCI Machine Learning Repository. https://doi.org/10.24432/C5HC70

    Examples
    --------
    >>> from skmmcl.datasets import fetch_uci_digits
    >>> X, y = fetch_uci_digits(return_X_y=True)  # doctest: +SKIP
    """
    files = Files("uci_mfeat", data_home, download_if_missing)
    # The first line holds numbers of columns, the last column the digit.
    tables = {
        name: np.loadtxt(files.path(f"mfeat-{name}.csv"), delimiter=",", skiprows=1)
        for name in DIGIT_VIEWS
    }
    arrays = {name: table[:, :-1] for name, table in tables.items()}
    y = choose(target, {"digit": (tables["fou"][:, -1], [str(digit) for digit in range(10)])})
    return make_bunch("digits", arrays, y=y, return_X_y=return_X_y)


def fetch_tcga_breast(
    *, target="subtype", data_home=None, download_if_missing=True, return_X_y=False
):
    """Load mRNA, miRNA and protein of 220 breast tumours, 70 of them without protein.

    Parameters
    ----------
    target : {"subtype"}, default="subtype"
        What to predict: the subtype, Basal (0), Her2 (1) or LumA (2).
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
        ``data`` with modalities "mrna" (200), "mirna" (184) and "protein" (142, missing in 70
        subjects), side data split ("train" or "test", as published); ``target``, ``target_names``
        and ``DESCR``.

    Notes
    -----
    Reading the table takes the package rdata (``pip install rdata``). The package that carries it
    is under GPL (>= 2); the data are of the open-access tier of TCGA.

    References
    ----------
    Rohart et al. (2017). mixOmics: an R package for 'omics feature selection and multiple data
    integration. PLOS Computational Biology 13(11), e1005752.

    Examples
    --------
    >>> from skmmcl.datasets import fetch_tcga_breast
    >>> X, y = fetch_tcga_breast(return_X_y=True)  # doctest: +SKIP
    """
    files = Files("mixomics", data_home, download_if_missing)
    rdata = need("rdata", "rdata")
    both = rdata.read_rda(files.path("breast.TCGA.rda"))["breast.TCGA"]
    train, test = both["data.train"], both["data.test"]
    arrays = {name: np.concatenate([train[name], test[name]]) for name in ("mrna", "mirna")}
    missing = np.full((len(test["mrna"]), train["protein"].shape[1]), np.nan)
    arrays["protein"] = np.concatenate([train["protein"], missing])
    subtypes = np.concatenate([np.asarray(part["subtype"]) for part in (train, test)])
    y = choose(target, {"subtype": (np.searchsorted(TCGA_TYPES, subtypes), TCGA_TYPES)})
    parts = {"train": train, "test": test}
    meta = {"split": np.repeat(list(parts), [len(part["mrna"]) for part in parts.values()])}
    index = np.concatenate([part["mrna"]["dim_0"] for part in parts.values()])
    return make_bunch("tcga", arrays, y=y, meta=meta, index=index, return_X_y=return_X_y)
