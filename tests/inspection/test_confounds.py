"""Confounds decoded from a representation."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl.exceptions import DataError
from skmmcl.inspection import confound_report
from skmmcl.inspection._decoding import ALPHAS
from skmmcl.metrics import site_predictability


@pytest.fixture
def cohort():
    rng = np.random.default_rng(0)
    site = np.array(["A", "B", "C"])[rng.integers(0, 3, size=90)]
    age = rng.uniform(20, 80, size=90)
    Z = rng.normal(size=(90, 4))
    Z[:, 0] += 3 * (site == "A")
    Z[:, 1] += age / 10
    return Z, {"site": site, "age": age, "sex": np.tile(["f", "m"], 45)}


def test_scores_are_those_of_the_probes_alone(cohort):
    Z, confounds = cohort
    report = confound_report(Z, confounds, n_permutations=3, random_state=0)
    seed = np.random.RandomState(0).randint(2**31 - 1, size=2)[0]
    expected = site_predictability(Z, confounds["site"], random_state=seed)
    assert report.scores[0] == pytest.approx(expected)
    probe = make_pipeline(StandardScaler(), RidgeCV(ALPHAS))
    cv = KFold(5, shuffle=True, random_state=seed)
    predicted = cross_val_predict(probe, Z, confounds["age"], cv=cv)
    assert report.scores[1] == pytest.approx(r2_score(confounds["age"], predicted))
    assert report.scorings == ("balanced accuracy", "R2", "balanced accuracy")


def test_what_is_there_is_found_and_what_is_not_is_at_chance(cohort):
    report = confound_report(*cohort, n_permutations=19)
    assert report.p_values[0] == report.p_values[1] == 1 / 20
    assert report.p_values[2] > 0.05
    assert report.chance[[0, 2]] == pytest.approx([1 / 3, 1 / 2], abs=0.08)
    assert -0.2 < report.chance[1] < 0.02
    assert repr(report).splitlines()[1].startswith("  site  balanced accuracy 0.")


@pytest.mark.slow
def test_p_values_are_uniform_where_nothing_is_there():
    p_values = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        Z, motion = rng.normal(size=(40, 3)), rng.normal(size=40)
        report = confound_report(Z, {"motion": motion}, n_permutations=19, random_state=seed)
        p_values += report.p_values.tolist()
    assert 0.01 <= np.mean(np.array(p_values) <= 0.05) <= 0.09
    assert np.mean(p_values) == pytest.approx(0.525, abs=0.06)


def test_unknown_values_are_left_out(cohort):
    Z, confounds = cohort
    age, site = confounds["age"].copy(), confounds["site"].astype(object)
    age[:10], site[50:] = np.nan, None
    report = confound_report(Z, {"age": age, "site": site}, n_permutations=2)
    assert report.n_subjects.tolist() == [80, 50]
    kept = confound_report(Z[10:], {"age": age[10:]}, n_permutations=2)
    assert report.scores[0] == kept.scores[0]


def repeated(seed, n_people=24, n_rows=3):
    """Return rows that show who a person is, an age that they do not show, and the people."""
    rng = np.random.default_rng(seed)
    people = np.repeat(np.arange(n_people), n_rows)
    Z = rng.normal(size=(n_people, 20))[people] + 0.1 * rng.normal(size=(len(people), 20))
    age = rng.uniform(20, 80, n_people)[people] + np.tile(np.arange(n_rows), n_people)
    return Z, {"age": age}, people


def test_people_with_several_rows_are_not_recognized():
    alone, together = [], []
    for seed in range(1, 5):
        Z, confounds, people = repeated(seed)
        options = {"n_permutations": 9, "random_state": seed}
        alone += [*confound_report(Z, confounds, **options).p_values]
        together += [*confound_report(Z, confounds, groups=people, **options).p_values]
    assert np.mean(np.array(alone) == 0.1) > 0.8
    assert np.mean(np.array(together) == 0.1) < 0.3


def test_groups_of_one_row_are_no_groups(cohort):
    Z, confounds = cohort
    ages = {"age": confounds["age"]}
    report = confound_report(Z, ages, groups=[f"p{k}" for k in range(90)], n_permutations=19)
    assert report.scores[0] == pytest.approx(
        confound_report(Z, ages, n_permutations=1).scores[0], abs=0.05
    )
    assert report.p_values[0] == 1 / 20


def test_bad_groups(cohort):
    Z, confounds = cohort
    for groups, message in (
        (np.arange(89), r"groups has shape \(89,\), and the representation 90 rows"),
        ([None, *range(89)], "groups has 1 missing values"),
        (confounds["site"], "'site': 3 of 3 classes have a single group"),
    ):
        with pytest.raises(DataError, match=message):
            confound_report(Z, {"site": confounds["site"]}, groups=groups)
    with pytest.raises(DataError, match="'age' is known of a single group"):
        confound_report(Z, {"age": confounds["age"]}, groups=np.zeros(90))


def test_bad_input(cohort):
    Z, confounds = cohort
    with pytest.raises(DataError, match="'site' has one value"):
        confound_report(Z, {"site": ["A"] * 90})
    rare = confounds["site"].astype(object)
    rare[0] = "D"
    with pytest.raises(DataError, match="'site': 1 of 4 classes have a single subject"):
        confound_report(Z, {"site": rare})
    with pytest.raises(DataError, match="'age' has 89 values, and the representation 90"):
        confound_report(Z, {"age": confounds["age"][1:]})
    with pytest.raises(DataError, match="'age' has infinite values"):
        confound_report(Z, {"age": np.append(confounds["age"][1:], np.inf)})
    mixed = np.array(["A", 1] * 45, dtype=object)
    with pytest.raises(DataError, match="'site' are no numbers, text or dates alone"):
        confound_report(Z, {"site": mixed})
    with pytest.raises(ValueError, match="cv must be a whole number of at least 2, got 1"):
        confound_report(Z, confounds, cv=1)
    with pytest.raises(ValueError, match="n_permutations must be a whole number of at least 1"):
        confound_report(Z, confounds, n_permutations=0)
    with pytest.raises(DataError, match="must be a mapping"):
        confound_report(Z, confounds["age"])
    table = pd.DataFrame(Z, index=[f"s{k}" for k in range(90)])
    other = pd.Series(confounds["age"], index=table.index[::-1])
    with pytest.raises(DataError, match="same subjects in another order"):
        confound_report(table, {"age": other})
