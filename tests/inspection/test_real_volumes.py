"""From the NIfTI files of a real cohort to pictures of saliency, group contrast and links."""

import matplotlib.pyplot as plt
import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from skmmcl import CMCCSSEmbedder, MultimodalData, load_volumes
from skmmcl.inspection import (
    group_contrast,
    latent_links,
    plot_group_contrast,
    plot_saliency,
    saliency,
)

pytestmark = pytest.mark.realdata


def test_the_whole_chain(data_dir, tmp_path):
    vbm = data_dir / "aomic_piop2" / "derivatives" / "vbm"
    names = [f"sub-{k:04d}" for k in range(1, 7)]
    volumes = {
        kind: load_volumes(
            pd.Series(
                [vbm / "subset" / s / f"{s}_space-GM226_label-{kind}.nii.gz" for s in names], names
            ),
            target_affine=8.0,
            interpolation="linear",
            mask=vbm / "GM226_mask.nii.gz",
            cache=tmp_path,
        )
        for kind in ("GM_mod", "GM_probseg")
    }
    X, y = MultimodalData(volumes), np.arange(6) % 2
    embedder = CMCCSSEmbedder(
        solver="gradient", n_components=2, max_epochs=2, batch_size=6, random_state=0
    )
    embedder.fit(X, y)
    maps = {name: saliency(embedder, X, modality=name, random_state=0) for name in volumes}
    grey = volumes["GM_mod"].mask
    assert 0.1 < grey.mean() < 0.6
    for of_modality in maps.values():
        assert of_modality.shape == (2, 6, *grey.shape)
        assert (of_modality[..., ~grey] == 0).all()
        assert (of_modality[..., grey].std(axis=-1) > 0).all()
        assert of_modality.min() >= 0
        assert of_modality.max() <= 1
    links = latent_links(maps["GM_mod"], maps["GM_probseg"], mask=grey)
    assert (np.abs(links.correlations) <= 1).all()
    contrast = group_contrast(maps["GM_mod"][0], y, mask=grey)
    image = contrast.to_image(X["GM_mod"])
    np.testing.assert_allclose(image.affine, volumes["GM_mod"].affine)
    nib.save(image, tmp_path / "rbc.nii.gz")
    for name, draw in (
        ("saliency", lambda **k: plot_saliency(maps["GM_mod"][0], X["GM_mod"], **k)),
        ("contrast", lambda **k: plot_group_contrast(contrast, X["GM_mod"], alpha=None, **k)),
    ):
        draw(output_file=tmp_path / f"{name}.png")
        assert plt.imread(tmp_path / f"{name}.png").std() > 0.1
