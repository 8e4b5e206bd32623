"""Side data have the same effect whatever type they come in, or are an error that names them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from skmmcl import MultimodalData
from skmmcl.exceptions import DataError
from skmmcl.preprocessing import ComBat, ConfoundRegressor, metadata_labels

N = 40
SITE = np.arange(N) % 2
AGE = 20 + np.arange(N) * 7 % 31
RNG = np.random.default_rng(0)
SMRI = RNG.normal(size=(N, 6)) * (1 + SITE[:, None]) + 5 * SITE[:, None] + 0.1 * AGE[:, None]


def objects(values, make):
    out = np.empty(len(values), dtype=object)
    out[:] = [make(value) for value in values.tolist()]
    return out


WHOLE = {
    "int8": lambda v: v.astype(np.int8),
    "uint64": lambda v: v.astype(np.uint64),
    "float64": lambda v: v.astype(float),
    "float16": lambda v: v.astype(np.float16),
    "longdouble": lambda v: v.astype(np.longdouble),
    "objects": lambda v: v.astype(object),
    "floats as objects": lambda v: objects(v, float),
    "numpy's as objects": lambda v: objects(v, np.float32),
    "decimals": lambda v: objects(v, Decimal),
    "fractions": lambda v: objects(v, Fraction),
    "int and float": lambda v: objects(v, lambda x: float(x) if x % 2 else x),
    "a list": lambda v: v.tolist(),
    "a column": lambda v: v[:, None],
    "nullable": lambda v: pd.Series(v, dtype="Int64"),
    "nullable floats": lambda v: pd.Series(v, dtype="Float64"),
    "categories": lambda v: pd.Series(v).astype("category"),
}
OF_TWO = {
    "bool": lambda v: v == 1,
    "bool as objects": lambda v: objects(v == 1, bool),
    "nullable bool": lambda v: pd.Series(v == 1, dtype="boolean"),
}
TEXT = {
    "text": lambda v: v.astype(str),
    "text as objects": lambda v: objects(v, str),
    "bytes": lambda v: v.astype("S"),
    "strings": lambda v: pd.Series(v.astype(str), dtype="string"),
}
DATES = {
    "days": lambda v: v.astype("M8[D]"),
    "seconds": lambda v: v.astype("M8[D]").astype("M8[s]"),
    "nanoseconds": lambda v: v.astype("M8[D]").astype("M8[ns]"),
    "Python's days": lambda v: objects(v.astype("M8[D]"), lambda x: x),
    "Python's times": lambda v: objects(v.astype("M8[D]").astype("M8[s]"), lambda x: x),
    "timestamps": lambda v: pd.Series(v.astype("M8[D]").astype("M8[ns]")),
    "in UTC": lambda v: pd.Series(v.astype("M8[D]").astype("M8[ns]")).dt.tz_localize("UTC"),
    "numpy's as objects": lambda v: objects(v, lambda x: np.datetime64(x, "D")),
    "spans": lambda v: v.astype("m8[D]"),
}


def data(**meta):
    return MultimodalData(smri=SMRI, meta={"site": SITE, "age": AGE, **meta})


@pytest.mark.parametrize("learnt", [*WHOLE, *OF_TWO, *TEXT])
@pytest.mark.parametrize("later", ["float64", "strings"])
def test_a_site_is_one_whatever_its_type(learnt, later):
    kinds = {**WHOLE, **OF_TWO, **TEXT}
    right = ComBat().fit_transform(data())["smri"]
    combat = ComBat(unseen_sites="passthrough").fit(data(site=kinds[learnt](SITE)))
    assert combat.sites_ == ["0", "1"]
    found = combat.transform(data(site=kinds[later](SITE)))["smri"]
    np.testing.assert_array_equal(found, right)
    assert abs(found[SITE == 0].mean() - found[SITE == 1].mean()) < 1


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize(
    "transformer", [ComBat(covariates="age"), ConfoundRegressor("age")], ids=["combat", "confounds"]
)
def test_numbers_are_linear_whatever_their_type(transformer, kind):
    right = transformer.fit_transform(data())["smri"]
    learnt = transformer.fit(data(age=WHOLE[kind](AGE)))
    np.testing.assert_allclose(learnt.transform(data())["smri"], right, atol=1e-9)
    later = transformer.fit(data()).transform(data(age=WHOLE[kind](AGE)))["smri"]
    np.testing.assert_allclose(later, right, atol=1e-9)


@pytest.mark.parametrize("kind", [*OF_TWO, *WHOLE])
def test_two_classes_are_two_classes(kind):
    sex = np.arange(N) // 3 % 2
    right = ConfoundRegressor("sex").fit_transform(data(sex=sex.astype(str)))["smri"]
    found = ConfoundRegressor("sex").fit_transform(data(sex={**OF_TWO, **WHOLE}[kind](sex)))
    np.testing.assert_allclose(found["smri"], right, atol=1e-9)


@pytest.mark.parametrize("kind", DATES)
def test_dates_are_linear_in_any_unit(kind):
    right = ConfoundRegressor("age").fit_transform(data())["smri"]
    dates = DATES[kind](AGE)
    learnt = ConfoundRegressor("day").fit(data(day=dates))
    np.testing.assert_allclose(learnt.transform(data(day=dates))["smri"], right, atol=1e-9)
    if kind != "spans":
        other = learnt.transform(data(day=DATES["days"](AGE)))["smri"]
        np.testing.assert_allclose(other, right, atol=1e-9)


def test_times_of_other_zones_are_the_same_times():
    zone = datetime(2020, 1, 1, 1, tzinfo=UTC).astimezone(tz=None)
    from skmmcl.utils._plain import plain_column

    found = plain_column(np.array([zone, datetime(2020, 1, 1, 1)], dtype=object), "t")  # noqa: DTZ001
    assert found[0] == found[1] == np.datetime64("2020-01-01T01:00")
    assert plain_column([date(2020, 1, 1)], "t")[0] == np.datetime64("2020-01-01")


@pytest.mark.parametrize(
    ("known", "new"),
    [
        (["a", "b"], ["A", "b"]),
        (["a", "b"], ["a ", "b"]),
        ([1, 2], ["1.0", "2"]),
        (["01", "2"], [1, 2]),
    ],
)
def test_sites_that_differ_in_writing_are_not_passed_through(known, new):
    combat = ComBat(unseen_sites="passthrough").fit(data(site=np.array(known)[SITE]))
    with pytest.raises(
        DataError, match=r"'site' have the site '.*' of fit only in how it is written"
    ):
        combat.transform(data(site=np.array(new)[SITE]))


WRONG = {
    "infinite": (np.where(AGE > 40, np.inf, 1.0), "'age' have .* infinite"),
    "infinite decimals": (
        objects(AGE, lambda v: Decimal("inf") if v > 40 else Decimal(v)),
        "infinite",
    ),
    "beyond float64": (objects(AGE, lambda v: 10**400 + v), "'age' have .* infinite"),
    "text beside numbers": (
        objects(AGE, lambda v: "a" if v > 40 else v),
        "'age' are no numbers.*int.*str",
    ),
    "complex": (AGE + 1j, "'age' are of type complex128"),
    "two columns": (np.column_stack([AGE, AGE]), r"'age' have shape \(2,\) per subject"),
    "sets": (objects(AGE, lambda v: {v}), "'age' are no numbers, text or dates alone, but set"),
    "too wide": (AGE * 1e300, "'age' go from 2e.301 to .* rescale"),
    "NA": (pd.Series([pd.NA] * N, dtype=object), "'age' is missing for 40 subjects"),
    "NaT": (np.full(N, "NaT", dtype="M8[s]"), "'age' is missing for 40 subjects"),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("transformer", [ComBat(covariates="age"), ConfoundRegressor("age")])
def test_what_has_no_effect_names_its_column(transformer, case):
    values, message = WRONG[case]
    with pytest.raises(DataError, match=message):
        transformer.fit(data(age=values))
    if case != "too wide":
        with pytest.raises(DataError, match=message):
            transformer.fit(data()).transform(data(age=values))


@pytest.mark.parametrize("later", [np.full(N, "a"), AGE.astype("M8[D]"), AGE.astype(str)])
def test_another_kind_in_transform_names_the_column(later):
    with pytest.raises(DataError, match=r"'age' are (text|dates), but were numbers in fit"):
        ConfoundRegressor("age").fit(data()).transform(data(age=later))


@pytest.mark.parametrize("transformer", [ComBat(covariates="sex"), ConfoundRegressor("sex")])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (0, 1),
        (1, 2.5),
        (1.0, 0),
        (True, False),
        (Decimal(3), 4),
        ("f", "m"),
        (date(2020, 1, 1), date(2021, 1, 1)),
    ],
)
def test_a_constant_covariate_has_no_effect_and_none_is_guessed(transformer, one, other):
    name = "covariates" if isinstance(transformer, ComBat) else "confounds"
    constant = data(sex=np.array([one] * N, dtype=object))
    learnt = transformer.fit(constant)
    right = type(transformer)(**{name: []}).fit_transform(data())["smri"]
    np.testing.assert_allclose(learnt.transform(constant)["smri"], right)
    with pytest.raises(DataError, match="'sex'"):
        learnt.transform(data(sex=np.array([one] * (N - 1) + [other], dtype=object)))


def test_a_confound_that_is_constant_among_those_with_a_modality():
    fc = SMRI.copy()
    fc[SITE == 1] = np.nan
    X = MultimodalData(smri=SMRI, fc=fc, meta={"sex": SITE})
    learnt = ConfoundRegressor("sex").fit(X)
    np.testing.assert_allclose(learnt.transform(X)["fc"][SITE == 0], fc[SITE == 0])
    with pytest.raises(DataError, match=r"'sex' have .*the same for all training subjects"):
        learnt.transform(MultimodalData(smri=SMRI, fc=SMRI, meta={"sex": SITE}))


@pytest.mark.parametrize("sites", [["A", "A ", "B"], ["1", "01", "2"]])
def test_sites_of_fit_that_differ_in_writing_are_refused(sites):
    with pytest.raises(
        DataError, match=f"the sites '{sites[1]}' and '{sites[0]}'|'{sites[0]}' and"
    ):
        ComBat().fit(data(site=np.resize(sites, N)))


def test_an_empty_text_is_missing():
    with pytest.raises(DataError, match="Side data 'site' is missing for 1 subjects: 1"):
        ComBat().fit(data(site=np.array(["A", " ", *["B"] * (N - 2)])))
    labels, names = metadata_labels({"sex": np.array(["M", "", "F"])})
    assert names == ["sex=F", "sex=M"]
    assert labels.tolist() == [[0, 1], [-1, -1], [1, 0]]


def test_codes_of_two_tables_that_differ():
    confounds = ConfoundRegressor("sex").fit(data(sex=np.resize([1, 2], N)))
    confounds.transform(data(sex=np.ones(N)))
    with pytest.warns(UserWarning, match=r"'sex' have \[0\], but only \[1, 2\] in fit.*as in fit"):
        confounds.transform(data(sex=np.resize([0, 1], N)))


def test_ages_that_are_text():
    ages = np.array([*map(str, range(20, 19 + N)), "90+"])
    with pytest.warns(UserWarning, match=rf"'age' are {N} texts.*\('90\+' is none\). Give numb"):
        ConfoundRegressor("age").fit(data(age=ages))


def test_serial_numbers_of_scanners_are_sites():
    serials = np.array(["45012341", "45012342"])[SITE]
    assert ComBat().fit(data(site=serials)).sites_ == ["45012341", "45012342"]


def test_families_and_sites_are_classes():
    families = np.array([f"{k // 2}" for k in range(N)])
    ConfoundRegressor(["family_id", "Site"]).fit(data(family_id=families, Site=families))


def test_labels_that_differ_in_case():
    with pytest.warns(UserWarning, match="'sex' has the classes 'M' and 'm', which differ only in"):
        metadata_labels({"sex": ["M", "m", "F", "F"]})
