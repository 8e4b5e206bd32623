"""Whether y, weights and groups that bear identifiers are those of X, in its order."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, ShuffleSplit, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl import CMCCSSEmbedder, MultimodalData
from skmmcl.contrastive import YAwareEmbedder
from skmmcl.data._who import check_same_subjects
from skmmcl.exceptions import DataError
from skmmcl.inspection import group_contrast, modality_importance
from skmmcl.kernels import estimate_bandwidth
from skmmcl.metrics import fit_age_bias, linear_cka, site_predictability
from skmmcl.model_selection import CrossFitTransformer, LabeledOnly, labeled_scorer
from skmmcl.preprocessing import ModalityTransformer, metadata_labels

pd = pytest.importorskip("pandas")

N = 12
IDS = {
    "text": [f"sub-{i:02d}" for i in range(1, N + 1)],
    "whole": [5 * i + 7 for i in range(N)],
    "digits": [f"{i:03d}" for i in range(1, N + 1)],
    "levels": [(f"s{i // 2}", i % 2) for i in range(N)],
    "nullable": pd.array([5 * i + 7 for i in range(N)], dtype="Int64"),
    "categories": pd.Categorical([f"p{i}" for i in range(N)]),
}
TURNED = np.roll(np.arange(N), 1)


@pytest.fixture(scope="module")
def arrays():
    rng = np.random.default_rng(0)
    return {"a": rng.normal(size=(N, 3)), "b": rng.normal(size=(N, 2))}


def series(index):
    index = pd.MultiIndex.from_tuples(index) if isinstance(index[0], tuple) else pd.Index(index)
    return pd.Series(np.arange(N) % 2, index=index)


@pytest.mark.parametrize("ids", IDS.values(), ids=IDS)
def test_the_same_identifiers_in_another_order_are_refused(ids, arrays):
    y = series(ids)
    X = MultimodalData(arrays, index=y.index)
    check_same_subjects({"X": X, "y": y})
    check_same_subjects({"X": X[3:7], "y": y.iloc[3:7]})
    for frame in (X, pd.DataFrame(arrays["a"], index=y.index)):
        with pytest.raises(DataError, match="X and y list the same subjects in another order"):
            check_same_subjects({"X": frame, "y": y.iloc[TURNED]})


@pytest.mark.parametrize("ids", IDS)
def test_identifiers_of_other_people_are_refused(ids, arrays):
    other = {"text": "t", "whole": 1000, "nullable": 1000, "digits": "1", "categories": "q"}
    mine = series(IDS[ids])
    index = [(f"q{i}", 0) for i in range(N)]
    if ids != "levels":
        index = [other[ids] + item for item in mine.index.tolist()]
    with pytest.raises(DataError, match="they share 0 of 12; row 0 is"):
        check_same_subjects({"X": MultimodalData(arrays, index=mine.index), "y": series(index)})


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (["sub-01", "sub-02"], ["1", "2"]),
        (["007", "010"], [7, 10]),
        ([7, 10], [7.0, 10.0]),
        (["S1", "s2 "], ["s1", "s2"]),
    ],
)
def test_identifiers_may_be_written_otherwise(mine, theirs):
    X = MultimodalData(a=np.ones((2, 1)), index=mine)
    check_same_subjects({"X": X, "y": pd.Series([0, 1], index=theirs)})
    with pytest.raises(DataError, match="another order"):
        check_same_subjects({"X": X, "y": pd.Series([0, 1], index=theirs[::-1])})


@pytest.mark.parametrize("ids", ["text", "whole", "digits"])
def test_what_counts_rows_goes_by_position(ids, arrays):
    X = MultimodalData(arrays, index=IDS[ids])
    y = pd.Series(np.arange(N) % 2)
    check_same_subjects({"X": X, "y": y})
    rows = np.random.default_rng(0).permutation(N)[:7]
    cut = X[rows].assign(c=np.ones((7, 1)))[2:]  # as behind a step that makes a new container
    check_same_subjects({"X": cut, "y": y.iloc[rows].iloc[2:]})


def test_a_table_that_counts_rows_goes_by_position(arrays):
    y = pd.Series(np.arange(N) % 2, index=IDS["text"])
    table = pd.DataFrame(arrays["a"])
    check_same_subjects({"X": table, "y": y})
    check_same_subjects({"X": table.iloc[[3, 7, 9]], "y": y.iloc[[3, 7, 9]]})
    check_same_subjects({"X": arrays["a"], "y": y})
    check_same_subjects({"X": MultimodalData(arrays), "y": y})


def test_numbers_beside_identifiers_that_are_numbers_are_other_subjects():
    """A table with numbers for ids, cut apart from a y that counts rows, cannot be told apart."""
    X = pd.DataFrame({"a": [1.0, 2.0]}, index=[101, 102])
    with pytest.raises(DataError, match=r"y.to_numpy\(\)"):
        check_same_subjects({"X": X, "y": pd.Series([0, 1], index=[3, 7])})


def test_a_shuffled_table_beside_one_that_was_not():
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0]}).iloc[[2, 0, 1]]
    with pytest.raises(DataError, match="another order"):
        check_same_subjects({"X": X, "y": pd.Series([0, 1, 1])})


def test_cross_validation_goes_by_position_and_by_identifiers(arrays):
    y = pd.Series(np.arange(N) % 2)
    splits = [KFold(2), ShuffleSplit(1, random_state=0)]
    embedder = CMCCSSEmbedder(solver="gradient", max_epochs=1, random_state=0)
    pipe = make_pipeline(
        ModalityTransformer({"a": StandardScaler()}), embedder, LabeledOnly(LogisticRegression())
    )
    for ids in (IDS["text"], IDS["whole"]):
        X, named = MultimodalData(arrays, index=ids), pd.Series(y.to_numpy(), index=ids)
        for cv, scoring in zip(splits, (None, labeled_scorer("accuracy")), strict=True):
            runs = [
                cross_val_score(pipe, X, target, cv=cv, scoring=scoring, error_score="raise")
                for target in (y.to_numpy(), y, named)
            ]
            assert all((run == runs[0]).all() for run in runs)
    X_train, _, y_train, _ = train_test_split(X, y, random_state=0)
    embedder.fit(X_train, y_train)


CALLS = {
    "fit": lambda X, y: CMCCSSEmbedder(solver="gradient", max_epochs=1).fit(X, y),
    "partial_fit": lambda X, y: CMCCSSEmbedder(solver="gradient", max_epochs=1).partial_fit(X, y),
    "sample_weight": lambda X, y: CMCCSSEmbedder(solver="gradient", max_epochs=1).fit(
        X, y.to_numpy(), sample_weight=y + 1
    ),
    "y-aware": lambda X, y: YAwareEmbedder(max_epochs=1).fit(X, y),
    "a table of targets": lambda X, y: YAwareEmbedder(max_epochs=1).fit(X, y.to_frame()),
    "cross-fit": lambda X, y: CrossFitTransformer(StandardScaler()).fit_transform(X, y),
    "groups": lambda X, y: CrossFitTransformer(StandardScaler()).fit_transform(
        X, y.to_numpy(), groups=y
    ),
    "labeled": lambda X, y: LabeledOnly(DummyClassifier()).fit(X, y),
    "score": lambda X, y: LabeledOnly(DummyClassifier()).fit(X, y.to_numpy()).score(X, y),
    "scorer": lambda X, y: labeled_scorer("accuracy")(DummyClassifier().fit(X, y.to_numpy()), X, y),
    "importance": lambda X, y: modality_importance(
        DummyClassifier().fit(X, y.to_numpy()), X, y.to_numpy(), sample_weight=y + 1
    ),
    "transformer": lambda X, y: ModalityTransformer({"a": StandardScaler()}).fit(X, y),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_function_asks(call, arrays):
    X = MultimodalData(arrays, index=IDS["text"])
    with pytest.raises(DataError, match="the same subjects in another order; row 0 is 'sub-01'"):
        call(X, series(IDS["text"]).iloc[TURNED])


@pytest.mark.parametrize("modalities", [None, {"a": ["a", "b"], "c": ["c"]}])
def test_a_table_given_to_fit(modalities):
    rng = np.random.default_rng(0)
    y = series(IDS["whole"])
    X = pd.DataFrame(rng.normal(size=(N, 3)), index=y.index, columns=list("abc"))
    embedder = CMCCSSEmbedder(solver="gradient", modalities=modalities, max_epochs=1).fit(X, y)
    with pytest.raises(DataError, match="another order"):
        embedder.fit(X, y.iloc[TURNED])


TWO_TABLES = {
    "cka": lambda X, y: linear_cka(X, pd.get_dummies(y).astype(float)),
    "site": site_predictability,
    "groups": lambda X, y: site_predictability(
        X, np.arange(N) % 2, groups=pd.Series(np.arange(N), index=y.index)
    ),
    "age": lambda X, y: fit_age_bias(X[0], y.astype(float)),
    "contrast": lambda X, y: group_contrast(X, y, groups=(1, 0)),
    "labels": lambda X, y: metadata_labels({"x": X[0].round(), "y": y}),
    "bandwidth": lambda X, y: estimate_bandwidth(X[0], sample_weight=y + 1),
}


@pytest.mark.parametrize("call", TWO_TABLES.values(), ids=TWO_TABLES)
def test_functions_of_two_tables_ask(call):
    y = series(IDS["text"])
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(N, 3)), index=y.index)
    call(X, y)
    with pytest.raises(DataError, match="another order"):
        call(X, y.iloc[TURNED])


@pytest.mark.parametrize("where", ["modality", "meta", "column of meta"])
def test_a_shuffled_table_in_a_container_beside_one_that_was_not(where):
    table = pd.DataFrame({"a": [1.0, 2.0, 3.0]})
    shuffled = table.iloc[[2, 0, 1]]
    other = {"modality": {"b": table}, "meta": {"meta": table}, "column of meta": {}}[where]
    if where == "column of meta":
        other = {"meta": {"age": table["a"]}}
    with pytest.raises(DataError, match="another order"):
        MultimodalData(a=shuffled, **other)
    assert MultimodalData(a=shuffled, b=table.to_numpy()).index.tolist() == [2, 0, 1]


@pytest.mark.parametrize("labels", [[0, 2, 5], [0, 1, 2], ["x", "y", "z"]])
@pytest.mark.parametrize("ids", [[4532, 17, 300], ["s4", "s1", "s3"]])
def test_other_columns_of_the_table_of_a_container(labels, ids):
    table = pd.DataFrame({"id": ids, "a": [1.0, 2.0, 3.0], "dx": [0, 1, 1]}, index=labels)
    X = MultimodalData.from_dataframe(table, {"a": "a"}, index="id")
    check_same_subjects({"X": X, "y": table["dx"]})
    check_same_subjects({"X": X[[2, 0]], "y": table["dx"].iloc[[2, 0]]})
    with pytest.raises(DataError, match="X and y list"):
        check_same_subjects({"X": X, "y": table.set_index("id")["dx"].iloc[[2, 0, 1]]})


def test_an_embedding_with_ids_that_are_numbers(arrays):
    X = MultimodalData(arrays, index=IDS["whole"])
    y = pd.Series(np.arange(N) % 2)
    embedder = CMCCSSEmbedder(solver="gradient", max_epochs=1, random_state=0).set_output(
        transform="pandas"
    )
    pipe = make_pipeline(embedder, LabeledOnly(LogisticRegression()))
    cross_val_score(pipe, X, y, cv=3, error_score="raise")
    embedding = embedder.fit_transform(X, y)
    assert embedding.index.tolist() == IDS["whole"]
    with pytest.raises(DataError, match="another order"):
        LabeledOnly(LogisticRegression()).fit(embedding, y.set_axis(IDS["whole"]).iloc[TURNED])


def test_a_selection_or_a_mask_that_bears_identifiers_is_in_the_order_of_x(arrays):
    X = MultimodalData(arrays, index=IDS["text"])
    chosen = pd.Series(np.arange(N) > 6, index=IDS["text"])
    assert X[chosen].index.tolist() == IDS["text"][7:]
    for turned in (chosen.iloc[TURNED], (chosen.iloc[TURNED], slice(None))):
        with pytest.raises(DataError, match="the selection"):
            X[turned]
    assert X[["a"], :].modalities == ("a",)
    frame = pd.DataFrame(arrays["a"], index=IDS["text"])
    mask = pd.DataFrame({"a": np.arange(N) > 3}, index=IDS["text"])
    assert MultimodalData({"a": frame}, mask=mask).mask[:, 0].sum() == N - 4
    with pytest.raises(DataError, match="mask="):
        MultimodalData({"a": frame}, mask=mask.iloc[TURNED])
