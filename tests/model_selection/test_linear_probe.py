"""The searched linear probe: what it finds, whom it holds out, and what it refuses."""

import sys

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl.model_selection import linear_probe_search

pytest.importorskip("optuna")


@pytest.fixture(name="Zy")
def embeddings():
    """One informative column among many: a strong l1 penalty is best."""
    rng = np.random.default_rng(0)
    y = np.arange(120) % 2
    Z = rng.normal(size=(120, 30))
    Z[:, 3] += 1.5 * y
    return Z * rng.uniform(0.1, 10, 30), y


def search(Z, y, **params):
    return linear_probe_search(Z, y, **{"n_trials": 6, "random_state": 0, **params})


def test_best_score_is_that_of_the_folds(Zy):
    Z, y = Zy
    probe = search(Z, y, hold_out=None, max_iter=3000)
    best = max(probe.trials_, key=lambda trial: trial["score"])
    assert probe.best_score_ == best["score"]
    assert probe.best_params_ == {k: v for k, v in best.items() if k != "score"}
    seed = np.random.RandomState(0).randint(np.iinfo(np.int32).max)
    ratio = {"l1": 1.0, "l2": 0.0}.get(best["penalty"], best.get("l1_ratio"))
    same = LogisticRegression(
        solver="saga", C=best["C"], l1_ratio=ratio, max_iter=3000, random_state=seed
    )
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    scores = cross_val_score(
        make_pipeline(StandardScaler(), same), Z, y, cv=folds, scoring="roc_auc"
    )
    assert scores.mean() == pytest.approx(probe.best_score_)
    assert probe.hold_out_score_ is None
    assert probe.n_search_ == 120


def test_the_search_prefers_a_sparse_probe_of_a_sparse_signal(Zy):
    probe = search(*Zy, n_trials=25)
    assert probe.best_score_ > 0.8
    assert probe.best_params_["penalty"] != "l2"
    assert np.abs(probe.best_estimator_[-1].coef_[0]).argmax() == 3


def test_held_out_subjects_are_only_scored(Zy):
    Z, y = Zy
    probe = search(Z[:80], y[:80], hold_out=(Z[80:], y[80:]))
    alone = search(Z[:80], y[:80], hold_out=None)
    assert probe.trials_ == alone.trials_
    expected = roc_auc_score(y[80:], probe.predict_proba(Z[80:])[:, 1])
    assert probe.hold_out_score_ == pytest.approx(expected)
    assert (probe.n_search_, probe.n_hold_out_) == (80, 40)
    assert probe.predict(Z).shape == (120,)


def test_it_is_reproducible_and_touches_no_global_state(Zy):
    import optuna

    np.random.seed(3)  # noqa: NPY002
    before, verbosity = np.random.get_state()[1].copy(), optuna.logging.get_verbosity()  # noqa: NPY002
    one, same, other = (search(*Zy, random_state=seed) for seed in (1, 1, 2))
    assert one.trials_ == same.trials_
    assert one.hold_out_score_ == same.hold_out_score_
    assert one.trials_ != other.trials_
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    assert optuna.logging.get_verbosity() == verbosity


def test_unlabeled_subjects_are_left_out(Zy):
    Z, y = Zy
    partly = np.where(np.arange(120) < 100, y, -1)
    assert search(Z, partly).trials_ == search(Z[:100], y[:100]).trials_


def test_several_classes():
    Z, y = make_classification(150, 12, n_informative=6, n_classes=3, random_state=0)
    probe = search(Z, np.array(["a", "b", "c"])[y], n_trials=3)
    assert 0.5 < probe.best_score_ <= 1
    assert repr(probe).startswith("LinearProbe(penalty=")


BAD = [
    ({"hold_out": 1.5}, "hold_out must be a fraction between 0 and 1"),
    ({"hold_out": (np.zeros((4, 3)), [0, 1, 0, 1])}, "embeddings have 3 columns, X has 30"),
    ({"hold_out": (np.zeros((4, 30)), [0, 1, 0, 2])}, r"have the classes \[2\], which y lacks"),
    ({"n_trials": 0}, "n_trials must be a whole number of at least 1, got 0"),
    ({"n_folds": 1}, "n_folds must be a whole number of at least 2, got 1"),
    ({"n_folds": 80}, r"needs at least two classes of 80 subjects each; found \{0: "),
]


@pytest.mark.parametrize(("params", "said"), BAD)
def test_bad_parameters(Zy, params, said):
    with pytest.raises(ValueError, match=said):
        search(*Zy, **params)


def test_one_class_is_none(Zy):
    Z, y = Zy
    with pytest.raises(ValueError, match=r"at least two classes .* found \{1: 60\}"):
        search(Z, np.where(y == 1, 1, -1), hold_out=None)


def test_without_optuna(Zy, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError, match=r'needs Optuna: pip install "skmmcl\[search\]"'):
        search(*Zy)
