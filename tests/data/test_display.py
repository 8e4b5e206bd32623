"""How containers show themselves."""

import numpy as np

from skmmcl.data import MultimodalData


def test_text():
    fc = np.ones((12, 8, 8), dtype="float32")
    fc[:3] = np.nan
    X = MultimodalData(
        smri=np.ones((12, 5)),
        fc=fc,
        meta={"site": ["A", "B", "C"] * 4, "age": np.arange(12.0), "one": ["x"] * 12},
        index=[f"sub-{i:02}" for i in range(12)],
    )
    assert repr(X).split("\n") == [
        "MultimodalData: 12 subjects, 2 modalities",
        "  smri  (12, 5)     float64",
        "  fc    (12, 8, 8)  float32  3 missing",
        "  meta: site (3 values), age, one (1 value); index: sub-00 ... sub-11",
    ]
    assert repr(X[["smri"]][:2]).endswith("index: sub-00, sub-01")


def test_text_of_the_least():
    assert (
        repr(MultimodalData(a=[1.5]))
        == "MultimodalData: 1 subject, 1 modality\n  a  (1, 1)  float64"
    )
    assert repr(MultimodalData(a=[1.5], index=["s"])).endswith("  index: s")


def test_html_is_escaped_and_tells_the_same():
    X = MultimodalData({"<b>": [[1.0], [np.nan]]}, meta={"<i>": ["u", "v"]}, index=["<1>", "<2>"])
    html = X._repr_html_()
    for text in (
        "&lt;b&gt;",
        "&lt;i&gt; (2 values)",
        "&lt;1&gt;, &lt;2&gt;",
        "1 missing",
        "float64",
    ):
        assert text in html
    assert "<b>" not in html
    assert "<i>" not in html
    assert "2 subjects, 1 modality" in html
