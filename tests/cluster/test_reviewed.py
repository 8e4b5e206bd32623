"""Faults that a review of UCSL found."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.cluster import AgglomerativeClustering, BisectingKMeans
from sklearn.mixture import BayesianGaussianMixture

from skmmcl.cluster import UCSL, subtype_confounds
from skmmcl.cluster._confounds import warn_of_site
from skmmcl.data import MultimodalData
from skmmcl.datasets import make_subtypes


@pytest.mark.parametrize(
    "clusterer",
    [BayesianGaussianMixture(covariance_type="spherical"), AgglomerativeClustering()],
    ids=lambda clusterer: type(clusterer).__name__,
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_each_linear_model_goes_with_its_cluster(clusterer):
    """A clusterer that cannot be given a start numbers the clusters anew in each iteration."""
    X, y, _ = make_subtypes(400, n_subtypes=2, random_state=0)
    train, test = np.arange(300), np.arange(300, 400)
    scores = [
        UCSL(2, clusterer=clusterer, n_consensus=2, random_state=seed)
        .fit(X[train], y[train])
        .score(X[test], y[test])
        for seed in range(3)
    ]
    assert min(scores) > 0.75


def test_a_clusterer_whose_start_is_drawn():
    X, y, _ = make_subtypes(200, n_subtypes=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        UCSL(2, clusterer=BisectingKMeans(), n_consensus=2, random_state=0).fit(X, y)


def test_a_clusterer_that_cannot_be_asked_is_refused_before_the_fit():
    X, y, _ = make_subtypes(60, n_subtypes=2, random_state=0)
    refused = AgglomerativeClustering(n_clusters=None, distance_threshold=1.0)
    with pytest.raises(ValueError, match=r"clusterer=.* fails on simulated subjects"):
        UCSL(2, clusterer=refused).fit(X, y)


@pytest.mark.parametrize("n_sites", [8, 20])
@pytest.mark.parametrize("names", [["site", "scanner"], ["scanner", "site"]])
def test_numbers_of_sites_are_names(n_sites, names):
    site = np.repeat(np.arange(n_sites), 10)
    labels = site % 2
    assert subtype_confounds(labels, {"site": site})["site"] == pytest.approx(1)
    meta = {name: site if name == "site" else site.astype(str) for name in names}
    X = MultimodalData(a=np.zeros((len(site), 2)), meta=meta)
    with pytest.warns(UserWarning, match="follow the site"):
        warn_of_site(labels, X, "site")


def test_side_data_of_several_values_do_not_stop_a_fit():
    rng = np.random.default_rng(0)
    y, meta = np.arange(40) % 2, {"site": np.arange(40) // 20, "scores": np.ones((40, 2))}
    X = MultimodalData({"roi": rng.normal(size=(40, 3)) + 5 * y[:, None]}, meta=meta)
    UCSL(n_clusters=1, n_consensus=1, random_state=0).fit(X, y)
