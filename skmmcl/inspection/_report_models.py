"""What the model of a report relies on: contributions, confounds, maps and training."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.utils import Bunch

from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError
from skmmcl.inspection._confounds import Fold, as_report, decode, read_confound
from skmmcl.inspection._contributions import modality_shapley
from skmmcl.inspection._importance import modality_importance
from skmmcl.inspection._informed import drops
from skmmcl.inspection._plot_models import (
    history_of,
    plot_embedding,
    plot_history,
    plot_modality_importance,
)
from skmmcl.inspection._report_blocks import (
    Section,
    Table,
    Text,
    number,
    p_value,
    picture,
    shown,
)
from skmmcl.inspection._report_cohort import Subjects
from skmmcl.inspection._terms import term_ablation

MAX_FOLDS = 5  # in which the model is fitted again
MAX_SUBSETS_OF = 7  # modalities; more are permuted only
MAX_CONFOUNDS = 8
MAX_CLASSES = 20  # of a confound
MAX_MAPS = 3
MAX_HISTORIES = 3


class Model(NamedTuple):
    """The model of one fold, with the rows that it was trained on and that were held out."""

    fitted: Any
    train: np.ndarray
    test: np.ndarray


def fold_models(result: Any, method: str, X: MultimodalData) -> list[Model]:
    """Fit the method again in the first folds, of which no two share a subject to test on."""
    y, tested, splits = result.y, np.zeros(len(result.y), dtype=bool), []
    for train, test in result.splits[:MAX_FOLDS]:
        if tested[test].any():
            break
        tested[test] = True
        splits.append((train, test))
    return [
        Model(clone(result.methods[method]).fit(X[train], y[train]), train, test)
        for train, test in splits
    ]


def attempt(make: Callable[[], Section]) -> Section:
    """Return a section; one that a method has not got says why."""
    section = Section("", "")
    try:
        return make()
    except (TypeError, ValueError, AttributeError, ImportError) as error:
        section.blocks.append(Text(f"Not available: {error}"))
        return section


# ---------------------------------------------------------------------------------- contributions
def contributions_section(
    models: list[Model], result: Any, method: str, X: MultimodalData, *, terms: bool, seed: int
) -> Section:
    """Return what each modality, and each term, adds to the score of held-out subjects."""
    y, scoring = result.y, main_scorer(result)
    section = Section("contributions", "Contributions of the modalities")
    parts = [(model.fitted, X[model.test].materialize(), y[model.test]) for model in models]
    options = {"scoring": scoring}
    permuted = _over_folds(
        [modality_importance(*part, **options, random_state=seed) for part in parts]
    )
    shapley = None
    if len(X.modalities) <= MAX_SUBSETS_OF:
        shapley = _over_folds([modality_shapley(*part, **options) for part in parts])
    metric, main = shown(result.metrics[0]), permuted if shapley is None else shapley
    section.blocks += [
        _text_of_contributions(shapley, metric, len(models)),
        _table_of(main, {"Shapley value": shapley, "drop if permuted": permuted}),
        _bars(main, f"share of {metric}", "Contribution of each modality"),
    ]
    if terms:
        splits = [(model.train, model.test) for model in models]
        found = term_ablation(result.methods[method], X, y, cv=splits, **options)
        section.blocks += [
            Text("Drop of the score when the model is fitted without a term of its objective."),
            _bars(found, f"drop of {metric}", "Contribution of each term"),
        ]
    return section


def main_scorer(result: Any) -> Any:
    """Return the scorer of the first metric."""
    scoring, name = result.params.get("scoring"), result.metrics[0]
    return scoring[name] if isinstance(scoring, dict) else scoring if callable(scoring) else name


def _over_folds(results: list[Bunch]) -> Bunch:
    means = np.column_stack([found.importances_mean for found in results])
    return drops(results[0].modalities, means)


def _text_of_contributions(shapley: Bunch | None, metric: str, n_folds: int) -> Text:
    source = f"Of the held-out subjects of {n_folds} folds, in units of {metric}. "
    if shapley is None:
        return Text(f"{source}There are too many modalities to score all subsets of them.")
    return Text(
        f"{source}Shapley values divide the score among the modalities: together they are the "
        f"score minus that of predictions without any, {shapley.importances_mean.sum():.3f} in "
        "all. Where modalities carry the same, they share its value; a permutation of one of them "
        "may then show no drop."
    )


def _table_of(main: Bunch, columns: dict[str, Bunch | None]) -> Table:
    rows, given = [], {title: found for title, found in columns.items() if found is not None}
    for k in np.argsort(-main.importances_mean, kind="stable"):
        cells = [
            f"{found.importances_mean[k]:.3f} ± {found.importances_std[k]:.3f}"
            for found in given.values()
        ]
        rows.append([main.modalities[k], *cells])
    return Table(["modality", *given], rows, "Mean ± standard deviation over the folds.")


def _bars(result: Bunch, label: str, alt: str) -> Any:
    names = result.get("modalities") or result.get("terms")
    return picture(
        lambda ax: plot_modality_importance(result, label=label, ax=ax),
        alt,
        "Bars are means, dots the folds.",
        (5.0, 0.9 + 0.32 * len(names)),
    )


# -------------------------------------------------------------------------------------- confounds
def confounds_section(
    models: list[Model], subjects: Subjects, X: MultimodalData, *, n_permutations: int, seed: int
) -> Section:
    """Return what else than the target can be read from the representation."""
    section = Section("confounds", "Confounds and map")
    folds = [(model.train, model.test, represent(model.fitted, X)) for model in models]
    jobs, skipped = {}, []
    for name, values in list(subjects.side_data().items())[:MAX_CONFOUNDS]:
        try:
            jobs[name] = (*_job(name, values, folds), n_permutations, seed)
        except DataError as error:
            skipped.append(str(error))
    if jobs:
        report = as_report(list(jobs), list(jobs.values()), [decode(*j) for j in jobs.values()])
        section.blocks += [
            Text(
                "Linear probes predict side data of held-out subjects from their representation, "
                f"and so they do from side data that are permuted, {n_permutations} times. What is "
                "decoded is no proof of harm, since classes may differ in it."
            ),
            _table_of_confounds(report),
        ]
    else:
        section.blocks.append(Text("There are no side data to decode."))
    section.blocks += [Text(text) for text in skipped]
    test, Z = folds[0][1], folds[0][2]
    section.blocks += _maps(Z[test], test, subjects)
    return section


def represent(fitted: Any, X: Any) -> np.ndarray:
    """Return what reaches the last step of a pipeline, or what an estimator transforms to."""
    fitted = getattr(fitted, "best_estimator_", fitted)  # of a search
    transformer = fitted[:-1] if hasattr(fitted, "named_steps") else fitted
    if not hasattr(transformer, "transform"):
        raise TypeError(f"{type(fitted).__name__} has no representation to look into.")
    Z = np.asarray(transformer.transform(X), dtype=float)
    if Z.ndim != 2 or not np.isfinite(Z).all():
        raise DataError("The representation holds values that are not finite.")
    return Z


def _job(name: str, values: np.ndarray, folds: list) -> tuple[list[Fold], np.ndarray, bool]:
    known, labels, is_class = read_confound(name, values)
    if is_class and len(np.unique(labels)) > MAX_CLASSES:
        raise DataError(f"Confound {name!r} has more than {MAX_CLASSES} classes.")
    if is_class and np.bincount(labels).min() < 2:
        raise DataError(f"Confound {name!r} has a class of a single subject.")
    place = np.cumsum(known) - 1
    return (
        [
            Fold(place[train[known[train]]], place[test[known[test]]], Z[known])
            for train, test, Z in folds
        ],
        labels,
        is_class,
    )


def _table_of_confounds(report: Any) -> Table:
    rows = [
        [name, scoring, number(score), number(chance), p_value(p), str(n)]
        for name, scoring, score, chance, p, n in zip(
            report.names, report.scorings, report.scores, report.chance, report.p_values,
            report.n_subjects, strict=True,
        )
    ]  # fmt: skip
    return Table(["side data", "score", "decoded", "permuted", "p", "subjects"], rows)


def _maps(Z: np.ndarray, rows: np.ndarray, subjects: Subjects) -> list[Any]:
    target = subjects.y
    if subjects.names:
        target = np.array([subjects.names[label] for label in target.tolist()], dtype=object)
    colors = {subjects.target: target, **subjects.side_data()}
    return [
        picture(
            partial(plot_embedding, Z, {name: values[rows]}),
            f"Map of the representation colored by {name}",
            f"Held-out subjects of the first fold by {name}: the first two principal components.",
            (4.4, 3.4),
        )
        for name, values in list(colors.items())[: MAX_MAPS + 1]
    ]


# --------------------------------------------------------------------------------------- training
def training_section(models: list[Model], result: Any, method: str, X: MultimodalData) -> Section:
    """Return the losses of the first fold, of the method and others that train."""
    section = Section("training", "Training")
    histories = {method: _history(models[0].fitted)}
    train = models[0].train
    for name, other in result.methods.items():
        if name != method and len(histories) <= MAX_HISTORIES and _history(other) is not None:
            fitted = clone(other).fit(X[train], result.y[train])
            histories[name] = _history(fitted)
    for name, history in histories.items():
        if not history:
            reason = "has no embedder" if history is None else "was solved in closed form"
            section.blocks.append(Text(f"{name} {reason}: there are no epochs to draw."))
            continue
        section.blocks.append(
            picture(
                partial(plot_history, history),
                f"Losses of {name} by epoch",
                f"{name}, first fold.",
                (4.6, 3.0),
            )
        )
    return section


def _history(estimator: Any) -> dict | None:
    """Return the history of an embedder in a pipeline, fitted or not; None without one."""
    try:
        return dict(history_of(estimator))
    except TypeError:
        return None
    except (AttributeError, ValueError):  # not fitted yet
        return {}
