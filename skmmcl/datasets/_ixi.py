"""IXI: cortical thickness of the two hemispheres."""

from __future__ import annotations

from skmmcl.datasets._cohort import SEX, Cohort, Contents, Files, choose, loader
from skmmcl.datasets._fetch import sources

COHORT = Cohort(
    title="IXI: cortical thickness of both hemispheres of 533 subjects",
    citation=(
        "Information eXtraction from Images. https://brain-development.org/ixi-dataset/. "
        "Rutherford et al. (2022). Nature Protocols, doi:10.1038/s41596-022-00696-5."
    ),
    terms="CC BY-SA 3.0 (IXI). The tables are part of a tutorial under GPL-3.0.",
    notes=(
        "The 25 ids that come twice, with conflicting ages, are dropped, and so are ids that are "
        "in one table only and the two columns of brain volumes. Sex is 1 for male."
    ),
    folder="pcntoolkit_rois",
    files=sources(
        "predictive-clinical-neuroscience/PCNtoolkit-demo",
        "81967c1e158feeaa3651aed6decee80f3018a563",
        "data/",
        {
            "IXI_aparc_thickness.csv": (
                "8ef851d1c1edf8f0a90078df818e49579fff9f96a84769542088f3545887b964"
            ),
            "IXI_age_gender.csv": (
                "278b1dc4ce54ab4885aab709f8266227ef3af3527ba1fe1856f74947cdfab006"
            ),
        },
    ),
)


@loader(COHORT)
def fetch_ixi(files: Files, target: str = "age") -> Contents:
    """Load cortical thickness of the two hemispheres of 533 healthy subjects (IXI).

    Parameters
    ----------
    target : {"age", "sex"}, default="age"
        Target to predict: the age in years (20 to 86) or sex (1 = male).

    Returns
    -------
    Bunch or (MultimodalData, ndarray)
        ``data`` with modalities "lh" and "rh" (35 each: 34 regions and their mean), side data age
        and sex; ``target``, ``target_names`` and ``DESCR``.
    """
    people = files.table("IXI_age_gender.csv").drop_duplicates("participant_id", keep=False)
    thickness = files.table("IXI_aparc_thickness.csv", index_col="participant_id")
    both = thickness.join(people.set_index("participant_id"), how="inner")
    arrays = {side: both.filter(regex=f"^{side}_") for side in ("lh", "rh")}
    male = (both["sex"] == 1).to_numpy(int)
    y = choose(target, {"age": (both["age"], ["age"]), "sex": (male, SEX)})
    return Contents(arrays, y, {"age": both["age"].to_numpy(), "sex": male})
