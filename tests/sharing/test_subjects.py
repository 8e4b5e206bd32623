"""No model file holds data of training subjects unless that is asked for."""

import json

import numpy as np
import pytest
from sklearn.decomposition import KernelPCA
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import QuantileTransformer
from sklearn.svm import SVC

from skmmcl import UCSL, SupConEmbedder, load_model, model_info, save_model
from skmmcl.exceptions import ModelFileError
from skmmcl.sharing import model_card
from skmmcl.sharing._file import read_file
from tests.sharing.fitted import IDS, N_SUBJECTS, cases, fit, same, subjects, unfitted

CASES = cases()


def lengths(value):
    """How long lists in the JSON are."""
    if isinstance(value, dict):
        # A layer may have as many weights as there are subjects.
        yield from (n for k, v in value.items() if k != "param_groups" for n in lengths(v))
    elif isinstance(value, list):
        yield len(value)
        yield from (n for item in value for n in lengths(item))


@pytest.mark.parametrize(
    ("cls", "solver"), CASES, ids=[f"{cls.__name__}-{solver}" for cls, solver in CASES]
)
def test_no_file_has_a_row_or_a_name_of_a_subject(cls, solver, tmp_path):
    save_model(fit(cls, solver), tmp_path / "a")
    about, model, arrays = read_file(tmp_path / "a")
    assert not about["holds_subjects"]
    assert not [name for name, array in arrays.items() if N_SUBJECTS in array.shape]
    assert N_SUBJECTS not in set(lengths(model))
    text = json.dumps([about, model])
    assert not [name for name in IDS if name in text]


def test_an_exact_kernel_is_refused_and_written_where_that_is_asked(tmp_path):
    X, y = subjects()
    model = SupConEmbedder(solver="closed_form", kernel_features="exact").fit(X, y)
    with pytest.raises(ModelFileError, match=r"holds data of training subjects.*include_subjects"):
        save_model(model, tmp_path / "a")
    assert not (tmp_path / "a").exists()
    save_model(model, tmp_path / "a", include_subjects=True)
    about = model_info(tmp_path / "a")
    assert about["holds_subjects"]
    assert any("views" in name for name in about["subjects_in"])
    assert "holds data of training subjects**" in model_card(tmp_path / "a")
    assert same(load_model(tmp_path / "a").transform(X), model.transform(X))


def test_labels_of_subtypes_are_left_out(tmp_path):
    model = fit(UCSL)
    save_model(model, tmp_path / "a")
    assert not hasattr(load_model(tmp_path / "a"), "labels_")
    save_model(model, tmp_path / "a", include_subjects=True)
    assert same(load_model(tmp_path / "a").labels_, model.labels_)
    assert model_info(tmp_path / "a")["subjects_in"] == ["labels_"]


@pytest.mark.parametrize(
    "model", [KernelPCA(kernel="rbf"), QuantileTransformer(n_quantiles=20), SVC()], ids=repr
)
def test_scikit_learn_that_keeps_subjects_is_refused(model, tmp_path):
    X, y = np.random.default_rng(0).normal(size=(30, 3)), np.arange(30) % 2
    with pytest.raises(ModelFileError, match="holds data of training subjects"):
        save_model(model.fit(X, y), tmp_path / "a")


def test_an_estimator_that_is_not_known_may_hold_subjects(tmp_path):
    model = KNeighborsClassifier(algorithm="brute").fit(np.eye(6), [0, 1] * 3)
    with pytest.raises(ModelFileError, match="not known whether it holds data"):
        save_model(model, tmp_path / "a")
    save_model(model, tmp_path / "a", include_subjects=True)
    assert model_info(tmp_path / "a")["holds_subjects"]
    loaded = load_model(tmp_path / "a", trusted=[KNeighborsClassifier])
    assert same(loaded.predict(np.eye(6)), model.predict(np.eye(6)))


def test_a_cohort_among_the_parameters_is_found(tmp_path):
    X, _ = subjects()
    model = unfitted(SupConEmbedder).set_params(groups=X)
    with pytest.raises(ModelFileError, match="groups of SupConEmbedder holds data"):
        save_model(model, tmp_path / "a")
