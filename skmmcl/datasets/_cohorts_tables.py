"""Loaders of open cohorts that are tables: AOMIC, FCON1000, IXI, SOOP."""

from __future__ import annotations

import numpy as np

from skmmcl.datasets._cohorts_common import SEX, Files, choose, make_bunch

QUESTIONNAIRES = {
    "raven": "raven_score",
    "neuroticism": "NEO_N",
    "extraversion": "NEO_E",
    "openness": "NEO_O",
    "agreeableness": "NEO_A",
    "conscientiousness": "NEO_C",
}


def fetch_aomic_piop2(*, target="sex", data_home=None, download_if_missing=True, return_X_y=False):
    """Load cortical thickness and questionnaires of 226 students (AOMIC PIOP2).

    Parameters
    ----------
    target : {"sex", "age", "raven"}, default="sex"
        What to predict: sex (1 = male), the age in years, or the score of Raven's matrices, which
        then is no questionnaire.
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
        ``data`` with modalities "thickness" (70: 34 regions and the mean of each hemisphere) and
        "questionnaires" (Raven's matrices and the five scales of the NEO-FFI), side data age and
        sex; ``target``, ``target_names`` and ``DESCR``.

    Notes
    -----
    Two subjects have no age, one of them neither sex nor Raven score: those without the target are
    dropped.

    The data are under CC0.

    References
    ----------
    Snoek et al. (2021). The Amsterdam Open MRI Collection, a set of multimodal MRI datasets for
    individual difference analyses. Scientific Data 8, 85.

    Examples
    --------
    >>> from skmmcl.datasets import fetch_aomic_piop2
    >>> X, y = fetch_aomic_piop2(return_X_y=True)  # doctest: +SKIP
    """
    files = Files("aomic_piop2", data_home, download_if_missing)
    people = files.table("participants.tsv", index_col=0)
    male = people["sex"].map({"F": 0, "M": 1})
    options = {"sex": (male, SEX), "age": (people["age"], ["age"])}
    options["raven"] = (people["raven_score"], ["raven"])
    known = options[target][0].notna() if target in options else slice(None)
    y = choose(target, {k: (values[known], names) for k, (values, names) in options.items()})
    people, male = people[known], male[known]
    answers = [column for name, column in QUESTIONNAIRES.items() if name != target]
    arrays = {
        "thickness": _read_aomic_thickness(files).loc[people.index],
        "questionnaires": people[answers].astype(float),
    }
    meta = {"age": people["age"].to_numpy(), "sex": male.to_numpy(int)}
    return make_bunch("aomic", arrays, y=y, meta=meta, return_X_y=return_X_y)


def _read_aomic_thickness(files: Files):
    """Return the thickness of both hemispheres; both tables end with the same brain volumes."""
    stem = "derivatives/fs_stats/data-cortical_type-aparc_measure-thickness_hemi"
    left, right = (
        files.table(f"{stem}-{side}h.tsv", index_col=0).filter(regex="_thickness$") for side in "lr"
    )
    return left.join(right)


def fetch_fcon1000(*, target="sex", data_home=None, download_if_missing=True, return_X_y=False):
    """Load cortical thickness and brain volumes of 1078 subjects of 23 sites.

    Parameters
    ----------
    target : {"sex", "age"}, default="sex"
        What to predict: sex (1 = male) or the age in years (8 to 85).
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
        ``data`` with modalities "thickness" (150) and "volume" (64, of which four are zero in
        everyone), side data age, sex and site; ``target``, ``target_names`` and ``DESCR``.

    Notes
    -----
    The data of the 1000 Functional Connectomes Project are for non-commercial research.

    References
    ----------
    Biswal et al. (2010). Toward discovery science of human brain function. PNAS 107(10), 4734-4739.

    Examples
    --------
    >>> from skmmcl.datasets import fetch_fcon1000
    >>> X, y = fetch_fcon1000(return_X_y=True)  # doctest: +SKIP
    """
    files = Files("pcntoolkit_rois", data_home, download_if_missing)
    people = files.table("fcon1000.csv", index_col="sub_id")
    features = people.drop(columns=["age", "sex", "site", "avg_en"])
    thickness = features.filter(regex="_thickness$")
    volume = features.drop(columns=thickness.columns).filter(regex="^(?!.*SurfaceHoles)")
    arrays = {"thickness": thickness, "volume": volume.astype(float)}
    y = choose(target, {"sex": (people["sex"], SEX), "age": (people["age"], ["age"])})
    meta = {"age": people["age"].to_numpy(), "sex": people["sex"].to_numpy()}
    meta["site"] = people["site"].to_numpy(str)
    return make_bunch("fcon1000", arrays, y=y, meta=meta, return_X_y=return_X_y)


def fetch_ixi(*, target="age", data_home=None, download_if_missing=True, return_X_y=False):
    """Load cortical thickness of the two hemispheres of 533 healthy subjects (IXI).

    Parameters
    ----------
    target : {"age", "sex"}, default="age"
        What to predict: the age in years (20 to 86) or sex (1 = male).
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
        ``data`` with modalities "lh" and "rh" (35 each: 34 regions and their mean), side data age
        and sex; ``target``, ``target_names`` and ``DESCR``.

    Notes
    -----
    25 ids come twice with conflicting ages; these subjects are dropped. The data are under
    CC BY-SA 3.0.

    References
    ----------
    Information eXtraction from Images. https://brain-development.org/ixi-dataset/

    Examples
    --------
    >>> from skmmcl.datasets import fetch_ixi
    >>> X, y = fetch_ixi(return_X_y=True)  # doctest: +SKIP
    """
    files = Files("pcntoolkit_rois", data_home, download_if_missing)
    people = files.table("IXI_age_gender.csv").drop_duplicates("participant_id", keep=False)
    thickness = files.table("IXI_aparc_thickness.csv", index_col="participant_id")
    both = thickness.join(people.set_index("participant_id"), how="inner")
    arrays = {side: both.filter(regex=f"^{side}_") for side in ("lh", "rh")}
    male = (both["sex"] == 1).to_numpy(int)
    y = choose(target, {"age": (both["age"], ["age"]), "sex": (male, SEX)})
    meta = {"age": both["age"].to_numpy(), "sex": male}
    return make_bunch("ixi", arrays, y=y, meta=meta, return_X_y=return_X_y)


def fetch_soop(*, target="severe", data_home=None, download_if_missing=True, return_X_y=False):
    """Load lesion volume, arterial territories and clinical data of 906 patients with stroke.

    Parameters
    ----------
    target : {"severe", "nihss"}, default="severe"
        What to predict: a score of 6 or more on the NIH stroke scale (0/1), or the score.
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
        ``data`` with modalities "volume" (log of 1 + the lesion volume in cubic millimetres),
        "territories" (damaged fraction of 31 arterial territories) and "clinical" (age, sex, prior
        stroke, body mass index), side data age and sex (1 = male); ``target``, ``target_names``
        and ``DESCR``.

    Notes
    -----
    The body mass index has gaps: they are NaN, to be filled by an imputer, such as
    ``ModalityTransformer({"clinical": SimpleImputer()})``. Race is left out on purpose.

    The data are under CC0.

    References
    ----------
    Absher et al. (2024). The stroke outcome optimization project: Acute ischemic strokes from a
    comprehensive stroke center. Scientific Data 11, 839.

    Examples
    --------
    >>> from skmmcl.datasets import fetch_soop
    >>> X, y = fetch_soop(return_X_y=True)  # doctest: +SKIP
    """
    files = Files("soop_lesions", data_home, download_if_missing)
    lesions = files.table("Scripts/merged_artery_participants.tsv", index_col=0)
    people = files.table("Scripts/participants.tsv", index_col=0).loc[lesions.index]
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
    meta = {"age": lesions["age"].to_numpy(), "sex": male}
    return make_bunch("soop", arrays, y=y, meta=meta, return_X_y=return_X_y)
