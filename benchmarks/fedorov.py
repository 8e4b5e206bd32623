"""The comparison of Fedorov et al. (ISBI 2021) on a cohort of one's own.

    python benchmarks/fedorov.py FOLDER TABLE --modality t1=t1_path --modality falff=falff_path \
        --label diagnosis --groups HC AD --out results.csv

TABLE (.csv or .tsv) has a row for each pair of images: paths below FOLDER in the columns that
``--modality`` names, a diagnosis, and with ``--subject COLUMN`` whose images they are, if a subject
has several pairs; all train the encoders, the first of each subject is evaluated. Where FOLDER is
BIDS, ``--modality`` takes patterns, ``t1=anat/*_T1w.nii.gz``, and TABLE is its participants.tsv.
Images must be in one space, as after the paper's preprocessing; they are resampled to ``--side``
voxels a side. Subjects of neither group train encoders as unlabeled ones.

As in the paper: 100 subjects are held out; in each of 5 stratified folds of the others the 3-D
DCGAN encoders are trained on the training part, and a logistic regression (elastic net) on the
representation of each modality, whose C and l1_ratio are those of 500 draws with the best mean ROC
AUC over the validation parts. Reported is the ROC AUC on the held-out subjects, mean and standard
deviation over those folds in which training converged. Unlike the paper, parameters are drawn at
random and not by Optuna, and intensities are standardised by histogram only with ``--histogram``
(needs TorchIO).

The paper's data, OASIS-3, may not be redistributed: those with access run this script on them. On
its T1 images the paper reports 84.6 for AE and for S, 88.6 supervised; on fALFF 75.9 for L-CL and
72.5 supervised. A GPU is needed for sides of 64 and 200 epochs.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import loguniform, uniform
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import ParameterSampler, StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmmcl import MultimodalData, load_volumes
from skmmcl.augmentation import Compose, Flip, Shift
from skmmcl.base import BaseEmbedder
from skmmcl.cross_decomposition import DeepInfoMaxEmbedder, SupervisedEmbedder
from skmmcl.decomposition import MMVAEEmbedder
from skmmcl.exceptions import TrainingError
from skmmcl.preprocessing import HistogramStandardizer, MaskedZScore, ModalityTransformer
from skmmcl.volumes import load_bids

EDGES = ("L", "CL", "CS", "S")
SUMS = ["-".join(some) for k in range(1, 5) for some in combinations(EDGES, k)]
MODELS = [*SUMS, "AE", "S-AE", "L-CCA", "DCCAE", "MMVAE", "Supervised"]
UNLABELLED = -1
SEARCH_SPACE = {"C": loguniform(1e-6, 1e3), "l1_ratio": uniform(0, 1)}


def read_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("table", type=Path)
    parser.add_argument("--modality", action="append", required=True, metavar="NAME=COLUMN")
    parser.add_argument("--label", required=True)
    parser.add_argument("--groups", nargs=2, required=True, metavar=("CONTROL", "CASE"))
    parser.add_argument("--subject", help="column of subjects, if they have several rows")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS, metavar="MODEL")
    parser.add_argument("--side", type=int, choices=(32, 64, 128), default=64)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--hold-out", type=int, default=100, help="number of subjects")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--histogram", action="store_true")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--cache", help="folder of resampled volumes")
    parser.add_argument("--out", type=Path, help="CSV file for the results")
    return parser.parse_args(arguments)


def read_cohort(args: argparse.Namespace) -> tuple[MultimodalData, np.ndarray, np.ndarray]:
    """Volumes, class codes, and subjects."""
    sources = dict(text.split("=", 1) for text in args.modality)
    options = {"target_shape": (args.side,) * 3, "cache": args.cache}
    table = pd.read_csv(args.table, sep="\t" if args.table.suffix == ".tsv" else ",")
    if any("*" in source for source in sources.values()):
        X = load_bids(args.folder, sources, participants=args.table, **options)
        labels = np.asarray(X.meta[args.label])
    else:
        X = MultimodalData(
            {
                name: load_volumes([args.folder / path for path in table[column]], **options)
                for name, column in sources.items()
            }
        )
        labels = table[args.label].to_numpy()
    codes = {str(label): code for code, label in enumerate(args.groups)}
    y = np.array([codes.get(str(label), UNLABELLED) for label in labels])
    subjects = table[args.subject].to_numpy() if args.subject else np.arange(len(y))
    return X, y, subjects


def make_model(name: str, modalities: tuple[str, ...], args: argparse.Namespace) -> BaseEmbedder:
    """The embedder of that name with the paper's settings."""
    moves = [Shift(1 / 8, p=1.0), *(Flip(axis) for axis in range(3))]
    paper: dict[str, Any] = {
        "encoders": "dcgan",
        "n_components": 64,
        "augment": {modalities: Compose(moves)},  # the same draw for all modalities
        "max_epochs": args.epochs,
        "batch_size": args.batch_size,
        "sampler": "balanced",
        "optimizer": "radam",
        "lr": 0.01,
        "lr_schedule": "onecycle",
        "weight_decay": 0.0,
        "device": args.device,
        "random_state": 0,
    }
    if name == "MMVAE":
        return MMVAEEmbedder(**{**paper, "batch_size": min(16, args.batch_size)})
    if name == "Supervised":
        return SupervisedEmbedder(**paper, task="classification")
    return DeepInfoMaxEmbedder(**paper, objectives=name)


def split(
    y: np.ndarray, subjects: np.ndarray, args: argparse.Namespace
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Rows that train encoders, rows of the validation part, rows that are held out."""
    _, first = np.unique(subjects, return_index=True)
    others, held_out = train_test_split(
        first, test_size=args.hold_out, stratify=y[first], random_state=0
    )
    folds = StratifiedKFold(args.folds, shuffle=True, random_state=0)
    for train, validation in folds.split(others, y[others]):
        rows = np.flatnonzero(np.isin(subjects, subjects[others[train]]))
        yield rows, others[validation], held_out


def scores_of(name: str, X: MultimodalData, y: np.ndarray, splits: list, args) -> dict[str, Any]:
    """ROC AUC of each modality's representation on the held-out subjects, by fold."""
    prepare = make_pipeline(HistogramStandardizer(), MaskedZScore()) if args.histogram else None
    prepare = ModalityTransformer(dict.fromkeys(X.modalities, prepare or MaskedZScore()))
    folds = []
    for rows, validation, held_out in splits:
        model = make_pipeline(prepare, make_model(name, X.modalities, args))
        try:
            model.fit(X[rows], y[rows])
        except TrainingError as error:  # so it went for the paper's MMVAE in 3 of 5 folds
            print(f"{name} left out of a fold: {error}")
            continue
        folds.append([(model.transform(X[part]), y[part]) for part in (rows, validation, held_out)])
    if not folds:
        return {modality: [np.nan] for modality in X.modalities}
    width = folds[0][0][0].shape[1] // len(X.modalities)
    return {
        modality: downstream(folds, slice(k * width, (k + 1) * width), args.trials)
        for k, modality in enumerate(X.modalities)
    }


def downstream(folds: list, columns: slice, n_trials: int) -> list[float]:
    """Held-out ROC AUC in each fold, of the parameters that do best in validation."""
    labelled = [
        [(z[target >= 0, columns], target[target >= 0]) for z, target in fold] for fold in folds
    ]

    def auc(params: dict[str, float], part: int) -> list[float]:
        classifier = LogisticRegression(
            solver="saga", class_weight="balanced", max_iter=200, random_state=0, **params
        )
        model = make_pipeline(StandardScaler(), classifier)
        return [
            roc_auc_score(fold[part][1], model.fit(*fold[0]).decision_function(fold[part][0]))
            for fold in labelled
        ]

    drawn = ParameterSampler(SEARCH_SPACE, n_trials, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        best = max(drawn, key=lambda params: np.mean(auc(params, 1)))
        return auc(best, 2)


def main(arguments: list[str] | None = None) -> pd.DataFrame:
    args = read_arguments(arguments)
    X, y, subjects = read_cohort(args)
    splits = list(split(y, subjects, args))
    print(
        f"{X}\n{len(np.unique(subjects))} subjects, {np.bincount(y + 1).tolist()} pairs of images"
    )
    results = []
    for name in args.models:
        for modality, scores in scores_of(name, X, y, splits, args).items():
            results.append({"model": name, "modality": modality, "fold_scores": scores})
            print(f"{name:12} {modality:8} {np.mean(scores):.3f} +- {np.std(scores):.3f}")
    table = pd.DataFrame(results)
    table["roc_auc"] = [np.mean(scores) for scores in table["fold_scores"]]
    table["std"] = [np.std(scores) for scores in table["fold_scores"]]
    if args.out is not None:
        table.drop(columns="fold_scores").to_csv(args.out, index=False)
    return table


if __name__ == "__main__":
    main()
