"""Refitting without each term of the objective."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from skmmcl import CMCCSSEmbedder, SupConEmbedder
from skmmcl.datasets import make_cohort
from skmmcl.inspection import term_ablation
from skmmcl.model_selection import CrossFitTransformer

CV = StratifiedKFold(3, shuffle=True, random_state=0)


@pytest.fixture(scope="module")
def cohort():
    X, y, _ = make_cohort(90, modalities=["smri", "clinical"], random_state=0)
    return X, y


@pytest.mark.filterwarnings("ignore:CMCCSSEmbedder solved its objective in closed form")
@pytest.mark.parametrize("solver", ["auto", "gradient"])
def test_a_term_left_out_is_a_term_of_weight_0(solver, cohort):
    params = {"solver": solver, "random_state": 0, "max_epochs": 2}
    pipe = make_pipeline(CMCCSSEmbedder(**params), LogisticRegression())
    result = term_ablation(pipe, *cohort, cv=CV, scoring="roc_auc")
    assert result.terms == ("cmc", "css")
    full = cross_val_score(pipe, *cohort, cv=CV, scoring="roc_auc")
    np.testing.assert_array_equal(result.full_score, full)
    pipe.set_params(cmccssembedder__css_weight=0)
    unsupervised = cross_val_score(pipe, *cohort, cv=CV, scoring="roc_auc")
    np.testing.assert_allclose(result.importances[1], full - unsupervised)


def test_where_the_embedder_lies_does_not_matter(cohort):
    embedder = CMCCSSEmbedder(solver="closed_form")
    inside = make_pipeline(CrossFitTransformer(embedder, cv=2), LogisticRegression())
    result = term_ablation(inside, *cohort, cv=2, scoring=["roc_auc", "accuracy"], n_jobs=1)
    assert result["accuracy"].terms == ("cmc", "css")
    assert result["roc_auc"].importances.shape == (2, 2)
    assert type(inside.get_params()["crossfittransformer__transformer"]) is CMCCSSEmbedder


def test_bad_input(cohort):
    with pytest.raises(TypeError, match="found none"):
        term_ablation(LogisticRegression(), *cohort)
    pipe = make_pipeline(SupConEmbedder(max_epochs=1), LogisticRegression())
    with pytest.raises(ValueError, match=r"has the term '\w+' alone"):
        term_ablation(pipe, *cohort, cv=2)
