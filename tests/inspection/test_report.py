"""The HTML report: what it says, that it is safe and stands alone, and how it looks."""

import base64
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, RepeatedStratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skmmcl import CMCCSSEmbedder, MultimodalData
from skmmcl.exceptions import DataError
from skmmcl.inspection import modality_shapley, write_report
from skmmcl.inspection._report_code import program
from skmmcl.inspection._report_cohort import Subjects
from skmmcl.inspection._report_confounds import _maps
from skmmcl.inspection._report_scores import answer
from skmmcl.model_selection import LeaveSitesOut, compare

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium to look at the report with"
)
EVIL = "<script>alert(1)</script>"
CV = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)


def linear(last):
    return make_pipeline(
        FunctionTransformer(np.asarray), SimpleImputer(keep_empty_features=True), last
    )


def make_cohort(n=90, evil=False):
    rng = np.random.default_rng(0)
    y = np.arange(n) % 3 // 2  # a third are patients
    fc = rng.normal(size=(n, 4))
    fc[::5] = np.nan
    site = np.array(["A", "B"])[rng.integers(0, 2, n)]
    X = MultimodalData(
        {"smri" + EVIL * evil: rng.normal(size=(n, 6)) + 0.8 * y[:, None], "fc": fc},
        meta={"site" + EVIL * evil: site, "age": rng.uniform(20, 80, n), "code": np.arange(n)},
        index=[f"s{k}" for k in range(n)],
    )
    return X, y


@pytest.fixture(scope="module")
def cohort():
    return make_cohort()


@pytest.fixture(scope="module")
def result(cohort):
    methods = {
        "linear": linear(LogisticRegression()),
        "CMC+CSS": make_pipeline(CMCCSSEmbedder(solver="closed_form"), LogisticRegression()),
        "dummy": DummyClassifier(),
    }
    return compare(methods, *cohort, cv=CV, scoring=["roc_auc", "balanced_accuracy"])


@pytest.fixture(scope="module")
def report(result, cohort, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    return write_report(
        result, path, X=cohort[0], method="CMC+CSS", target="diagnosis",
        class_names=["control", "patient"], n_permutations=9,
    )  # fmt: skip


class Reader(HTMLParser):
    """Collects text, and what tags refer to."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.links, self.texts = set(), [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in {"src", "href", "srcset", "data"}]

    def handle_data(self, data):
        self.texts.append(data.strip())


def tables(html):
    """Return the cells of all tables by the first cell of their rows."""
    rows = re.findall(r"<tr[^>]*><th scope=\"row\">(.*?)</th>(.*?)</tr>", html)
    found = {}
    for name, cells in rows:
        found.setdefault(name, []).append(re.findall(r"<td>(.*?)</td>", cells))
    return found


# ------------------------------------------------------------------------------------ what it says
def test_every_part_is_there(report):
    titles = re.findall(r"<h2>(.*?)</h2>", report.read_text())
    assert titles == [
        "Cohort", "Missing modalities", "Scores", "ROC and calibration",
        "Contributions of the modalities", "Confounds and map", "Training",
        "Versions, seeds and code",
    ]  # fmt: skip


def test_scores_are_those_of_the_comparison(report, result):
    rows = tables(report.read_text())
    for k, metric in enumerate(result.metrics):
        row = result.summary(metric).loc["CMC+CSS"]
        cells = rows["CMC+CSS"][k]
        assert cells[0] == f"{row.score:.3f} [{row.lower:.3f}, {min(row.upper, 1):.3f}]"
        assert cells[1].startswith(f"{row.difference:+.3f} [{row.difference_lower:+.3f}")
        assert cells[3] == (f"{row.p_corrected:.3f}" if row.p_corrected >= 1e-3 else "&lt; 0.001")
    assert rows["linear"][0][1] == "reference"


def test_the_cohort_and_who_lacks_what(report, cohort):
    X, y = cohort
    rows = tables(report.read_text())
    assert "90 subjects. diagnosis: control: 60 (67%), patient: 30 (33%)." in report.read_text()
    age = X.meta["age"][y == 1]
    assert rows["age"][0][2] == f"{age.mean():.4g} ± {age.std():.2g}"
    sites = [np.sum(X.meta["site"] == name) for name in "AB"]
    assert {f"A: {sites[0]}", f"B: {sites[1]}"} == set(rows["site"][0][0].split(", "))
    assert "code" not in rows or "±" in rows["code"][0][0]
    missing = np.arange(90) % 5 == 0
    shares = [f"{missing[y == k].mean():.0%}" for k in (0, 1)]
    assert rows["fc"][1] == ["18", "20%", *shares]
    assert rows["smri, fc"] == [["72"]]


def test_contributions_are_those_of_the_held_out(report, result, cohort):
    X, y = cohort
    splits = result.splits[:3]  # the first repeat
    found = modality_shapley(result.methods["CMC+CSS"], X, y, cv=splits, scoring="roc_auc")
    cells = tables(report.read_text())["smri"][-1]
    mean, deviation = found.importances_mean[0], found.importances_std[0]
    assert cells[0] == f"{mean:.3f} ± {deviation:.3f}"


def test_confounds_leave_the_target_and_identifiers_out(report):
    rows = tables(report.read_text())
    assert rows["site"][-1][0] == "balanced accuracy"
    assert rows["age"][-1][0] == "R2"
    assert "solved in closed form: there are no epochs to draw" in report.read_text()


def test_the_program_repeats_the_comparison(result, cohort):
    text = program(result)
    names = {"X": cohort[0], "y": cohort[1]}
    exec(text, names)
    np.testing.assert_array_equal(names["result"].values(), result.values())
    assert "RepeatedStratifiedKFold(n_repeats=2, n_splits=3, random_state=0)" in text


def test_the_program_names_the_groups(cohort):
    groups = np.arange(90) // 3
    result = compare({"dummy": DummyClassifier()}, *cohort, cv=3, groups=groups, random_state=1)
    names = {"X": cohort[0], "y": cohort[1], "groups": groups}
    text = program(result)
    exec(text, names)
    for ours, theirs in zip(result.splits, names["result"].splits, strict=True):
        np.testing.assert_array_equal(ours[1], theirs[1])
    assert "# groups is what was given to compare." in text


def test_sites_that_are_held_out_are_not_decoded(tmp_path):
    X, y = make_cohort()
    site = np.array(["A", "B", "C"])[np.arange(90) // 30]
    X = MultimodalData({name: X[name] for name in X.modalities}, meta={"site": site})
    methods = {"CMC+CSS": make_pipeline(CMCCSSEmbedder(solver="closed_form"), LogisticRegression())}
    result = compare(methods, X, y, cv=LeaveSitesOut(), groups=site)
    html = result.report(tmp_path / "r.html", X=X, n_permutations=2).read_text()
    assert "&#39;site&#39; cannot be decoded: the folds hold whole classes of it out" in html


def test_whole_ages_of_few_subjects_are_numbers():
    ages = np.arange(40) // 2 + 30
    X = MultimodalData(a=np.zeros((40, 1)), meta={"age": ages})
    subjects = Subjects(X, np.arange(40) % 2, "group", {0: "a", 1: "b"})
    pictures = _maps(np.random.default_rng(0).normal(size=(8, 3)), np.arange(8), subjects)
    svg = [base64.b64decode(p.source.partition(",")[2]).decode() for p in pictures]
    assert ["axes_2" in text for text in svg] == [False, True]  # a color bar
    assert ["legend_1" in text for text in svg] == [True, False]


def test_groups_reach_a_search_that_is_fitted_again(cohort, tmp_path):
    X, y = cohort
    pipe = make_pipeline(CMCCSSEmbedder(solver="closed_form"), LogisticRegression())
    search = GridSearchCV(pipe, {"logisticregression__C": [1.0]}, cv=GroupKFold(2))
    result = compare({"search": search}, X, y, cv=2, groups=np.arange(90) // 3, random_state=0)
    html = result.report(tmp_path / "r.html", X=X, n_permutations=1, terms=False).read_text()
    assert "Shapley" in html
    assert "Not available" not in html


def test_terms_are_shown_where_they_take_little_time(report, result, cohort, tmp_path):
    text = "fitted without a term of its objective"
    assert text in report.read_text()
    options = {"X": cohort[0], "n_permutations": 1, "overwrite": True}
    path = tmp_path / "r.html"
    slow = replace(result, fits=[replace(fit, fit_time=10.0) for fit in result.fits])
    assert text not in slow.report(path, method="CMC+CSS", **options).read_text()
    html = result.report(path, method="linear", terms=True, **options).read_text()
    assert "Not available: Pipeline must hold one embedder" in html
    assert "Shapley" in html


def test_noise_is_not_claimed_to_be_an_effect():
    said = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        X = MultimodalData(a=rng.normal(size=(40, 6)), b=rng.normal(size=(40, 4)))
        methods = {
            "linear": linear(LogisticRegression()),
            "CMC+CSS": make_pipeline(CMCCSSEmbedder(solver="closed_form"), LogisticRegression()),
            "ridge": linear(LogisticRegression(C=0.01)),
        }
        cv = RepeatedStratifiedKFold(n_splits=5, n_repeats=1, random_state=seed)
        result = compare(methods, X, rng.permutation(40) % 2, cv=cv, scoring="balanced_accuracy")
        said += [answer(result, name) for name in methods]
    assert not any("better than" in text for text in said)
    assert np.mean(["includes 0.5, which chance gives" in t for t in said]) > 0.9


def test_without_x_the_scores_are_there(result, tmp_path):
    html = result.report(tmp_path / "small.html").read_text()
    assert "Contributions" not in html
    assert "need X: result.report(path, X=X)" in html
    assert tables(html)["linear"]


def test_several_classes_and_a_method_without_embedder(tmp_path):
    X, _ = make_cohort()
    y = np.array(["AD", "HC", "MCI"])[np.arange(90) % 3]
    result = compare({"a": linear(LogisticRegression()), "b": DummyClassifier()}, X, y, cv=3)
    html = result.report(tmp_path / "r.html", X=X, n_permutations=2).read_text()
    assert "a has no embedder: there are no epochs to draw" in html
    assert {"AD", "HC", "MCI"} <= set(tables(html))  # calibration, one against the others


def test_a_regression(tmp_path):
    X, _ = make_cohort()
    y = X.meta["age"] + X["smri"][:, 0]
    result = compare({"ridge": linear(Ridge()), "mean": DummyRegressor()}, X, y, cv=3)
    html = result.report(tmp_path / "r.html", X=X, target="age", n_permutations=2).read_text()
    rows = tables(html)
    predicted = result.predictions("ridge").sort_values("row")
    error = np.abs(predicted.y_true - predicted.y_pred).mean()
    assert rows["ridge"][1][0] == f"{error:.3f}"
    assert "ROC" not in html


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
def test_failed_fits_and_leaks_are_read_first(tmp_path):
    X, y = make_cohort()
    X = X.assign(smri=np.concatenate([X["smri"][:45], X["smri"][:45]]), fc=np.ones((90, 2)))

    class Fails(LogisticRegression):
        def fit(self, X, y):
            if X.index[0] == "s0":
                raise ValueError(f"no {EVIL}")
            return super().fit(np.nan_to_num(np.asarray(X)), y)

        def decision_function(self, X):
            return super().decision_function(np.nan_to_num(np.asarray(X)))

    methods = {"linear": linear(LogisticRegression()), "fails": Fails()}
    with pytest.warns(UserWarning, match="same values as another"):
        result = compare(methods, X, y, cv=KFold(2), scoring="roc_auc")
    head = result.report(tmp_path / "r.html").read_text().partition("<main>")[0]
    assert "same values as another one" in head
    assert "fails: 1 of 2 splits failed, first: ValueError: no &lt;script&gt;" in head


# ------------------------------------------------------------------------------- safe, and complete
def test_names_are_escaped(tmp_path):
    X, y = make_cohort(evil=True)
    result = compare({EVIL: linear(LogisticRegression()), "b": DummyClassifier()}, X, y, cv=3)
    html = result.report(
        tmp_path / "r.html", X=X, target=EVIL, title=EVIL, class_names=[EVIL, "b"], notes=[EVIL],
        n_permutations=2,
    ).read_text()  # fmt: skip
    assert "script" not in Reader(html).tags
    assert EVIL not in html
    assert html.count("&lt;script&gt;") > 10


def test_it_loads_nothing(report):
    html = report.read_text()
    links = Reader(html).links
    assert len(links) > 10
    assert all(link.startswith(("#", "data:image/svg+xml;base64,")) for link in links)
    assert not re.search(r"@import|url\(|<link|<script|<iframe", html)
    figures = [base64.b64decode(k.partition(",")[2]).decode() for k in links if k[0] == "d"]
    assert not any(re.search(r"<script|href=\"(?!#|data:)", figure) for figure in figures)
    assert "default-src 'none'" in html


def test_a_file_that_exists_is_kept(result, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match=r"report.html exists, and is left as it is"):
        result.report(path)
    assert path.read_text() == "mine"
    assert "Scores" in result.report(path, overwrite=True).read_text()
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_bad_input(result, cohort, tmp_path):
    path = tmp_path / "r.html"
    for options, message in (
        ({"X": cohort[0][:50]}, "X has 50 subjects; the comparison was of 90"),
        ({"X": cohort[0][::-1]}, "other subjects than the comparison, or in another order"),
        ({"class_names": ["a"]}, "1 class_names were given for 2 classes"),
    ):
        with pytest.raises(DataError, match=message):
            result.report(path, **options)
    with pytest.raises(ValueError, match=r"method must be one of \['linear'"):
        result.report(path, method="none")
    with pytest.raises(IsADirectoryError, match="is a folder; name a file in it"):
        result.report(tmp_path)
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        result.report(tmp_path / "no" / "r.html")
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------------------------------- in a browser
PROBE = """<script>
addEventListener("load", () => {
  const page = document.documentElement, wide = [...document.querySelectorAll("img, p, h1, pre")]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1).length;
  const broken = [...document.images].filter(image => !image.naturalWidth).length;
  const found = [page.scrollWidth, innerWidth, wide, performance.now(), broken];
  document.title = "PROBE " + found.join(" ");
});
</script>"""


def look(report, tmp_path, width):
    """Return widths of page and window, elements that stick out, ms to draw, broken images."""
    probed = tmp_path / f"probe_{width}.html"
    html = re.sub(r"<meta http-equiv=.*?>", "", report.read_text()).replace(
        "<style>", PROBE + "<style>", 1
    )
    probed.write_text(html)
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu",
        f"--user-data-dir={tmp_path}/chromium",
        f"--window-size={width},900", "--dump-dom", probed.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    found = re.search(r"<title>PROBE (.*?)</title>", done.stdout)[1]
    return [float(value) for value in found.split()]


@pytest.fixture(scope="module")
def report_of_300(tmp_path_factory):
    X, y = make_cohort(300)
    methods = {
        f"method {k}": make_pipeline(CMCCSSEmbedder(solver="closed_form"), LogisticRegression(C=c))
        for k, c in enumerate((0.1, 1.0))
    }
    methods["linear"] = linear(LogisticRegression())
    result = compare(
        methods, X, y, cv=RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=0)
    )
    path = tmp_path_factory.mktemp("report") / "report.html"
    return result.report(path, X=X, n_permutations=5)


def test_a_report_of_300_subjects_is_small(report_of_300):
    assert report_of_300.stat().st_size < 3e6


@needs_browser
@pytest.mark.parametrize("width", [390, 1300])
def test_it_is_drawn_within_a_second_and_nothing_sticks_out(width, report_of_300, tmp_path):
    looks = [look(report_of_300, tmp_path, width) for _ in range(3)]
    page, window, wide, _, broken = looks[0]
    assert page <= max(window, width)
    assert (wide, broken) == (0, 0)
    assert min(time for *_, time, _ in looks) < 1000
