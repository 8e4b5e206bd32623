"""Does pretraining on healthy lifespan cohorts pay on a clinical one with few labels?

    python benchmarks/transfer.py --quick     # a minute, to see that it runs
    python benchmarks/transfer.py             # the published figures, ten minutes

Encoders of 39 subcortical and other volumes (FCON1000, OpenNeuro, NKI-RS and OASIS-2) and of the
thickness of 62 regions (IXI) of 2,700 healthy people are pretrained in four ways: y-Aware contrast
by age, supervised by age, supervised by sex, and as autoencoders. They are then adapted to the 718
males of ABIDE, of whom 20, 40 or 80 are labeled, to predict autism (ROC AUC) and age (R2): frozen
with a linear model, fine-tuned as a whole, and the same network from scratch. Next to them stand
logistic and ridge regression on the measures themselves.

ABIDE is cut into halves. The training sets are disjoint parts of one half, and all of the other
half is tested on; then the halves change places. Training sets are so independent, and intervals of
95 % are those of a t-test over them; they hold for these test subjects. Nothing is tuned here.

Why pretraining by age loses on age is asked by pretraining on the young alone, as ABIDE is young,
and by z-scoring every cohort by itself, so that none is shifted (which uses ABIDE's measures and no
labels).
"""

from __future__ import annotations

import argparse
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _report import write_report
from _timing import one_thread
from scipy import stats
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl import (
    DeepInfoMaxEmbedder,
    FineTunedClassifier,
    FineTunedRegressor,
    MultimodalData,
    SupervisedEmbedder,
    YAwareEmbedder,
)
from skmmcl.datasets import fetch_abide
from skmmcl.ensemble._transfer import compare_transfer, corrected

SIZES = (20, 40, 80)
YOUNG = 30  # years; nine in ten of ABIDE are
SEED = 0


def folder() -> Path:
    """Return the folder of the cohorts."""
    shared = Path(__file__).resolve().parents[2] / "shared" / "data"
    os.environ.setdefault("SKMMCL_DATA", str(shared))
    return Path(os.environ["SKMMCL_DATA"])


def abide() -> tuple[MultimodalData, np.ndarray, np.ndarray]:
    """Return volumes and thickness of ABIDE's males, diagnosis and age."""
    X, y = fetch_abide(return_X_y=True)
    table = pd.DataFrame(
        X["freesurfer"],
        columns=X.columns["freesurfer"],
        index=[f"abide-{item}" for item in X.index],
    )
    volume = table.filter(regex="_Volume_mm3$").rename(columns=_plain)
    thickness = table.filter(regex="_ThickAvg$").rename(columns=_plain)
    age = np.asarray(X.meta["age"], dtype=float)
    tables = {"volume": volume, "thickness": thickness}
    data = MultimodalData({name: part.sort_index(axis=1) for name, part in tables.items()})
    return data, y, age


def _plain(name: str) -> str:
    for part in ("_Volume_mm3", "_ThickAvg", "_thickness", "-Proper"):
        name = name.replace(part, "")
    return name


def healthy(like: MultimodalData) -> tuple[MultimodalData, np.ndarray, np.ndarray]:
    """Return the healthy cohorts in the columns of ABIDE, with age and sex (1 for male)."""
    at = folder() / "pcntoolkit_rois"
    named = {
        "fcon": ["fcon1000.csv"],
        "openneuro": ["OpenNeuroTransfer_ct_tr.csv", "OpenNeuroTransfer_ct_te.csv"],
        "nki": ["nki_oasis2_df_tr.csv", "nki_oasis2_df_te.csv"],
    }
    columns, parts = like.columns, []
    for cohort, files in named.items():
        table = pd.concat([pd.read_csv(at / file) for file in files])
        table = table.drop_duplicates(table.columns[0]).copy()
        for side in ("Left", "Right"):  # named by the version of FreeSurfer, in some of the rows
            names = [f"{side}-Thalamus", f"{side}-Thalamus-Proper"]
            both = [table.pop(name) for name in names if name in table]
            table[names[0]] = both[0] if len(both) == 1 else both[0].fillna(both[1])
        table = table.rename(columns=_plain)
        ids = cohort + "-" + table.iloc[:, 0].astype(str)
        parts.append(table[["age", "sex", *columns["volume"]]].set_index(ids).dropna())
    people = pd.read_csv(at / "IXI_age_gender.csv").drop_duplicates("participant_id", keep=False)
    ixi = pd.read_csv(at / "IXI_aparc_thickness.csv").rename(columns=_plain)
    ixi = people.merge(ixi, on="participant_id").set_index("participant_id")
    ixi["sex"] = (ixi["sex"] == 1).astype(int)
    parts.append(ixi[["age", "sex", *columns["thickness"]]].dropna())
    table = pd.concat(parts)
    X = MultimodalData(
        {name: table[columns[name]] for name in columns}, index=table.index.to_numpy(str)
    )
    return X, table["age"].to_numpy(float), table["sex"].to_numpy(int)


def pretrain(
    X: MultimodalData, age: np.ndarray, sex: np.ndarray, max_epochs: int
) -> dict[str, Any]:
    """Return embedders that were fitted on the healthy."""
    common = {"max_epochs": max_epochs, "random_state": SEED, "encoders": "mlp"}
    by_age = SupervisedEmbedder(task="regression", error="absolute", **common)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No subject has two of the modalities")
        return {
            "y-Aware, age": YAwareEmbedder(**common).fit(X, age),
            "supervised, age": by_age.fit(X, age),
            "supervised, sex": SupervisedEmbedder(**common).fit(X, sex),
            "autoencoder": DeepInfoMaxEmbedder(objectives="AE", **common).fit(X),
        }


def disjoint_splits(strata: np.ndarray, size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return disjoint training sets of both halves, each with the other half to test on."""
    everyone = np.arange(len(strata))
    splits = []
    for half, other in StratifiedKFold(2, shuffle=True, random_state=SEED).split(everyone, strata):
        parts = StratifiedKFold(len(half) // size, shuffle=True, random_state=SEED)
        splits += [(half[part], other) for _, part in parts.split(half, strata[half])]
    return splits


def run_task(
    task: str, embedders: dict[str, Any], X: Any, y: np.ndarray, size: int, max_epochs: int
) -> dict[str, Any]:
    """Return scores, differences and ranks of a task with a number of labels."""
    first = [SimpleImputer(), StandardScaler()]
    if task == "autism":
        strata, scoring, kind, options = y, "roc_auc", FineTunedClassifier, {}
        linear = LogisticRegression(C=0.1, max_iter=1000)
    else:
        strata = np.searchsorted(np.quantile(y, [0.25, 0.5, 0.75]), y)
        scoring, kind, options = "r2", FineTunedRegressor, {"loss": "absolute_error"}
        linear = RidgeCV(np.logspace(-1, 5, 13))
    models = {
        name: kind(embedder, random_state=SEED, max_epochs=max_epochs, **options)
        for name, embedder in embedders.items()
    }
    splits = disjoint_splits(strata, size)
    asked = {"cv": splits, "scoring": scoring}
    others = {"linear": make_pipeline(*first, linear)}
    found = compare_transfer(models, X, y, arms=("frozen", "fine-tuned"), others=others, **asked)
    scratch = compare_transfer(next(iter(models.values())), X, y, arms=("scratch",), **asked)
    scores = {**found.scores, **scratch.scores}
    return {
        "n_splits": len(splits),
        "scores": {name: corrected(values, 0)._asdict() for name, values in scores.items()},
        "less_scratch": compared(scores, "scratch"),
        "less_linear": compared(scores, "linear"),
        **ranks(scores, list(models)),
        "values": {name: values.tolist() for name, values in scores.items()},
    }


def compared(scores: dict[str, np.ndarray], reference: str) -> dict[str, Any]:
    """Return the paired differences of all arms to one."""
    return {
        name: corrected(values - scores[reference], 0)._asdict()
        for name, values in scores.items()
        if name != reference
    }


def ranks(scores: dict[str, np.ndarray], names: list[str]) -> dict[str, Any]:
    """Return the pretrainings from best to worst, frozen and fine-tuned, and how they agree."""
    arms = ("frozen", "fine-tuned")
    means = {arm: [scores[f"{name}, {arm}"].mean() for name in names] for arm in arms}
    first, second = (names[int(np.argmax(means[arm]))] for arm in arms)
    lead = [scores[f"{first}, {arm}"] - scores[f"{second}, {arm}"] for arm in arms]
    order = {arm: [names[k] for k in np.argsort(values)[::-1]] for arm, values in means.items()}
    tau = stats.kendalltau(means["frozen"], means["fine-tuned"]).statistic
    return {
        "order": order,
        "kendall_tau": float(tau),
        "best": {"frozen": first, "fine-tuned": second},
        "lead_frozen_less_fine_tuned": corrected(lead[0] - lead[1], 0)._asdict(),
    }


def explain(embedders: dict[str, Any], X: MultimodalData, age: np.ndarray) -> dict[str, Any]:
    """Return how far ABIDE lies from the healthy, and how well they predict its age unadapted."""
    embedder = embedders["supervised, age"]
    trained = embedder._trained
    shift = {
        name: float(
            np.median(np.abs((X[name].mean(0) - trained.means[name]) / trained.units[name]))
        )
        for name in X.modalities
    }
    network = embedder.net_.module_
    h = embedder.transform(X).reshape(len(X), len(network.views), -1)
    import torch

    with torch.no_grad():
        z = [
            head(torch.as_tensor(h[:, k][None]).float())[0, :, 0].numpy()
            for k, head in enumerate(network.heads)
        ]
    predicted = {
        name: values * embedder.target_scale_ + embedder.target_mean_
        for name, values in zip(network.views, z, strict=True)
    }
    return {
        "median_shift_in_standard_deviations": shift,
        "unadapted_age": {
            name: {"r2": r2_score(age, p), "correlation": float(np.corrcoef(age, p)[0, 1]),
                   "mean_error": float(np.mean(p - age))}
            for name, p in predicted.items()
        },
    }  # fmt: skip


def by_cohort(X: MultimodalData, cohort: np.ndarray) -> MultimodalData:
    """Return subjects z-scored by those of their own cohort."""
    out = {}
    for name, values in X.items():
        scaled = np.array(values, dtype=float)
        for each in np.unique(cohort):
            part = scaled[cohort == each]
            scaled[cohort == each] = (part - part.mean(0)) / np.maximum(part.std(0), 1e-9)
        out[name] = scaled
    return MultimodalData(out, mask=X.mask, index=X.index)


def why(
    people: MultimodalData, years: np.ndarray, X: MultimodalData, age: np.ndarray, max_epochs: int
) -> dict[str, Any]:
    """Return scores of 80 labels for pretraining by age on fewer, or on cohorts made alike."""
    cohort = np.array([str(item).partition("-")[0] for item in people.index])
    alike = by_cohort(people, cohort), by_cohort(X, np.zeros(len(X)))
    young = years <= YOUNG
    variants = {
        "as they are": ((people, X), slice(None)),
        "young": ((people, X), young),
        "alike": (alike, slice(None)),
        "young and alike": (alike, young),
    }
    found = {"n_young": int(young.sum())}
    for name, ((source, target), rows) in variants.items():
        embedder = SupervisedEmbedder(
            task="regression", error="absolute", max_epochs=max_epochs, random_state=SEED,
            encoders="mlp",
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "No subject has two of the modalities")
            embedder.fit(source[rows], years[rows])
        scores = run_task("age", {"supervised": embedder}, target, age, 80, max_epochs)["scores"]
        found[name] = {arm: score["mean"] for arm, score in scores.items()}
        print("why", name, found[name], flush=True)
    return found


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    one_thread()
    folder()
    X, diagnosis, age = abide()
    people, years, sex = healthy(X)
    print(X, people, sep="\n")
    embedders = pretrain(people, years, sex, 2 if quick else 50)
    result: dict[str, Any] = {
        "n_healthy": len(people), "n_clinical": len(X), "seed": SEED,
        "why": explain(embedders, X, age),
    }  # fmt: skip
    print(result["why"])
    result["why_by_age"] = why(people, years, X, age, 2 if quick else 50)
    for task, y in {"autism": diagnosis, "age": age}.items():
        for size in SIZES[2:] if quick else SIZES:
            found = run_task(task, embedders, X, y, size, 2 if quick else 50)
            result.setdefault(task, {})[str(size)] = found
            for name, score in found["scores"].items():
                print(task, size, f"{name:28s} {score['mean']:.3f}", flush=True)
            print(found["order"], found["kendall_tau"])
    if not quick:
        write_report("transfer", result)


if __name__ == "__main__":
    main()
