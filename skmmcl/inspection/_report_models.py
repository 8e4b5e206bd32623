"""The model of a report, fitted again: contributions of modalities and terms, and training."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.utils import Bunch

from skmmcl.data import MultimodalData
from skmmcl.exceptions import DataError
from skmmcl.inspection._contributions import modality_shapley
from skmmcl.inspection._importance import modality_importance
from skmmcl.inspection._informed import drops
from skmmcl.inspection._plot_models import history_of, plot_history, plot_modality_importance
from skmmcl.inspection._report_blocks import Table, Text, number, picture, shown
from skmmcl.inspection._terms import term_ablation
from skmmcl.model_selection._evaluate import groups_of_search
from skmmcl.model_selection._rows import take_params

MAX_FOLDS = 5  # in which the model is fitted again
MAX_SUBSETS_OF = 7  # modalities; more are permuted only
MAX_HISTORIES = 3  # of other methods
MAX_SECONDS = 60  # that fits without a term may take if they are not asked for
N_TERM_FITS = 4  # in each fold: objectives have up to about three terms


class Model(NamedTuple):
    """The model of one fold, with the rows that it was trained on and that were held out."""

    fitted: Any
    train: np.ndarray
    test: np.ndarray


def fold_models(result: Any, method: str, X: MultimodalData) -> list[Model]:
    """Fit the method again in the first folds, of which no two share a subject to test on.

    Folds in which it failed are left out.
    """
    splits: list[tuple[np.ndarray, np.ndarray]] = []
    tested = np.zeros(len(result.y), dtype=bool)
    failed = {fit.split: fit.error for fit in result.fits if fit.method == method and fit.error}
    for k, (train, test) in enumerate(result.splits):
        if tested[test].any() or len(splits) == MAX_FOLDS:
            break
        if k not in failed:
            tested[test] = True
            splits.append((train, test))
    if not splits:
        raise DataError(f"{method} failed in each fold, first with {next(iter(failed.values()))}")
    return [
        Model(fit_rows(result.methods[method], result, X, train), train, test)
        for train, test in splits
    ]


def fit_rows(method: Any, result: Any, X: MultimodalData, train: np.ndarray) -> Any:
    """Return a clone that is fitted on some subjects, as the comparison did."""
    groups = groups_of_search(method, result.groups)
    params = take_params(groups, len(result.y), train)
    return clone(method).fit(X[train], result.y[train], **params)


def attempt(make: Callable[..., list[Any]], *args: Any) -> list[Any]:
    """Return blocks; instead of those that a method does not allow, the reason."""
    try:
        return make(*args)
    except Exception as error:  # noqa: BLE001  hours of comparison are not lost for a section
        return [not_available(error)]


def not_available(error: Exception) -> Text:
    """Return the paragraph that gives the reason why something is not shown."""
    is_expected = isinstance(error, TypeError | ValueError | AttributeError | ImportError)
    return Text(f"Not available: {error if is_expected else repr(error)}")


# ---------------------------------------------------------------------------------- contributions
def contributions(
    models: list[Model],
    result: Any,
    method: str,
    X: MultimodalData,
    *,
    terms: bool | str,
    seed: int,
) -> list[Any]:
    """Return what each modality, and each term, adds to the score of held-out subjects."""
    y, scoring = result.y, main_scorer(result)
    parts = [(model.fitted, X[model.test].materialize(), y[model.test]) for model in models]
    options = {"scoring": scoring}
    permuted = _over_folds(
        [modality_importance(*part, **options, random_state=seed) for part in parts]
    )
    shapley = None
    if len(X.modalities) <= MAX_SUBSETS_OF:
        shapley = _over_folds([modality_shapley(*part, **options) for part in parts])
    metric, main = shown(result.metrics[0]), permuted if shapley is None else shapley
    label = f"drop of {metric}" if shapley is None else f"share of {metric}"
    blocks = [
        _text_of_contributions(shapley, metric, method, len(models)),
        _table_of(main, {"Shapley value": shapley, "drop if permuted": permuted}),
        _bars(main, label, "Contribution of each modality"),
    ]
    if terms is True or (terms == "auto" and _terms_are_cheap(result, method, len(models))):
        found = attempt(_terms, models, result, method, X)
        if terms is True or len(found) > 1:  # many methods have a single term, or none
            blocks += found
    return blocks


def _terms_are_cheap(result: Any, method: str, n_folds: int) -> bool:
    times = [fit.fit_time for fit in result.fits if fit.method == method and not fit.error]
    return N_TERM_FITS * n_folds * float(np.mean(times)) < MAX_SECONDS


def _terms(models: list[Model], result: Any, method: str, X: MultimodalData) -> list[Any]:
    splits = [(model.train, model.test) for model in models]
    scoring, metric = main_scorer(result), shown(result.metrics[0])
    found = term_ablation(result.methods[method], X, result.y, cv=splits, scoring=scoring)
    return [
        Text(
            "Drop of the score when the model is fitted without a term of its objective; negative "
            "where it is better without."
        ),
        _bars(found, f"drop of {metric}", "Contribution of each term"),
    ]


def main_scorer(result: Any) -> Any:
    """Return the scorer of the first metric."""
    scoring, name = result.params.get("scoring"), result.metrics[0]
    return scoring[name] if isinstance(scoring, dict) else scoring if callable(scoring) else name


def _over_folds(results: list[Bunch]) -> Bunch:
    means = np.column_stack([found.importances_mean for found in results])
    return drops(results[0].modalities, means)


def _text_of_contributions(shapley: Bunch | None, metric: str, method: str, n_folds: int) -> Text:
    source = f"{method}, held-out subjects of {n_folds} folds, in units of {metric}. "
    if shapley is None:
        return Text(f"{source}There are too many modalities to score all subsets of them.")
    return Text(
        f"{source}Shapley values divide the score among the modalities: together they are the "
        f"score minus that of predictions without any, {number(shapley.importances_mean.sum())} in "
        "all. Where modalities carry the same, they share its value; a permutation of one of them "
        "may then show no drop."
    )


def _table_of(main: Bunch, columns: dict[str, Bunch | None]) -> Table:
    rows, given = [], {title: found for title, found in columns.items() if found is not None}
    for k in np.argsort(-main.importances_mean, kind="stable"):
        cells = [
            f"{number(found.importances_mean[k])} ± {number(found.importances_std[k])}"
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


# --------------------------------------------------------------------------------------- training
def training(models: list[Model], result: Any, method: str, X: MultimodalData) -> list[Any]:
    """Return the losses of the first fold, of the method and others that train."""
    fitted, train, _ = models[0]
    blocks = _losses(method, fitted)
    others = [
        name for name, m in result.methods.items() if name != method and _history(m) is not None
    ]
    for name in others[:MAX_HISTORIES]:
        blocks += attempt(_fit_losses, name, result, X, train)
    return blocks


def _fit_losses(name: str, result: Any, X: MultimodalData, train: np.ndarray) -> list[Any]:
    return _losses(name, fit_rows(result.methods[name], result, X, train))


def _losses(name: str, fitted: Any) -> list[Any]:
    history = _history(fitted)
    if not history:
        reason = "has no embedder" if history is None else "was solved in closed form"
        return [Text(f"{name} {reason}: there are no epochs to draw.")]
    alt, size = f"Losses of {name} by epoch", (4.6, 3.0)
    return [picture(partial(plot_history, history), alt, f"{name}, first fold.", size)]


def _history(estimator: Any) -> dict | None:
    """Return the history of an embedder in a pipeline, fitted or not; None without one."""
    try:
        return dict(history_of(estimator))
    except TypeError:
        return None
    except (AttributeError, ValueError):  # not fitted yet
        return {}
