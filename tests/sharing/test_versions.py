"""Files of each version of the format are read for ever, and give what they gave."""

import json

import numpy as np
import pytest

from skmmcl import load_model, model_info
from skmmcl.sharing._file import FORMAT_VERSION
from tests.sharing.versions import FILES, example_subjects

PATHS = sorted(FILES.glob("*.skmmcl"))


def test_there_are_files_of_each_version():
    versions = {path.name.split("_")[0] for path in PATHS}
    assert versions == {f"v{k}" for k in range(1, FORMAT_VERSION + 1)}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_an_old_file_gives_what_it_gave(path):
    X, _ = example_subjects()
    expected = json.loads(path.with_suffix(".json").read_text())
    found = getattr(load_model(path), expected["method"])(X)
    np.testing.assert_allclose(found, expected["values"], rtol=1e-4, atol=1e-5)
    assert not model_info(path)["holds_subjects"]
