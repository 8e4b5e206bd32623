"""1000 Functional Connectomes: cortical thickness and brain volumes."""

from __future__ import annotations

from skmmcl.datasets._cohort import SEX, Cohort, Contents, Files, choose, loader
from skmmcl.datasets._fetch import sources

COHORT = Cohort(
    title="1000 Functional Connectomes: thickness and volumes of 1078 subjects of 23 sites",
    citation=(
        "Biswal et al. (2010). Toward discovery science of human brain function. PNAS 107(10), "
        "4734-4739. doi:10.1073/pnas.0911855107. Rutherford et al. (2022). Nature Protocols, "
        "doi:10.1038/s41596-022-00696-5."
    ),
    terms=(
        "1000 Functional Connectomes Project: non-commercial research. The table is part of a "
        "tutorial under GPL-3.0."
    ),
    notes="The counts of surface holes and the Euler number (quality) are dropped. Sex 1 is male.",
    folder="pcntoolkit_rois",
    files=sources(
        "predictive-clinical-neuroscience/PCNtoolkit-demo",
        "81967c1e158feeaa3651aed6decee80f3018a563",
        "data/",
        {"fcon1000.csv": "6cff2415da82466f5b3cac197947fd30ab2891a2427adedc590fb403844c73fc"},
    ),
)


@loader(COHORT)
def fetch_fcon1000(files: Files, target: str = "sex") -> Contents:
    """Load cortical thickness and brain volumes of 1078 subjects of 23 sites.

    Parameters
    ----------
    target : {"sex", "age"}, default="sex"
        Target to predict: sex (1 = male) or the age in years (8 to 85).

    Returns
    -------
    Bunch or (MultimodalData, ndarray)
        ``data`` with modalities "thickness" (150) and "volume" (64, of which four are zero in
        everyone), side data age, sex and site; ``target``, ``target_names`` and ``DESCR``.
    """
    people = files.table("fcon1000.csv", index_col="sub_id")
    features = people.drop(columns=["age", "sex", "site", "avg_en"])
    thickness = features.filter(regex="_thickness$")
    volume = features.drop(columns=thickness.columns).filter(regex="^(?!.*SurfaceHoles)")
    arrays = {"thickness": thickness, "volume": volume.astype(float)}
    y = choose(target, {"sex": (people["sex"], SEX), "age": (people["age"], ["age"])})
    meta = {"age": people["age"].to_numpy(), "sex": people["sex"].to_numpy()}
    return Contents(arrays, y, {**meta, "site": people["site"].to_numpy(str)})
