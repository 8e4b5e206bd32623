"""Stroke Outcome Optimization Project: lesions and clinical data."""

from __future__ import annotations

import numpy as np

from skmmcl.datasets._cohort import Cohort, Contents, Files, choose, loader
from skmmcl.datasets._fetch import sources

LESIONS, PEOPLE = "Scripts/merged_artery_participants.tsv", "Scripts/participants.tsv"

COHORT = Cohort(
    title="Stroke Outcome Optimization Project: lesions and clinical data of 906 patients",
    citation=(
        "Absher et al. (2024). The stroke outcome optimization project: Acute ischemic strokes "
        "from a comprehensive stroke center. Scientific Data 11, 839. "
        "doi:10.1038/s41597-024-03667-5."
    ),
    terms="CC0 (OpenNeuro ds004889); the repository is under BSD-2-Clause.",
    notes=(
        "The 906 patients with a lesion, territories, age and NIHSS. The lesion volume is "
        "log(1 + mm^3). Race, the outcome (Rankin) and a constant column are left out. Gaps of the "
        "body mass index are NaN, to be filled by an imputer, such as "
        'ModalityTransformer({"clinical": SimpleImputer()}). Sex is 1 for male.'
    ),
    folder="soop_lesions",
    files=sources(
        "neurolabusc/StrokeOutcomeOptimizationProjectDemo",
        "ae553f82c24721dec4cd3bcffdd6c952257e8dba",
        "",
        {
            LESIONS: "83c9131f11e79a3ae009d1db97f03d9010f7abf900f5865f1f1941fc37aee1d4",
            PEOPLE: "5e1a3b1c1ffa35fcc1cfaab2899a8e1ad58b6252255fd2fb0fffdb132fb6ef98",
        },
    ),
)


@loader(COHORT)
def fetch_soop(files: Files, target: str = "severe") -> Contents:
    """Load lesion volume, arterial territories and clinical data of 906 patients with stroke.

    Parameters
    ----------
    target : {"severe", "nihss"}, default="severe"
        Target to predict: a score of 6 or more on the NIH stroke scale (0/1), or the score.

    Returns
    -------
    Bunch or (MultimodalData, ndarray)
        ``data`` with modalities "volume" (log of 1 + the lesion volume in cubic millimeters),
        "territories" (damaged fraction of 31 arterial territories) and "clinical" (age, sex, prior
        stroke, body mass index), side data age and sex (1 = male); ``target``, ``target_names``
        and ``DESCR``.
    """
    lesions = files.table(LESIONS, index_col=0)
    people = files.table(PEOPLE, index_col=0).loc[lesions.index]
    male = (people["sex"] == "M").to_numpy(int)
    arrays = {
        "volume": np.log1p(lesions[["lesion_volume"]]),
        "territories": lesions.filter(regex=r"^\d+_"),
        # Ages are numbers in the table of lesions only: the other writes the oldest as text.
        "clinical": people[["priorstroke", "bmi"]].assign(
            age=lesions["age"], sex=male.astype(float)
        ),
    }
    severe = (lesions["nihss"] >= 6, ["mild", "severe"])
    y = choose(target, {"severe": severe, "nihss": (lesions["nihss"], ["nihss"])})
    return Contents(arrays, y, {"age": lesions["age"].to_numpy(), "sex": male})
