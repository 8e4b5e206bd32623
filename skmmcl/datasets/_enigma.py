"""ENIGMA's example: three tables of few subjects."""

from __future__ import annotations

from skmmcl.datasets._cohort import Cohort, Contents, Files, choose, loader
from skmmcl.datasets._fetch import sources

TABLES = {
    "subcortical": ("metr1_SubVol.csv", []),
    "thickness": ("metr2_CortThick.csv", ["LSurfArea", "RSurfArea"]),
    "area": ("metr3_CortSurf.csv", ["LThickness", "RThickness"]),
}
SUMS = {
    "cov.csv": "a3fbf337d7ceeec991cd311446fb8f8eaea2f27d520e7a8aa83994d0267af1a4",
    "metr1_SubVol.csv": "c1d2d80b893187fc3672ab69ba84a61a7335cf2f6be8f9b0d97bdb9fc581d775",
    "metr2_CortThick.csv": "e2f01ca868ab4c3de11582a66e60d9ed9ece5b48a7346caa16144333761ec294",
    "metr3_CortSurf.csv": "30b083d72a39ebc97c7274405ab944f855b670e58073c67dcd1457b6cb7f2656",
}

COHORT = Cohort(
    title="ENIGMA toolbox example: volume, thickness and area of 20 subjects",
    citation=(
        "Lariviere et al. (2021). The ENIGMA Toolbox: multiscale neural contextualization of "
        "multisite neuroimaging datasets. Nature Methods 18, 698-700. "
        "doi:10.1038/s41592-021-01186-4."
    ),
    terms="BSD-3-Clause (ENIGMA toolbox).",
    notes=(
        "The intracranial volume is side data, no feature; of the hemispheric means each table "
        "keeps its own. 10 patients with temporal lobe epilepsy are 1, 10 healthy subjects 0. Sex "
        "is 1 for male (ENIGMA codes 1 and 2). Of toy size: for examples."
    ),
    folder="enigma_example",
    files=sources(
        "MICA-MNI/ENIGMA",
        "d66a7ef320a913f9441bf1089b44f1dad11e5724",
        "enigmatoolbox/datasets/xdata/",
        SUMS,
    ),
)


@loader(COHORT)
def fetch_enigma_example(files: Files, target: str = "diagnosis") -> Contents:
    """Load the example of the ENIGMA toolbox: three tables of 20 subjects.

    Ten patients with temporal lobe epilepsy and ten healthy subjects: for examples, too few for
    conclusions.

    Parameters
    ----------
    target : {"diagnosis"}, default="diagnosis"
        Target to predict: temporal lobe epilepsy (1) or healthy (0).

    Returns
    -------
    Bunch or (MultimodalData, ndarray)
        ``data`` with modalities "subcortical" (16 volumes), "thickness" (70) and "area" (70), side
        data age, sex (1 = male) and intracranial volume; ``target``, ``target_names`` and
        ``DESCR``.
    """
    people = files.table("cov.csv", index_col="SubjID")
    arrays = {
        name: files.table(file, index_col="SubjID").drop(columns=[*others, "ICV"]).astype(float)
        for name, (file, others) in TABLES.items()
    }
    y = choose(target, {"diagnosis": (people["Dx"], ["healthy", "epilepsy"])})
    meta = {"age": people["Age"].to_numpy(), "sex": (people["Sex"] == 1).to_numpy(int)}
    return Contents(arrays, y, {**meta, "icv": people["ICV"].to_numpy()})
