"""Each leak is found and named, and clean data give nothing."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, KFold, LeaveOneGroupOut, StratifiedKFold
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skmmcl import CMCCSSEmbedder, FineTunedClassifier
from skmmcl.data import MultimodalData
from skmmcl.datasets import make_cohort
from skmmcl.exceptions import LeakageWarning
from skmmcl.model_selection import check_leakage, compare

N = 120


@pytest.fixture
def cohort():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, size=N)
    return rng.normal(size=(N, 6)) + 0.8 * y[:, None], y


def kinds(leaks):
    return [leak.kind for leak in leaks]


def only(leaks, kind):
    assert kinds(leaks) == [kind]
    return leaks[0].message


# ------------------------------------------------------------------------------------- nothing
def test_clean_data_give_nothing(cohort):
    X, y = cohort
    assert check_leakage(X, y, cv=StratifiedKFold(5), methods={"a": LogisticRegression()}) == []


def test_a_simulated_cohort_gives_nothing():
    X, y, _ = make_cohort(150, random_state=0)
    assert check_leakage(X, y, cv=StratifiedKFold(5), groups=X.meta["site"]) == []
    assert check_leakage(X, np.asarray(X.meta["age"], float), cv=KFold(5)) == []


@pytest.mark.parametrize("side", ["twin", "family"])
@pytest.mark.parametrize("pattern", ["MRI_scan{:03}", "hospital_record{:03}", "s{:03}_direct1"])
def test_names_that_only_look_like_scans_and_families_give_nothing(cohort, side, pattern):
    X, y = cohort
    index = [pattern.format(k) for k in range(N)]
    data = MultimodalData(a=X, meta={side: np.tile(["yes", "no"], N // 2)}, index=index)
    assert check_leakage(data, y, cv=5) == []


@pytest.mark.parametrize("step", [FunctionTransformer(), "passthrough"])
def test_pipelines_without_a_step_that_learns_give_nothing(cohort, step):
    X, y = cohort
    method = make_pipeline(FeatureUnion([("x", make_pipeline(step))]), LogisticRegression())
    assert check_leakage(X, y, cv=5, methods=method) == []


def test_few_values_that_agree_by_chance_give_nothing():
    X, y = load_iris(return_X_y=True)  # two flowers have the same four values
    assert check_leakage(X, y, cv=StratifiedKFold(5)) == []
    assert (
        check_leakage(np.tile([[0, 1], [1, 1]], (30, 1)), np.tile([0, 0, 1], 20), cv=KFold(3)) == []
    )


# -------------------------------------------------------------------------------------- people
def test_a_person_by_group(cohort):
    X, y = cohort
    person = np.arange(N) // 3
    shuffled = KFold(5, shuffle=True, random_state=0)
    message = only(check_leakage(X, y, groups=person, cv=shuffled), "person")
    assert "people, by group, are in training and test" in message
    assert "StratifiedGroupKFold" in message
    assert check_leakage(X, y, groups=person, cv=GroupKFold(5)) == []


@pytest.mark.parametrize("pattern", ["sub-{}_ses-{}_run-1", "sub-{}_ses-{}_task-rest_run-2_bold"])
def test_a_person_by_an_identifier_of_several_parts(cohort, pattern):
    X, y = cohort
    data = pd.DataFrame(X, index=[pattern.format(k // 2, k % 2 + 1) for k in range(N)])
    cv = KFold(5, shuffle=True, random_state=0)
    assert "by identifier" in only(check_leakage(data, y, cv=cv), "person")


@pytest.mark.parametrize("pattern", ["sub-TP{:02}", "sub-Rec{}", "subject_scan{}"])
def test_identifiers_that_look_like_scans_are_people(cohort, pattern):
    X, y = cohort
    data = pd.DataFrame(X, index=[pattern.format(k) for k in range(N)])
    assert check_leakage(data, y) == []


def test_a_person_by_an_index_of_two_levels(cohort):
    X, y = cohort
    levels = {"session": np.arange(N) % 2, "subject": np.arange(N) // 2}
    data = pd.DataFrame(X, index=pd.MultiIndex.from_arrays([*levels.values()], names=[*levels]))
    cv = KFold(5, shuffle=True, random_state=0)
    assert "60 people" not in only(check_leakage(data, y, cv=cv), "person")
    assert check_leakage(data, y, cv=list(GroupKFold(5).split(X, y, levels["subject"]))) == []


@pytest.mark.parametrize("pattern", ["sub-{:02}_ses-{}", "S{:02}_visit{}", "sub-{:02}_run-{}"])
def test_a_person_by_identifier(cohort, pattern):
    X, y = cohort
    ids = [pattern.format(k // 2, k % 2 + 1) for k in range(N)]
    for data in (pd.DataFrame(X, index=ids), MultimodalData({"t1": X}, index=ids)):
        cv = KFold(5, shuffle=True, random_state=0)
        assert "by identifier" in only(check_leakage(data, y, cv=cv), "person")
        splits = GroupKFold(5).split(X, y, np.arange(N) // 2)
        assert check_leakage(data, y, cv=list(splits)) == []


def test_a_family_in_the_side_data(cohort):
    X, y = cohort
    family = np.array([f"F{k // 2}" for k in range(N)], dtype=object)
    family[:10] = None
    data = MultimodalData({"t1": X}, meta={"family_id": family})
    cv = KFold(5, shuffle=True, random_state=0)
    message = only(check_leakage(data, y, cv=cv), "person")
    assert "families, by X.meta['family_id'], are in training and test (such as 'F" in message
    splits = list(GroupKFold(5).split(X, y, np.arange(N) // 2))
    assert check_leakage(data, y, cv=splits) == []


def test_a_person_by_identical_rows(cohort):
    X, y = cohort
    X[100] = X[3]
    splits = KFold(5)
    message = only(check_leakage(X, y, cv=splits), "copy")
    assert "such as rows 3 and 100" in message
    same_fold = [(np.r_[4:100], np.r_[0:4, 100:N])]
    assert check_leakage(X, y, cv=same_fold) == []
    person = np.arange(N)
    person[100] = 3
    assert check_leakage(X, y, cv=GroupKFold(5), groups=person) == []


def test_identical_rows_of_several_modalities():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(40, 3)), rng.normal(size=(40, 2, 2))
    a[30], y = a[2], np.tile([0, 1], 20)
    assert check_leakage(MultimodalData(a=a, b=b), y, cv=KFold(4)) == []
    b[30] = b[2]
    assert "rows 2 and 30" in only(check_leakage(MultimodalData(a=a, b=b), y, cv=KFold(4)), "copy")


# --------------------------------------------------------------------------- fitted beforehand
def test_an_embedder_that_stays_fitted(cohort):
    X, y = cohort
    frozen = make_pipeline(FrozenEstimator(PCA(2).fit(X)), LogisticRegression())
    message = only(check_leakage(X, y, cv=KFold(5), methods={"ours": frozen}), "fitted")
    assert "'ours' contains 'PCA' that stays as it was fitted, outside the folds" in message
    fitted = make_pipeline(PCA(2).fit(X), LogisticRegression())  # is cloned
    assert check_leakage(X, y, cv=KFold(5), methods=fitted) == []
    others = [f"other{k}" for k in range(10)]
    assert check_leakage(X, y, cv=KFold(5), methods=frozen, pretraining=others) == []


def test_a_fine_tuned_embedder_stays_fitted():
    X, y, _ = make_cohort(40, n_rois=6, n_features=4, random_state=0)
    embedder = CMCCSSEmbedder(solver="gradient", max_epochs=1, random_state=0)
    methods = {"ours": FineTunedClassifier(embedder)}
    assert check_leakage(X, y, cv=KFold(5), methods=methods) == []
    methods = {"ours": FineTunedClassifier(embedder.fit(X, y))}
    message = only(check_leakage(X, y, cv=KFold(5), methods=methods), "fitted")
    assert "'ours' contains 'CMCCSSEmbedder' that stays as it was fitted" in message


def test_columns_that_a_fitted_embedder_has_made(cohort):
    X, y = cohort
    embedder = CMCCSSEmbedder().set_output(transform="pandas")
    Z = embedder.fit_transform(MultimodalData(a=X[:, :3], b=X[:, 3:]), y)
    leaks = check_leakage(Z, y, cv=KFold(5))
    assert "fitted" in kinds(leaks)
    assert "put the transformer into the pipeline" in leaks[kinds(leaks).index("fitted")].message


# --------------------------------------------------------------------------------- pretraining
@pytest.mark.parametrize("form", ["identifiers", "container", "rows"])
def test_test_subjects_in_pretraining(cohort, form):
    X, y = cohort
    ids = [f"sub-{k:03}" for k in range(N)]
    data = MultimodalData({"t1": X}, index=ids)
    given = {
        "identifiers": ["SUB-007", "sub-500"],
        "container": data[[7]],
        "rows": MultimodalData({"t1": X[[7]]}),
    }[form]
    message = only(check_leakage(data, y, cv=KFold(5), pretraining=given), "pretraining")
    assert "1 test subjects took part in the pretraining" in message
    tested_elsewhere = [(np.r_[:60], np.r_[60:N])]
    assert check_leakage(data, y, cv=tested_elsewhere, pretraining=given) == []


def test_a_method_that_pretrains_on_test_subjects(cohort):
    X, y = cohort
    data = MultimodalData(t1=X)
    method = FineTunedClassifier(CMCCSSEmbedder(), pretrain=(data[60:80], y[60:80]))
    message = only(
        check_leakage(data, y, cv=KFold(5), methods=make_pipeline(method)), "pretraining"
    )
    assert "20 test subjects took part" in message
    others = MultimodalData(t1=np.random.default_rng(1).normal(size=X.shape))
    method.set_params(pretrain=others)
    assert check_leakage(data, y, cv=KFold(5), methods=method) == []


def test_unknown_labels_among_text_are_no_class(cohort):
    X, _ = cohort
    X[:, 2] = np.r_[np.zeros(100), np.ones(20)]
    y = [*np.random.default_rng(0).choice(["HC", "SZ"], 100).tolist(), *[np.nan] * 20]
    assert check_leakage(X, y) == []


def test_another_scan_of_a_test_subject_in_pretraining(cohort):
    X, y = cohort
    data = pd.DataFrame(X, index=[f"sub-{k:03}_ses-2" for k in range(N)])
    given = pd.Series(["sub-007_ses-1", "sub-500_ses-1"])
    message = only(check_leakage(data, y, cv=KFold(5), pretraining=given), "pretraining")
    assert "such as 'sub-007_ses-2'" in message


def test_one_modality_of_a_test_subject_in_pretraining(cohort):
    X, y = cohort
    data = MultimodalData(a=X[:, :3], b=X[:, 3:])
    given = {"b": X[[7], 3:].astype(np.float32), "c": X[[8], :3]}
    message = only(check_leakage(data, y, cv=KFold(5), pretraining=given), "pretraining")
    assert "1 test subjects took part" in message


def test_rows_without_values_and_rows_of_few_values_are_no_pretraining(cohort):
    X, y = cohort
    X[3] = np.nan
    others = np.random.default_rng(1).normal(size=(N, 6))
    others[3] = np.nan
    assert check_leakage(X, y, cv=KFold(5), pretraining=others) == []
    answers = np.random.default_rng(2).integers(0, 2, size=(N, 4))
    assert check_leakage(answers[1:], y[1:], cv=KFold(5), pretraining=answers[:1]) == []


# ------------------------------------------------------------------------------------- targets
@pytest.mark.parametrize("copy", [lambda y: y, lambda y: 3.5 - 2 * y, lambda y: y * 1e-3 + 7])
def test_a_column_that_is_the_class(cohort, copy):
    X, y = cohort
    X[:, 4] = copy(y.astype(float))
    assert "column 4 separates the classes by itself" in only(check_leakage(X, y), "target")
    named = pd.DataFrame(X, columns=[*"abcdef"])
    assert "column e" in only(check_leakage(named, np.where(y, "MS", "HC")), "target")
    data = MultimodalData(t1=X[:, :3], scores=X[:, 3:])
    assert "scores: column 1" in only(check_leakage(data, y), "target")


def test_a_column_that_is_the_number(cohort):
    X, _ = cohort
    age = np.random.default_rng(0).uniform(20, 80, size=N)
    X[:, 2] = age * 12 + 3
    assert "column 2 is the target, up to its unit" in only(check_leakage(X, age), "target")
    X[:, 2] += np.random.default_rng(1).normal(scale=80, size=N)
    assert check_leakage(X, age) == []


def test_columns_that_set_few_subjects_apart_by_chance_give_nothing():
    rng = np.random.default_rng(0)
    assert check_leakage(rng.normal(size=(12, 5000)), np.tile([0, 1], 6)) == []


# --------------------------------------------------------------------------------------- sites
def test_a_site_that_predicts_the_class(cohort):
    X, _ = cohort
    rng = np.random.default_rng(0)
    site = np.repeat(["Rome", "Paris", "London"], N // 3)
    y = (rng.uniform(size=N) < np.repeat([0.1, 0.5, 0.9], N // 3)).astype(int)
    cv = StratifiedKFold(5)
    message = only(check_leakage(X, y, groups=site, cv=cv), "site")
    assert "The site alone (groups) predicts the target, with an AUC of 0.7" in message
    data = MultimodalData({"t1": X}, meta={"site": site})
    assert "(site)" in only(check_leakage(data, y, cv=cv), "site")
    assert check_leakage(X, y, groups=site, cv=LeaveOneGroupOut()) == []  # no site is known


def test_a_site_that_predicts_the_number(cohort):
    X, _ = cohort
    site = np.repeat([0, 1, 2], N // 3)
    age = np.random.default_rng(0).normal(30 + 10 * site, 8)
    assert "an R2 of 0.5" in only(check_leakage(X, age, groups=site, cv=KFold(5)), "site")


# -------------------------------------------------------------------------- compare, bad input
def test_compare_warns_and_keeps_what_it_found(cohort):
    X, y = cohort
    X[:, 4] = y
    with pytest.warns(LeakageWarning, match="column 4 separates the classes"):
        result = compare({"linear": LogisticRegression()}, X, y, cv=3)
    assert kinds(result.leaks) == ["target"]


def test_other_orders_are_refused(cohort):
    X, y = cohort
    ids = [f"s{k}" for k in range(N)]
    X, y = pd.DataFrame(X, index=ids), pd.Series(y, index=ids)
    for options in ({"y": y[::-1]}, {"y": y, "groups": y[::-1]}):
        with pytest.raises(ValueError, match="another order"):
            check_leakage(X, **options)


def test_a_number_of_folds_of_ages_is_not_stratified(cohort):
    X, _ = cohort
    assert check_leakage(X, np.random.default_rng(0).permutation(N) + 18, cv=5) == []


def test_other_lengths_are_refused(cohort):
    X, y = cohort
    with pytest.raises(ValueError, match=r"X has 120 subjects, and y has the shape \(5,\)"):
        check_leakage(X, y[:5])
    with pytest.raises(ValueError, match="groups must have one entry for each of 120"):
        check_leakage(X, y, groups=[1, 2])
