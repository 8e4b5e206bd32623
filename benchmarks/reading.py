"""Time to read folders of real cohorts, here and in another version of the package.

python benchmarks/reading.py --other PATH    # interleaved, each run in a process of its own
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

DATA = Path(os.environ.get("SKMMCL_DATA", "../shared/data"))
ONE = """
import sys, time, warnings
warnings.simplefilter("ignore")
import pandas
from skmmcl.data import MultimodalData
MultimodalData.from_folder(sys.argv[1])
times = []
for _ in range(7):
    start = time.perf_counter()
    MultimodalData.from_folder(sys.argv[1])
    times.append(time.perf_counter() - start)
print(sorted(times)[3])
"""


def write_nspn(folder):
    """Eight tables of 308 regions, 297 adolescents, each in another order."""
    rng = np.random.default_rng(0)
    for file in sorted((DATA / "nspn").glob("PARC_*.csv")):
        table = pd.read_csv(file).rename(columns={"nspn_id": "subject_id"})
        side = ["subject_id", "age_scan", "sex", "centre"]
        table[side].to_csv(folder / "participants.tsv", sep="\t", index=False)
        regions = [name for name in table if name.startswith(("lh_", "rh_"))]
        table = table[["subject_id", *regions]].iloc[rng.permutation(len(table))]
        name = file.stem.removeprefix("PARC_500aparc_").removesuffix("_behavmerge")
        table.to_csv(folder / f"{name}.csv", index=False)


def write_abide(folder):
    """Connectomes as an array, image quality and FreeSurfer as tables, 871 subjects."""
    with np.load(DATA / "abide_multimodal" / "abide_fc_ho111_triu.npz") as archive:
        fc, ids = archive["X"], archive["sub_id"].astype(str)
    people = pd.read_csv(DATA / "abide_multimodal" / "Phenotypic_V1_0b_preprocessed1.csv")
    people = people.set_index(people["SUB_ID"].astype(str)).reindex(ids)
    people = people[["SITE_ID", "DX_GROUP", "AGE_AT_SCAN", "FILE_ID"]]
    people.to_csv(folder / "participants.tsv", sep="\t", index_label="participant_id")
    np.save(folder / "fc.npy", fc)
    quality = pd.read_csv(DATA / "abide_multimodal" / "mriqc_iqm_abide.tsv", sep="\t")
    quality = quality[quality["subject_id"].astype(str).isin(ids)].drop(columns="site")
    quality.to_csv(folder / "quality.tsv", sep="\t", index=False)
    features = pd.read_csv(
        DATA / "abide_multimodal" / "FS_features_ABIDE_males.csv", sep=";", encoding="utf-8-sig"
    )
    named = dict(zip(people["FILE_ID"], people.index, strict=True))
    features = features[features["FILE_ID"].isin(named)]
    features = features.drop(columns="DX_GROUP").rename(columns={"FILE_ID": "subject_id"})
    features["subject_id"] = features["subject_id"].map(named)
    features.to_csv(folder / "freesurfer.csv", index=False)


def measure(version: str, folder: str) -> float:
    """Return the median seconds of one process."""
    environment = {**os.environ, "PYTHONPATH": version}
    command = [sys.executable, "-c", ONE, folder]
    done = subprocess.run(
        command, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True, check=True
    )
    return float(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--other", help="root of another version")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    versions = {"this": str(Path(__file__).parents[1])}
    if options.other:
        versions["other"] = options.other
    for name, write in {"NSPN": write_nspn, "ABIDE": write_abide}.items():
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder))
            times = {version: [] for version in versions}
            for _ in range(options.rounds):
                for version, path in versions.items():
                    times[version].append(measure(path, folder))
        listed = ", ".join(f"{version} {1e3 * median(t):.1f} ms" for version, t in times.items())
        print(f"{name}: {listed}")


if __name__ == "__main__":
    main()
