"""A comparison as one HTML file that needs nothing else."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

import skmmcl
from skmmcl.data import as_multimodal
from skmmcl.exceptions import DataError
from skmmcl.inspection._report_blocks import Code, Section, Table, Text, runs_of_kind
from skmmcl.inspection._report_code import program
from skmmcl.inspection._report_cohort import Subjects, cohort_section, missing_section
from skmmcl.inspection._report_confounds import confounds
from skmmcl.inspection._report_curves import curves_section
from skmmcl.inspection._report_models import (
    attempt,
    contributions,
    fold_models,
    not_available,
    training,
)
from skmmcl.inspection._report_scores import answer, reason_of, scores_section
from skmmcl.utils._files import user_path, write_whole
from skmmcl.utils._optional import import_optional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skmmcl.model_selection import ComparisonResult
    from skmmcl.utils._typing import Subjects as AnySubjects

_ADVICE = 'A report needs jinja2 and matplotlib: pip install "skmmcl[report]".'


def write_report(
    result: ComparisonResult,
    path: str | os.PathLike[str],
    *,
    X: AnySubjects | None = None,
    method: str | None = None,
    target: str = "target",
    class_names: Sequence[str] | None = None,
    title: str | None = None,
    notes: Sequence[str] = (),
    data_code: Sequence[str] = (),
    data_imports: Sequence[tuple[str, str]] = (),
    terms: bool | Literal["auto"] = "auto",
    n_permutations: int = 100,
    random_state: int = 0,
    overwrite: bool = False,
) -> Path:
    """Write a comparison of methods into one HTML file.

    The file has scores with intervals and corrected tests, ROC and calibration of held-out
    subjects, versions, seeds and the program that repeats it; with `X` also the cohort, missing
    modalities, contributions of the modalities, confounds and training curves, for which one method
    is fitted again in up to five folds. It loads nothing from elsewhere, and can be printed.

    Parameters
    ----------
    result : ComparisonResult
        As :func:`~skmmcl.model_selection.compare` gives.
    path : str or path-like
        The file to write.
    X : MultimodalData, mapping, list of records or structured array, default=None
        The subjects that were compared on. Site, age and the like are taken from ``X.meta``.
    method : str, default=None
        The method to look into. None for the one with the best mean score.
    target : str, default="target"
        Name of what is predicted.
    class_names : sequence of str, default=None
        Names of the classes in the order of ``result.classes``; None for these themselves.
    title : str, default=None
        Title of the report.
    notes : sequence of str, default=()
        Remarks on the data.
    data_code : sequence of str, default=()
        Lines of code that make `X` and `y`, put into the program.
    data_imports : sequence of (module, name), default=()
        Imports that these lines need.
    terms : bool or "auto", default="auto"
        Whether to fit the method without each term of its objective, too, in up to five folds.
        "auto" does so where the fits of the comparison predict less than a minute.
    n_permutations : int, default=100
        Permutations of each confound.
    random_state : int, default=0
        Seed of the permutations.
    overwrite : bool, default=False
        Whether to replace a file that exists.

    Returns
    -------
    path : pathlib.Path
        The file, which appears as a whole or not at all.

    Raises
    ------
    FileExistsError
        If the file exists, unless `overwrite`; nothing is computed then.
    DataError
        If `X` or `class_names` do not fit the comparison.
    ValueError
        If the method is none of the comparison.
    ImportError
        Without jinja2 or matplotlib.

    See Also
    --------
    skmmcl.model_selection.compare : Makes the comparison.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from skmmcl.datasets import make_cohort
    >>> from skmmcl.inspection import write_report
    >>> from skmmcl.model_selection import compare
    >>> from sklearn.dummy import DummyClassifier
    >>> X, y, _ = make_cohort(n_subjects=60, random_state=0)
    >>> result = compare({"dummy": DummyClassifier()}, X, y, cv=3, random_state=0)
    >>> with TemporaryDirectory() as folder:
    ...     path = write_report(result, f"{folder}/report.html", target="diagnosis")
    ...     "ROC and calibration" in path.read_text()
    True
    """
    path = _check_path(user_path(path), overwrite=overwrite)
    jinja2 = import_optional("jinja2", _ADVICE)
    import_optional("matplotlib", _ADVICE)
    method = _check_method(result, method)
    subjects = _read_subjects(result, X, target, class_names)
    sections = [
        cohort_section(subjects, [note for note in notes if not _warns(note)]),
        missing_section(subjects),
        scores_section(result, method),
        curves_section(result, method, subjects),
        *_look_inside(result, method, subjects, terms, n_permutations, random_state),
        _repeat_section(result, method, data_code, data_imports, random_state),
    ]
    loader = jinja2.PackageLoader("skmmcl.inspection", "templates")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    environment.filters["runs_of_kind"] = runs_of_kind
    html = environment.get_template("report.html").render(
        title=title or f"Prediction of {target} by {len(result.methods)} methods",
        answer=answer(result, method),
        facts=_facts(result, subjects),
        warnings=[*_warnings(result), *filter(_warns, notes)],
        sections=[section for section in sections if section is not None],
        version=skmmcl.__version__,
        date=f"{datetime.now(tz=UTC):%Y-%m-%d %H:%M} UTC",
    )
    _check_path(path, overwrite=overwrite)  # it may have come while this was computed
    write_whole(path, html.encode())
    path.chmod(0o644)  # to be sent to others
    return path


def _check_path(path: Path, *, overwrite: bool) -> Path:
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file in it, such as report.html.")
    if path.exists() and not overwrite:
        raise FileExistsError(
            f"{path} exists, and is left as it is. Name another file, or replace it by "
            "overwrite=True."
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent} to write {path.name} into.")
    return path


def _check_method(result: Any, method: str | None) -> str:
    if method is None:
        return str(result.summary()["score"].fillna(-np.inf).idxmax())
    if method not in result.methods:
        raise ValueError(f"method must be one of {list(result.methods)}, got {method!r}.")
    return method


def _read_subjects(result: Any, X: Any, target: str, class_names: Any) -> Subjects:
    if X is not None:
        X = as_multimodal(X)
        if len(X) != len(result.y):
            raise DataError(f"X has {len(X)} subjects; the comparison was of {len(result.y)}.")
        if X.index is not None and not np.array_equal(X.index, result.subjects):
            raise DataError("X lists other subjects than the comparison, or in another order.")
    classes = [] if result.classes is None else result.classes.tolist()
    names = [str(label) for label in (classes if class_names is None else class_names)]
    if len(names) != len(classes):
        raise DataError(f"{len(names)} class_names were given for {len(classes)} classes.")
    return Subjects(X, np.asarray(result.y), target, dict(zip(classes, names, strict=True)))


def _facts(result: Any, subjects: Subjects) -> list[tuple[str, str]]:
    facts = [("subjects", str(len(result.y)))]
    if subjects.X is not None:
        facts.append(("modalities", str(len(subjects.X.modalities))))
    if subjects.names:
        facts.append(("classes", str(len(subjects.names))))
    facts += [("methods", str(len(result.methods))), ("splits", str(len(result.splits)))]
    seconds = result.params.get("seconds")
    if seconds is not None:
        facts.append(("time", f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"))
    return facts


def _warns(note: str) -> bool:
    return note.startswith("Take care")  # as the reading of a folder does of what is suspicious


def _warnings(result: Any) -> list[str]:
    found = [leak.message for leak in result.leaks]
    for name in result.methods:
        fits = [fit for fit in result.failures if fit.method == name]
        if fits:
            found.append(
                f"{name}: {len(fits)} of {len(result.splits)} splits failed, first: "
                f"{reason_of(result, name)}"
            )
    return found


def _look_inside(
    result: Any, method: str, subjects: Subjects, terms: Any, n_permutations: int, seed: int
) -> list[Section]:
    """Return the sections for which the method is fitted again."""
    if subjects.X is None:
        return []
    X = subjects.X
    try:
        models = fold_models(result, method, X)
    except Exception as error:  # noqa: BLE001  hours of comparison are not lost for a section
        return [Section("inside", f"Inside {method}", [not_available(error)])]
    given = models, result, method, X
    made = [
        ("contributions", "Contributions of the modalities",
         lambda: contributions(*given, terms=terms, seed=seed)),
        ("confounds", "Confounds and map",
         lambda: confounds(*given, subjects, n_permutations=n_permutations, seed=seed)),
        ("training", "Training", lambda: training(*given)),
    ]  # fmt: skip
    return [Section(name, title, attempt(make)) for name, title, make in made]


def _repeat_section(
    result: Any, method: str, data_code: Any, data_imports: Any, seed: int
) -> Section:
    params = result.params
    cv = params.get("cv")
    is_given = not isinstance(cv, int) and not hasattr(cv, "split")
    versions = {"python": platform.python_version(), **params.get("versions", {})}
    for name in ("matplotlib", "pandas", "nilearn"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    settings = {
        "method looked into": method,
        "splits": f"{len(result.splits)} that were given" if is_given else str(cv),
        "scores": ", ".join(result.metrics),
        "seed": str(params.get("random_state")),
        "seed of the report": str(seed),
        "fits at once": str(params.get("n_jobs")),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }
    return Section(
        "repeat",
        "Versions, seeds and code",
        [
            Table(
                ["setting", "value"],
                [[name, value] for name, value in settings.items() if value != "None"],
                is_text=True,
            ),
            Table(["package", "version"], [[*item] for item in versions.items()], is_text=True),
            Text("The program that repeats the comparison:"),
            Code(program(result, data_code, data_imports)),
        ],
    )
