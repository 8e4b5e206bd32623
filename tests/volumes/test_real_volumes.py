"""From the NIfTI files of a real cohort to a cross-validated score."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from torch import nn

from skmmcl import CMCCSSEmbedder, MultimodalData, load_volumes

pytestmark = pytest.mark.realdata


def small_cnn(shape, n_components):
    return nn.Sequential(
        nn.Unflatten(1, (1, shape[0])),
        nn.Conv3d(1, 4, 3, stride=2),
        nn.ReLU(),
        nn.Conv3d(4, 8, 3, stride=2),
        nn.ReLU(),
        nn.AdaptiveAvgPool3d(1),
        nn.Flatten(),
        nn.Linear(8, n_components),
    )


def test_two_modalities_of_volumes_are_cross_validated(data_dir, tmp_path):
    folder = data_dir / "ixi10_t1"
    people = pd.read_csv(folder / "lists" / "IXI_demog_n10.csv", index_col="MRID")
    t1 = [folder / "nifti" / f"{name}-T1_ds.nii.gz" for name in people.index]
    labels = [folder / "dlmuse" / f"{name}-T1_ds_DLMUSE.nii.gz" for name in people.index]
    X = MultimodalData(
        t1=load_volumes(pd.Series(t1, people.index), target_affine=8.0, cache=tmp_path),
        labels=load_volumes(
            pd.Series(labels, people.index),
            target_affine=8.0,
            interpolation="nearest",
            dtype="float16",
            cache=tmp_path,
        ),
    )
    assert X.index.tolist() == people.index.tolist()
    assert X.shapes == {"t1": (23, 30, 30), "labels": (23, 30, 30)}
    brain = np.asarray(X["labels"]) > 0
    assert 0.05 < brain.mean() < 0.3
    t1_voxels = np.asarray(X["t1"])
    assert t1_voxels[brain].mean() > 2 * t1_voxels[~brain].mean()  # both lie on one grid
    pipeline = make_pipeline(
        CMCCSSEmbedder(
            solver="gradient",
            encoders=small_cnn,
            n_components=4,
            max_epochs=2,
            batch_size=4,
            random_state=0,
        ),
        LogisticRegression(),
    )
    scores = cross_val_score(pipeline, X, people["Sex"] == "M", cv=2, error_score="raise")
    assert scores.shape == (2,)
    assert ((scores >= 0) & (scores <= 1)).all()
