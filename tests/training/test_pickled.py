"""What a pickle of a fitted estimator holds, and how training goes on from it."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import torch

from skmmcl import CMCCSSEmbedder

N = 24
RNG = np.random.default_rng(0)
X = {"a": RNG.normal(size=(N, 400)), "b": RNG.normal(size=(N, 6))}
y = np.arange(N) % 2


def fitted(**params):
    defaults = {"max_epochs": 3, "input_components": None, "lr_schedule": "cosine"}
    return CMCCSSEmbedder(solver="gradient", random_state=0, **{**defaults, **params}).fit(X, y)


def pickled(estimator):
    return pickle.loads(pickle.dumps(estimator))


@pytest.mark.parametrize("copied", [pickled, copy.deepcopy])
def test_without_warm_start_there_are_no_moments(copied):
    estimator = fitted()
    weights = sum(p.nbytes for p in estimator.net_.module_.parameters())
    twin = copied(estimator)
    assert not twin.net_.optimizer_.state
    assert estimator.net_.optimizer_.state  # of the original they are left alone
    assert np.array_equal(twin.transform(X), estimator.transform(X))
    for name, losses in estimator.history_.items():
        assert np.array_equal(twin.history_[name], losses)
    kept = pickle.dumps(estimator.set_params(warm_start=True))
    lean = pickle.dumps(estimator.set_params(warm_start=False))
    assert len(kept) - len(lean) == pytest.approx(2 * weights, rel=0.1)


def test_training_goes_on_from_a_pickle_and_says_what_it_lacks():
    estimator, expected = pickled(fitted()), fitted()
    before = estimator.transform(X)
    with pytest.warns(UserWarning, match="hold no moments of the optimizer.*warm_start=True"):
        estimator.partial_fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        estimator.partial_fit(X, y)  # it is said once
        pickled(expected).transform(X)
    assert estimator.n_iter_ == 5
    assert not np.array_equal(estimator.transform(X), before)
    weights = [p for group in estimator.net_.optimizer_.param_groups for p in group["params"]]
    assert {id(p) for p in weights} == {id(p) for p in estimator.net_.module_.parameters()}
    scheduler = dict(estimator.net_.callbacks_)["lr_schedule"].lr_scheduler_
    assert scheduler.optimizer is estimator.net_.optimizer_


@pytest.mark.parametrize("step", ["fit", "partial_fit"])
@pytest.mark.parametrize("times", [1, 2])
def test_with_warm_start_a_pickle_goes_on_as_the_original(step, times):
    one = fitted(warm_start=True)
    other = one
    for _ in range(times):
        other = pickled(other)
    for estimator in (one, other):
        getattr(estimator, step)(X, y)
    assert np.array_equal(one.transform(X), other.transform(X))
    assert np.array_equal(one.history_["train_loss"], other.history_["train_loss"])


def test_a_pickle_of_a_pickle_still_says_it():
    with pytest.warns(UserWarning, match="hold no moments"):
        pickled(pickled(fitted())).partial_fit(X, y)


def test_an_optimizer_without_moments_has_nothing_to_lose():
    estimator = pickled(fitted(optimizer=torch.optim.SGD, lr_schedule=None))
    expected = fitted(optimizer=torch.optim.SGD, lr_schedule=None)
    for each in (estimator, expected):
        each.partial_fit(X, y)
    assert np.array_equal(estimator.transform(X), expected.transform(X))
