"""AOMIC PIOP2: cortical thickness and questionnaires."""

from __future__ import annotations

from typing import Any

from skmmcl.datasets._cohort import SEX, Cohort, Contents, Files, choose, loader
from skmmcl.datasets._fetch import sources

QUESTIONNAIRES = {
    "raven": "raven_score",
    "neuroticism": "NEO_N",
    "extraversion": "NEO_E",
    "openness": "NEO_O",
    "agreeableness": "NEO_A",
    "conscientiousness": "NEO_C",
}
THICKNESS = "derivatives/fs_stats/data-cortical_type-aparc_measure-thickness_hemi-{}h.tsv"

COHORT = Cohort(
    title="AOMIC PIOP2: cortical thickness and questionnaires of 226 students",
    citation=(
        "Snoek et al. (2021). The Amsterdam Open MRI Collection, a set of multimodal MRI datasets "
        "for individual difference analyses. Scientific Data 8, 85. "
        "doi:10.1038/s41597-021-00870-6."
    ),
    terms="CC0 (OpenNeuro ds002790).",
    notes=(
        "Two subjects have no age, one of them neither sex nor Raven score: those without the "
        "target are dropped. So are the brain volumes that the thickness tables end with. A "
        "target is left out of the questionnaires. Sex is 1 for male."
    ),
    folder="aomic_piop2",
    files=sources(
        "carpentries-incubator/SDC-BIDS-sMRI",
        "03fb1e742c7b54e66cd093a322977b52dd63efc8",
        "local_data/AOMIC/",
        {
            "participants.tsv": "a4119dbbac13f0470c12a539a952c6ee40844518cd5936aec92ef43ac8ebc0ef",
            THICKNESS.format("l"): (
                "dc19164a0e7ef2c57bfd8c1626d2728bf532adf0d694a0ce1433f07dcb675ccd"
            ),
            THICKNESS.format("r"): (
                "216c379f3a10188aaa1f3ef3c50284ec4b4e646f36d045e34ef76a7eb8cc9767"
            ),
        },
    ),
)


@loader(COHORT)
def fetch_aomic_piop2(files: Files, target: str = "sex") -> Contents:
    """Load cortical thickness and questionnaires of 226 students (AOMIC PIOP2).

    Parameters
    ----------
    target : {"sex", "age", "raven"}, default="sex"
        Target to predict: sex (1 = male), the age in years, or the score of Raven's matrices, which
        then is no questionnaire.

    Returns
    -------
    Bunch or (MultimodalData, ndarray)
        ``data`` with modalities "thickness" (70: 34 regions and the mean of each hemisphere) and
        "questionnaires" (Raven's matrices and the five scales of the NEO-FFI), side data age and
        sex; ``target``, ``target_names`` and ``DESCR``.
    """
    people = files.table("participants.tsv", index_col=0)
    male = people["sex"].map({"F": 0, "M": 1})
    options = {"sex": (male, SEX), "age": (people["age"], ["age"])}
    options["raven"] = (people["raven_score"], ["raven"])
    known = options[target][0].notna() if target in options else slice(None)
    y = choose(target, {k: (values[known], names) for k, (values, names) in options.items()})
    people, male = people[known], male[known]
    answers = [column for name, column in QUESTIONNAIRES.items() if name != target]
    arrays = {
        "thickness": _read_thickness(files).loc[people.index],
        "questionnaires": people[answers].astype(float),
    }
    return Contents(arrays, y, {"age": people["age"].to_numpy(), "sex": male.to_numpy(int)})


def _read_thickness(files: Files) -> Any:
    """Return the thickness of both hemispheres; both tables end with the same brain volumes."""
    left, right = (
        files.table(THICKNESS.format(side), index_col=0).filter(regex="_thickness$")
        for side in "lr"
    )
    return left.join(right)
