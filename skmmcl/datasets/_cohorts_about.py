"""What is told about each open cohort: the text that a loader hands out as DESCR."""

from __future__ import annotations

from textwrap import fill
from typing import NamedTuple

from skmmcl.datasets._registry import COHORTS


class About(NamedTuple):
    """What a cohort is, whom to cite for it, and what its loader leaves out or recodes."""

    title: str
    citation: str
    notes: str


ABOUT = {
    "nspn": About(
        title="NSPN: cortical morphometry and myelin of 297 adolescents and young adults",
        citation="Whitaker, Vertes et al. 2016, PNAS, doi:10.1073/pnas.1601745113.",
        notes=(
            "The files are aligned by participant and visit. Regions named 'unknown' or "
            "'corpuscallosum' are dropped. Sex is 1 for male; the site is the scanner."
        ),
    ),
    "ms": About(
        title="Multiple sclerosis: three connectomes of 76 regions of 143 subjects",
        citation="Casas-Roma et al. 2022, Network Neuroscience, doi:10.1162/netn_a_00258.",
        notes=(
            "Nothing is dropped. The matrices are symmetric with a zero diagonal. 125 patients "
            "with relapsing-remitting MS are 1, 18 healthy subjects are 0. Age and sex are not "
            "published."
        ),
    ),
    "abide": About(
        title="ABIDE I, preprocessed: connectomes, FreeSurfer, T1 quality and clinical measures",
        citation=(
            "Di Martino et al. 2014, Molecular Psychiatry, doi:10.1038/mp.2013.78; Craddock et "
            "al. 2013, Frontiers in Neuroinformatics, doi:10.3389/conf.fninf.2013.09.00041."
        ),
        notes=(
            "Connectomes are Ledoit-Wolf correlations of 111 Harvard-Oxford regions (C-PAC, "
            "band-pass, no global signal regression), made symmetric from the upper triangle with "
            "a unit diagonal; a region that is constant in a subject has zero edges. Of the "
            "males, those with all three image tables are kept. -9999 is a gap (NaN). The labels "
            "are those of the phenotypic table, recoded: 1 is autism, 0 control; sex is 1 for "
            "male."
        ),
    ),
    "aomic": About(
        title="AOMIC PIOP2: cortical thickness and questionnaires of 226 students",
        citation="Snoek et al. 2021, Scientific Data, doi:10.1038/s41597-021-00870-6.",
        notes=(
            "Two subjects have no age, one of them neither sex nor Raven score: those without the "
            "target are dropped. So are the brain volumes that the thickness tables end with. A "
            "target is left out of the questionnaires. Sex is 1 for male."
        ),
    ),
    "fcon1000": About(
        title="1000 Functional Connectomes: thickness and volumes of 1078 subjects of 23 sites",
        citation=(
            "Biswal et al. 2010, PNAS, doi:10.1073/pnas.0911855107; Rutherford et al. 2022, "
            "Nature Protocols, doi:10.1038/s41596-022-00696-5."
        ),
        notes=(
            "The counts of surface holes and the Euler number (quality) are dropped. Sex 1 is male."
        ),
    ),
    "ixi": About(
        title="IXI: cortical thickness of both hemispheres of 533 subjects",
        citation=(
            "https://brain-development.org/ixi-dataset/; Rutherford et al. 2022, Nature "
            "Protocols, doi:10.1038/s41596-022-00696-5."
        ),
        notes=(
            "The 25 ids that come twice, with conflicting ages, are dropped, and so are ids that "
            "are in one table only and the two columns of brain volumes. Sex is 1 for male."
        ),
    ),
    "digits": About(
        title="UCI Multiple Features: six views of 2000 handwritten digits",
        citation="Duin, Multiple Features, UCI Machine Learning Repository, doi:10.24432/C5HC70.",
        notes="Nothing is dropped.",
    ),
    "enigma": About(
        title="ENIGMA toolbox example: volume, thickness and area of 20 subjects",
        citation="Lariviere et al. 2021, Nature Methods, doi:10.1038/s41592-021-01186-4.",
        notes=(
            "The intracranial volume is side data, no feature; of the hemispheric means each "
            "table keeps its own. 10 patients with temporal lobe epilepsy are 1, 10 healthy "
            "subjects 0. Sex is 1 for male (ENIGMA codes 1 and 2). Of toy size: for examples."
        ),
    ),
    "soop": About(
        title="Stroke Outcome Optimization Project: lesions and clinical data of 906 patients",
        citation="Absher et al. 2024, Scientific Data, doi:10.1038/s41597-024-03667-5.",
        notes=(
            "The 906 patients with a lesion, territories, age and NIHSS. The lesion volume is "
            "log(1 + mm^3). Race, the outcome (Rankin) and a constant column are left out. Gaps "
            "of the body mass index are NaN. Sex is 1 for male."
        ),
    ),
    "tcga": About(
        title="breast.TCGA: mRNA, miRNA and protein of 220 breast tumours",
        citation=(
            "Rohart et al. 2017, PLOS Computational Biology, doi:10.1371/journal.pcbi.1005752; "
            "The Cancer Genome Atlas Network 2012, Nature, doi:10.1038/nature11412."
        ),
        notes="Training and test subjects are stacked; the 70 test subjects have no protein.",
    ),
}


def describe(cohort: str) -> str:
    """Return source, terms, citation and treatment of a cohort."""
    files, terms = COHORTS[cohort]
    about = ABOUT[cohort]
    sources = {f"https://github.com/{source.repo} at {source.commit}" for source in files.values()}
    parts = {
        "Source": "\n".join(sorted(sources)),
        "Terms": fill(terms, 88),
        "Please cite": fill(about.citation, 88),
        "What the loader does": fill(about.notes, 88),
    }
    return "\n\n".join([about.title, *(f"{head}:\n{text}" for head, text in parts.items())])
