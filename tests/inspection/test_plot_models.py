"""Pictures of models: what is drawn, and with which names."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import Bunch

from skmmcl import CMCCSSEmbedder, MultimodalData
from skmmcl.exceptions import DataError
from skmmcl.inspection import (
    plot_connectome,
    plot_embedding,
    plot_history,
    plot_modality_importance,
    plot_regions,
    saliency,
)
from skmmcl.preprocessing import ConnectomeVectorizer

GRADIENT = {"solver": "gradient", "max_epochs": 3, "random_state": 0, "n_components": 2}


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def cohort():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        rng.normal(size=(20, 3)),
        columns=["insula", "cuneus", "amygdala"],
        index=[f"s{k}" for k in range(20)],
    )
    return MultimodalData(smri=table, fc=rng.normal(size=(20, 4, 4))), np.arange(20) % 2


def texts(labels):
    return [text.get_text() for text in labels]


def test_history_of_an_embedder_or_a_pipeline(cohort):
    model = make_pipeline(CMCCSSEmbedder(**GRADIENT), LogisticRegression()).fit(*cohort)
    ax = plot_history(model)
    history = model[0].history_
    assert [line.get_label() for line in ax.lines] == list(history)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), history["train_loss"])
    assert ax.lines[0].get_xdata().tolist() == [1, 2, 3]
    assert len(plot_history(history).lines) == len(history)
    search = GridSearchCV(model, {"logisticregression__C": [0.1]}, cv=2).fit(*cohort)
    assert len(plot_history(search).lines) == len(history)


def test_there_is_no_history_of_what_was_solved(cohort):
    with pytest.raises(DataError, match="nothing was trained"):
        plot_history(CMCCSSEmbedder().fit(*cohort))
    with pytest.raises(TypeError, match="found 0 embedders"):
        plot_history(LogisticRegression())


def test_bars_by_size_with_their_names():
    result = Bunch(
        modalities=("fc", "smri", "sc"),
        importances_mean=np.array([0.1, 0.3, -0.1]),
        importances=np.array([[0.0, 0.2], [0.2, 0.4], [-0.2, 0.0]]),
    )
    ax = plot_modality_importance(result, label="AUC")
    assert texts(ax.get_yticklabels()) == ["sc", "fc", "smri"]
    assert [bar.get_width() for bar in ax.patches] == [-0.1, 0.1, 0.3]
    assert ax.get_xlabel() == "AUC"
    with pytest.raises(TypeError, match="pick one of the scorers"):
        plot_modality_importance({"roc_auc": result})


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_maps_colored_by_classes_and_numbers(method):
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(40, 6))
    site = np.array(["A", "B"], dtype=object)[np.arange(40) % 2]
    site[:5] = None
    age = np.where(np.arange(40) < 4, np.nan, rng.uniform(20, 80, 40))
    of_site, of_age = plot_embedding(Z, {"site": site, "age": age}, method=method)
    assert texts(of_site.get_legend().get_texts()) == ["unknown", "A", "B"]
    assert [len(c.get_offsets()) for c in of_site.collections] == [5, 17, 18]
    np.testing.assert_array_equal(of_age.collections[1].get_array(), age[4:])
    assert of_age.get_legend() is None
    assert of_age.get_xlabel() == {"pca": "PC 1", "tsne": "t-SNE 1"}[method]


def test_a_map_keeps_what_has_two_dimensions():
    Z = np.random.default_rng(0).normal(size=(10, 2))
    ax = plot_embedding(Z)
    np.testing.assert_array_equal(ax.collections[0].get_offsets(), Z)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("dimension 1", "dimension 2")
    many = plot_embedding(Z.repeat(5, axis=0), [f"s{k // 2}" for k in range(50)])
    assert many.get_legend().get_title().get_text() == "25 classes"
    with pytest.raises(DataError, match="color 'y' has 9 values for 10 subjects"):
        plot_embedding(Z, {"y": np.arange(9)})
    with pytest.raises(ValueError, match="method must be 'pca' or 'tsne'"):
        plot_embedding(Z, method="umap")


def test_saliency_keeps_the_names_of_regions(cohort):
    X, y = cohort
    embedder = CMCCSSEmbedder(**GRADIENT).fit(X, y)
    values = saliency(embedder, X[3:9], modality="smri", random_state=0)
    frame = saliency(embedder, X[3:9], modality="smri", random_state=0, as_frame=True)
    assert frame.columns.tolist() == ["insula", "cuneus", "amygdala"]
    assert frame.index.names == ["component", "subject"]
    np.testing.assert_array_equal(frame.loc[1].to_numpy(), values[1])
    assert frame.loc[1].index.tolist() == [f"s{k}" for k in range(3, 9)]
    one = saliency(embedder, X, modality="smri", components=0, as_frame=True)
    assert one.shape == (20, 3)
    ax = plot_regions(one)
    assert set(texts(ax.get_yticklabels())) == {"insula", "cuneus", "amygdala"}
    with pytest.raises(DataError, match="'fc' has shape"):
        saliency(embedder, X, modality="fc", as_frame=True)


def test_regions():
    ax = plot_regions([0.1, -0.9, 0.5], names=["a", "b", "c"], n_largest=2, label="t")
    assert texts(ax.get_yticklabels()) == ["c", "b"]
    assert [bar.get_width() for bar in ax.patches] == [0.5, -0.9]
    assert texts(plot_regions([1, 2]).get_yticklabels()) == ["0", "1"]
    with pytest.raises(ValueError, match="n_largest == -1"):
        plot_regions([1, 2], n_largest=-1)
    with pytest.raises(DataError, match="2 names were given for 3 regions"):
        plot_regions([1, 2, 3], names=["a", "b"])
    with pytest.raises(DataError, match="plot_connectome"):
        plot_regions(np.ones((2, 3, 3)))
    ax = plot_regions(pd.Series({"insula": 1.0, "cuneus": -2.0}))
    assert texts(ax.get_yticklabels()) == ["insula", "cuneus"]
    rows = pd.MultiIndex.from_product([[0, 2], ["s1"]], names=["component", "subject"])
    maps = pd.DataFrame([[1.0, 2.0], [3.0, 4.0]], index=rows)
    with pytest.raises(
        DataError, match=r"the components \[0, 2\]: draw one of them, such as values"
    ):
        plot_regions(maps)
    assert plot_regions(maps.loc[2]).patches[-1].get_width() == 4


def test_connectomes_with_names():
    matrix = np.array([[1, 0.5, 0.1], [0.5, 1, 0.0], [0.1, 0.0, 1]])
    names = ["insula", "cuneus", "amygdala"]
    image = plot_connectome([matrix, matrix], names=names)
    np.testing.assert_array_equal(image.get_array(), matrix)
    assert texts(image.axes.get_xticklabels()) == names
    table = pd.DataFrame(matrix, names, names)
    assert texts(plot_connectome(table).axes.get_yticklabels()) == names
    regions = np.random.default_rng(0).normal(size=(1, 6, 6))  # with 3 all orders are the same
    regions += regions.transpose(0, 2, 1)
    edges = ConnectomeVectorizer().fit_transform(regions)[0]
    np.fill_diagonal(regions[0], 0)
    np.testing.assert_array_equal(plot_connectome(edges).get_array(), regions[0])
    coords = [[-40, 0, 0], [40, 0, 0], [0, -60, 20]]
    plot_connectome(matrix, coords=coords, edge_threshold=0.2).close()
    for values, message in ((np.ones(4), "4 edges"), (np.ones((2, 3)), "no connectome")):
        with pytest.raises(DataError, match=message):
            plot_connectome(values)
    with pytest.raises(DataError, match="expected \\(3, 3\\)"):
        plot_connectome(matrix, coords=[[0, 0, 0]])
