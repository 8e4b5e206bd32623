"""An encoder of a fitted estimator, handed to another."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from skmmcl import (
    CMCCSSEmbedder,
    CoMMEmbedder,
    FineTunedClassifier,
    MultimodalData,
    SupervisedEmbedder,
    YAwareEmbedder,
    stacked_fits,
)
from skmmcl.exceptions import ModalityError


@pytest.fixture(name="connectomes", scope="module")
def _connectomes():
    rng = np.random.default_rng(0)
    fc = rng.normal(size=(40, 6, 6)) + rng.normal(size=(6, 6))
    return MultimodalData(
        smri=rng.normal(3, 2, size=(40, 8)), fc=fc + fc.transpose(0, 2, 1),
        t1=rng.normal(100, 20, size=(40, 8, 8, 8)),
    ), np.arange(40) % 2  # fmt: skip


@pytest.mark.parametrize("options", [
    {}, {"input_components": None}, {"standardize": False}, {"encoders": {"fc": "attention"}},
    {"input_components": 3}, {"encoders": "linear"}, {"dtype": "float64"},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("modality", ["smri", "fc", "t1"])
def test_it_maps_scaled_subjects_to_their_representation(modality, options, connectomes):
    X, y = connectomes
    if modality == "t1":
        options = {k: v for k, v in options.items() if k != "encoders"}
    names = [modality, "smri"] if modality != "smri" else ["smri", "fc"]
    fitted = SupervisedEmbedder(
        **{"n_components": 4, "max_epochs": 2, "random_state": 0, **options}
    ).fit(X[names], y)
    encoder = fitted.encoder(modality)
    values = X[modality].astype(float)
    if fitted.standardize:
        means, units = fitted._trained.means[modality], fitted._trained.units[modality]
        values = (values - means) / units
    like = next(encoder.parameters())
    with torch.no_grad():
        found = encoder.eval()(
            torch.as_tensor(values).to(like)[None]
            if modality == "t1" and not hasattr(encoder, "shape")
            else torch.as_tensor(values).to(like)
        )
    columns = [k for k, n in enumerate(fitted.get_feature_names_out()) if n.startswith(modality)]
    np.testing.assert_allclose(found.numpy(), fitted.transform(X[names])[:, columns], atol=2e-4)


@pytest.mark.parametrize("modality", ["smri", "fc", "t1"])
def test_another_estimator_takes_it_and_trains_on(modality, connectomes):
    X, y = connectomes
    fitted = SupervisedEmbedder(n_components=4, max_epochs=1, random_state=0).fit(X, y)
    encoder = fitted.encoder(modality)
    before = {name: t.clone() for name, t in encoder.state_dict().items()}
    other = CMCCSSEmbedder(
        solver="gradient", n_components=4, encoders={modality: encoder}, max_epochs=2,
        random_state=0,
    ).fit(X, y)  # fmt: skip
    assert np.isfinite(other.transform(X)).all()
    assert all(torch.equal(before[name], t) for name, t in encoder.state_dict().items())
    assert all(
        torch.equal(before[name], t) for name, t in fitted.encoder(modality).state_dict().items()
    )


def test_it_starts_where_the_other_ended(connectomes):
    X, y = connectomes
    fitted = SupervisedEmbedder(
        n_components=4, max_epochs=2, input_components=None, random_state=0
    ).fit(X, y)
    other = YAwareEmbedder(
        n_components=4, encoders={name: fitted.encoder(name) for name in X.modalities},
        max_epochs=1, lr=1e-12, weight_decay=0.0, input_components=None, random_state=1,
    ).fit(X, y)  # fmt: skip
    np.testing.assert_allclose(other.transform(X), fitted.transform(X), atol=1e-4)


def test_a_volume_encoder_of_a_network_is_not_wrapped_twice(connectomes):
    X, y = connectomes
    fitted = SupervisedEmbedder(n_components=4, max_epochs=1, random_state=0).fit(X[["t1"]], y)
    inside = fitted.net_.module_.encoders[0]
    other = SupervisedEmbedder(n_components=4, encoders={"t1": inside}, max_epochs=1)
    assert other.fit(X[["t1"]], y).transform(X[["t1"]]).shape == (40, 4)
    assert type(fitted.encoder("t1")).__name__ == "SmallCNN3d"


def test_stacked_fits_carry_it(connectomes):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline

    X, y = connectomes
    X = X[["smri", "fc"]]
    fitted = SupervisedEmbedder(n_components=4, max_epochs=1, random_state=0).fit(X, y)
    encoders = {name: fitted.encoder(name) for name in X.modalities}
    embedder = SupervisedEmbedder(n_components=4, encoders=encoders, max_epochs=2, random_state=0)
    pipe = make_pipeline(embedder, LogisticRegression())
    alone = cross_val_score(pipe, X, y, cv=2, scoring="neg_log_loss", error_score="raise")
    with stacked_fits():
        stacked = cross_val_score(pipe, X, y, cv=2, scoring="neg_log_loss", error_score="raise")
    np.testing.assert_array_equal(alone, stacked)


def test_what_has_no_encoder_is_refused(connectomes):
    X, y = connectomes
    fitted = SupervisedEmbedder(max_epochs=1).fit(X[["smri", "fc"]], y)
    with pytest.raises(ModalityError, match="'t1' is none of them"):
        fitted.encoder("t1")
    with pytest.raises(TypeError, match="solved in closed form"):
        CMCCSSEmbedder(solver="closed_form").fit(X[["smri", "fc"]], y).encoder("fc")


def test_an_encoder_before_fusion(connectomes):
    X, y = connectomes
    fitted = CoMMEmbedder(n_components=8, max_epochs=1, random_state=0).fit(X[["smri", "fc"]])
    encoder = fitted.encoder("smri")
    assert isinstance(encoder, nn.Module)
    other = SupervisedEmbedder(n_components=8, encoders={"smri": encoder}, max_epochs=1)
    assert FineTunedClassifier(other, max_epochs=1).fit(X[["smri"]], y).classes_.tolist() == [0, 1]
