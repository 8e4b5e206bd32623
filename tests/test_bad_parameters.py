"""Parameters that cannot be used are named before any training starts."""

from __future__ import annotations

from fractions import Fraction
from functools import partial

import numpy as np
import pytest
import skorch.callbacks
import torch
from torch import nn

import skmmcl.base._trained
from skmmcl import MultimodalData, SupConEmbedder, YAwareEmbedder
from skmmcl.augmentation import Flip, GaussianNoise
from skmmcl.exceptions import DataError, ModalityError, TrainingError

N = 16
RNG = np.random.default_rng(0)
X = MultimodalData(
    smri=RNG.normal(size=(N, 4)),
    fc=RNG.normal(size=(N, 3, 3)),
    meta={"age": np.linspace(20, 80, N), "roi": RNG.random((N, 5))},
)
Y = np.arange(N) % 2


def embedder(cls=SupConEmbedder, **params):
    return cls(**{"max_epochs": 1, "n_components": 2, "random_state": 0, **params})


@pytest.fixture
def refuses(monkeypatch):
    """Check that fit raises an error that says this, and that no training begins."""

    def fail(*args, **kwargs):
        pytest.fail("training began")

    def check(error, said, X=X, y=Y, cls=SupConEmbedder, sample_weight=None, **params):
        monkeypatch.setattr(skmmcl.base._trained, "fit_net", fail)
        with pytest.raises(error, match=said):
            embedder(cls, **params).fit(X, y, sample_weight=sample_weight)

    return check


def fails(*args, **kwargs):
    return list(args)[10**6]


CALLBACK = skorch.callbacks.Callback()


@pytest.mark.parametrize(
    "callbacks",
    [
        [3],
        [None],
        ["a"],
        [print],
        [("a", 3)],
        [[CALLBACK]],
        ("a", CALLBACK),
        [CALLBACK, int],
        [nn.ReLU()],
    ],
)
def test_callbacks_that_are_none(refuses, callbacks):
    refuses(TypeError, "callbacks must be a list of skorch callbacks.* got ", callbacks=callbacks)


@pytest.mark.parametrize(
    "callbacks", [[CALLBACK], (CALLBACK,), [("a", CALLBACK)], [type(CALLBACK)]]
)
def test_callbacks_in_all_their_forms(callbacks):
    assert embedder(callbacks=callbacks).fit(X, Y).n_iter_ == 1


@pytest.mark.parametrize(
    "optimizer",
    [
        int, print, dict, fails, nn.Linear, torch.optim.Optimizer, torch.optim.LBFGS,
        torch.optim.SparseAdam, partial(torch.optim.SGD, momentum=-1),
        lambda weights, **options: None, lambda weights: torch.optim.SGD(weights, lr=0.1),
    ],
)  # fmt: skip
def test_optimizers_that_are_none(refuses, optimizer):
    refuses(
        TypeError, "optimizer=.* must be 'adam', .* or a class of torch.optim", optimizer=optimizer
    )


@pytest.mark.parametrize("optimizer", [torch.optim.RMSprop, partial(torch.optim.SGD, momentum=0.5)])
def test_optimizers_of_torch(optimizer):
    assert np.isfinite(embedder(optimizer=optimizer).fit_transform(X, Y)).all()


@pytest.mark.parametrize(
    "device", ["meta", torch.device("meta"), "vulkan", "hpu", "gpu", "", "cpu:a"]
)
def test_devices_that_are_not_there(refuses, device):
    refuses(ValueError, "device=", device=device)


@pytest.mark.parametrize("name", ["lr", "weight_decay", "gradient_clip", "temperature"])
@pytest.mark.parametrize(
    "value", [np.inf, -np.inf, np.nan, Fraction(1, 2), "1", None, 1j, np.array(0.5)]
)
def test_numbers_that_are_not_finite(refuses, name, value):
    if not (name == "gradient_clip" and value is None):
        refuses(ValueError, f"The '{name}' parameter", **{name: value})


@pytest.mark.parametrize("value", [np.float32(0.5), np.int64(2), np.float64(0.25)])
def test_numbers_of_numpy_are_numbers(value):
    found = embedder(temperature=value, lr=value).fit_transform(X, Y)
    expected = embedder(temperature=float(value), lr=float(value)).fit_transform(X, Y)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("params", [{"lr": 1e300}, {"lr": 1e30, "weight_decay": 1e30}])
def test_representations_that_are_not_finite_are_no_result(params):
    with pytest.raises(TrainingError, match=r"not finite|became"):
        embedder(YAwareEmbedder, metadata="age", **params).fit(X)


def test_subjects_far_beyond_those_of_fit_are_named():
    fitted = embedder(encoders={"smri": Rooted(4, 2)}, input_components=None).fit(X, Y)
    far = X["smri"].copy()
    far[3] = 1e6
    with pytest.raises(
        DataError, match=r"representation of 1 subject\(s\) is not finite: 3\. A mod"
    ):
        fitted.transform({"smri": far, "fc": X["fc"]})


AUGMENT = {
    "another modality": ({"pet": Flip()}, r"augment names \['pet'\]"),
    "no function": ({"smri": 3}, "augment of modality 'smri' must be called"),
    "too few arguments": ({"smri": lambda x: x}, "augment of modality 'smri' fails .*TypeError"),
    "that fails": ({"fc": fails}, "augment of modality 'fc' fails .*IndexError"),
    "nothing": ({"smri": lambda x, g: None}, "'smri' must give a Tensor of floats, got NoneType"),
    "numpy": ({"smri": lambda x, g: x.numpy()}, "'smri' must give a Tensor of floats, got ndarray"),
    "integers": (
        {"smri": lambda x, g: x.long()},
        "'smri' must give a Tensor of floats, got torch.int",
    ),
    "another shape": (
        {"smri": lambda x, g: x[:1]},
        r"'smri' gave shape \(1, 4\) for a batch of .*2, 4",
    ),
    "NaN": ({"smri": lambda x, g: x * torch.nan}, "'smri' gave NaN or infinite"),
    "of volumes": ({"smri": Flip()}, "'smri' fails .*takes batches of at least 4 dimensions"),
    "one draw": ({("smri", "fc"): GaussianNoise()}, "their shapes differ"),
}


@pytest.mark.parametrize("case", AUGMENT)
def test_augmentations_that_do_not_fit(refuses, case):
    augment, said = AUGMENT[case]
    refuses(ModalityError, said, augment=augment)


def test_trying_an_augmentation_changes_neither_data_nor_fit():
    def doubled(x, generator):
        return x.mul_(2)

    before, state = X["smri"].copy(), torch.get_rng_state()
    once = embedder(augment={"smri": doubled}, input_components=None).fit(X, Y).transform(X)
    again = embedder(augment={"smri": lambda x, g: x * 2}, input_components=None).fit(X, Y)
    assert np.array_equal(X["smri"], before)
    assert torch.equal(torch.get_rng_state(), state)
    assert np.allclose(once, again.transform(X), atol=1e-6)


class Rooted(nn.Linear):
    """NaN for what is far from anything."""

    def forward(self, x):
        return super().forward(x) + (1e3 - x.abs().amax(-1, keepdim=True)).sqrt()


class NotANumber(nn.Linear):
    def forward(self, x):
        return super().forward(x) * torch.nan


@pytest.mark.parametrize("encoder", [NotANumber(4, 2), nn.Linear(4, 2, device="meta")])
def test_encoders_without_numbers(refuses, encoder):
    said = "encoder of modality 'smri' (returns values|does not take .* on device meta)"
    refuses(ModalityError, said, encoders={"smri": encoder})


@pytest.mark.parametrize(
    "encoders", [3, None, [], {"smri": 3}, {"smri": None}, {3: "mlp"}, int, nn.ReLU]
)
def test_encoders_of_the_wrong_type(refuses, encoders):
    refuses(ValueError, "encoder", encoders=encoders)


KERNEL = {
    "of no shape": (lambda y: 1.0, r"kernel=.* weights of shape \(1, 16, 16\).* found float"),
    "of another shape": (lambda y: y, r"kernel=.* weights of shape .* found .*16, 1"),
    "numpy": (lambda y: (y @ y.mT).numpy(), "kernel=.* weights of shape"),
    "NaN": (lambda y: y @ y.mT * torch.nan, "kernel=.* finite numbers; found NaN"),
    "that fails": (fails, "kernel=.* fails for metadata of shape .*IndexError"),
    "of two arguments": (lambda a, b: a, "kernel=.* fails for metadata of shape .*TypeError"),
    "a type": (int, "kernel=.* fails"),
    "unknown": ("tri", "'kernel' parameter"),
    "a number": (3, "'kernel' parameter"),
    "numbers": ([3], "Unknown kernel"),
    "too many": (["gaussian"] * 2, r"kernel=\['gaussian', 'gaussian'\] has 2 kernels for 1"),
}


@pytest.mark.parametrize("case", KERNEL)
def test_kernels_that_weigh_nothing(refuses, case):
    kernel, said = KERNEL[case]
    refuses(ValueError, said, cls=YAwareEmbedder, metadata="age", kernel=kernel)


@pytest.mark.parametrize(
    "bandwidth",
    [
        0,
        -1.0,
        np.nan,
        np.inf,
        "wide",
        [],
        [1, 2],
        ["a"],
        [[1.0]],
        [np.inf],
        [0.0],
        [None],
        None,
        1j,
    ],
)
def test_bandwidths_out_of_range_or_of_wrong_shape(refuses, bandwidth):
    refuses(
        (ValueError, TypeError),
        "bandwidth",
        cls=YAwareEmbedder,
        metadata="age",
        bandwidth=bandwidth,
    )


@pytest.mark.parametrize("metadata", ["roi", ["age", "roi"]])
def test_metadata_of_several_values_a_subject(refuses, metadata):
    said = r"X.meta\['roi'\] has shape \(5,\) per subject; expected one value"
    refuses(DataError, said, cls=YAwareEmbedder, metadata=metadata)


@pytest.mark.parametrize(
    "weight",
    [
        ["a"] * N,
        {"a": 1},
        np.ones(N) + 1j,
        np.ones((N, 1)),
        np.ones(N) * 1e300,
        np.ones(N) * 1e-300,
        [None] * N,
    ],
)
def test_weights_that_cannot_be_summed(refuses, weight):
    refuses((ValueError, TypeError), "sample_weight", sample_weight=weight)


@pytest.mark.parametrize("y", [3, int, np.empty((N, 0)), np.ones((N, 2, 2)), np.ones(N) + 1j])
def test_targets_that_are_none(refuses, y):
    refuses((ValueError, TypeError), r"\by\b", y=y)


def test_text_classes_are_not_numbers_in_a_later_call():
    fitted = embedder().fit(X, np.where(Y, 2, 10))
    with pytest.raises(ValueError, match=r"y holds \['10', '2'\], but the classes \[2, 10\]"):
        fitted.partial_fit(X, np.where(Y, "2", "10"))
