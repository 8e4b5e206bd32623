"""NSPN: cortical morphometry and myelin of adolescents."""

from __future__ import annotations

from skmmcl.datasets._cohort import SEX, Cohort, Contents, Files, choose, loader
from skmmcl.datasets._fetch import sources

PARTS = {"thickness": "thickness", "area": "area", "volume": "volume", "mt": "MT_cortexAv_mean"}
FILE = "PARC_500aparc_{}_behavmerge.csv"
SUMS = {
    "thickness": "d00382d455cb1fdf4ae059ce2dd693a9a6ac7e2786dc5ff3dde1049a9f6307ce",
    "area": "65eb09793d51f3eea19593758312b86ac80c1220aabc761b6a49ce4b645c7412",
    "volume": "ce5689d72c6c4e6ac5ad9cdf8e826296094cfcc46ccb3482ef6fc2fa3c761d1e",
    "MT_cortexAv_mean": "c00234c0caaaf3989d9efcc1570d805c1a7317df1b09c832f48de6ce905154f1",
}
REGION = r"^[lr]h_(?!.*(unknown|corpuscallosum))"

COHORT = Cohort(
    title="NSPN: cortical morphometry and myelin of 297 adolescents and young adults",
    citation=(
        "Whitaker, Vertes et al. (2016). Adolescence is associated with genomically patterned "
        "consolidation of the hubs of the human brain connectome. PNAS 113(32), 9105-9110. "
        "doi:10.1073/pnas.1601745113."
    ),
    terms="MIT license (Copyright (c) 2016 Kirstie Whitaker).",
    notes=(
        "The files are aligned by participant and visit. Regions named 'unknown' or "
        "'corpuscallosum' are dropped. Sex is 1 for male; the site is the scanner."
    ),
    folder="nspn",
    files=sources(
        "KirstieJane/NSPN_WhitakerVertes_PNAS2016",
        "5c9c46caf91768d4cadec2b24078b640f05d3d76",
        "DATA/COMPLETE/",
        {FILE.format(part): sha256 for part, sha256 in SUMS.items()},
    ),
)


@loader(COHORT)
def fetch_nspn(files: Files, target: str = "sex") -> Contents:
    """Load cortical morphometry and myelin of 297 adolescents (NSPN).

    Thickness, surface area, gray-matter volume and magnetization transfer (a marker of myelin,
    mean over the cortical depth) of 308 cortical regions, of people aged 14 to 25.

    Parameters
    ----------
    target : {"sex", "age"}, default="sex"
        Target to predict: sex (1 = male) or the age in years.

    Returns
    -------
    Bunch or (MultimodalData, ndarray)
        ``data`` with modalities "thickness" (308), "area" (310, with the two hemispheres), "volume"
        (308) and "mt" (308), side data age, sex and site (of 3 scanners); ``target``,
        ``target_names`` and ``DESCR``.
    """
    tables = {
        name: files.table(FILE.format(part)).sort_values(["nspn_id", "occ"]).set_index("nspn_id")
        for name, part in PARTS.items()
    }
    people = tables["thickness"]
    y = choose(target, {"sex": (people["male"], SEX), "age": (people["age_scan"], ["age"])})
    meta = {
        "age": people["age_scan"].to_numpy(),
        "sex": people["male"].to_numpy(int),
        "site": people["mri_centre"].to_numpy(str),
    }
    arrays = {name: table.filter(regex=REGION) for name, table in tables.items()}
    return Contents(arrays, y, meta)
