"""breast.TCGA: mRNA, miRNA and protein of breast tumors."""

from __future__ import annotations

import numpy as np

from skmmcl.datasets._cohort import Cohort, Contents, Files, choose, loader, need
from skmmcl.datasets._fetch import sources

TYPES = ["Basal", "Her2", "LumA"]

COHORT = Cohort(
    title="breast.TCGA: mRNA, miRNA and protein of 220 breast tumors",
    citation=(
        "Rohart et al. (2017). mixOmics: an R package for 'omics feature selection and multiple "
        "data integration. PLOS Computational Biology 13(11), e1005752. "
        "doi:10.1371/journal.pcbi.1005752. The Cancer Genome Atlas Network (2012). Nature, "
        "doi:10.1038/nature11412."
    ),
    terms="TCGA, open-access tier; the package that carries the table is under GPL (>= 2).",
    notes=(
        "Training and test subjects are stacked; the 70 test subjects have no protein. Reading the "
        "table takes the package rdata (pip install rdata)."
    ),
    folder="mixomics",
    files=sources(
        "mixOmicsTeam/mixOmics",
        "d732983ad52fdd7fb2496a7ca8ac1bec501a63ab",
        "data/",
        {"breast.TCGA.rda": "0812db063ceee018470b59249a27289e8231909b9ec858c9b3e8fc9ead67af48"},
    ),
)


@loader(COHORT)
def fetch_tcga_breast(files: Files, target: str = "subtype") -> Contents:
    """Load mRNA, miRNA and protein of 220 breast tumors, 70 of them without protein.

    Parameters
    ----------
    target : {"subtype"}, default="subtype"
        Target to predict: the subtype, Basal (0), Her2 (1) or LumA (2).

    Returns
    -------
    Bunch or (MultimodalData, ndarray)
        ``data`` with modalities "mrna" (200), "mirna" (184) and "protein" (142, missing in 70
        subjects), side data split ("train" or "test", as published); ``target``, ``target_names``
        and ``DESCR``.
    """
    rdata = need("rdata", "rdata")
    both = rdata.read_rda(files.path("breast.TCGA.rda"))["breast.TCGA"]
    train, test = both["data.train"], both["data.test"]
    arrays = {name: np.concatenate([train[name], test[name]]) for name in ("mrna", "mirna")}
    missing = np.full((len(test["mrna"]), train["protein"].shape[1]), np.nan)
    arrays["protein"] = np.concatenate([train["protein"], missing])
    subtypes = np.concatenate([np.asarray(part["subtype"]) for part in (train, test)])
    y = choose(target, {"subtype": (np.searchsorted(TYPES, subtypes), TYPES)})
    parts = {"train": train, "test": test}
    meta = {"split": np.repeat(list(parts), [len(part["mrna"]) for part in parts.values()])}
    index = np.concatenate([part["mrna"]["dim_0"] for part in parts.values()])
    return Contents(arrays, y, meta, index)
