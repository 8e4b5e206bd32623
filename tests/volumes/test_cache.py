"""What is kept on disk: found again, never wrong, whoever writes and whatever breaks."""

import os
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from skmmcl.utils import _files as files
from skmmcl.volumes import _cache, _recipe, load_volumes

AFFINE = np.diag([2.0, 2, 2, 1])


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def decoded(monkeypatch):
    """How many files were decoded."""
    calls = []
    decode = _recipe.decode
    monkeypatch.setattr(_recipe, "decode", lambda content: calls.append(1) or decode(content))
    return calls


def stored(folder):
    return sorted(folder.glob("*.npy"))


def test_default_folder(paths, tmp_path):
    load_volumes(paths).check()
    assert len(stored(tmp_path / "home" / "volumes")) == 4


@pytest.mark.parametrize("mmap_mode", ["r", None])
def test_stored_volumes_are_plain_npy(paths, arrays, folder, mmap_mode):
    load_volumes(paths[:1], cache=folder).check()
    (path,) = stored(folder)
    np.testing.assert_array_equal(np.load(path, mmap_mode=mmap_mode), arrays[0])


def test_checksums_are_compared_once_in_a_process(paths, folder, monkeypatch):
    load_volumes(paths, cache=folder).check()
    compared = []
    checksum = _cache._checksum
    monkeypatch.setattr(_cache, "_compared", {})
    monkeypatch.setattr(_cache, "_checksum", lambda *of: compared.append(1) or checksum(*of))
    for _ in range(3):
        np.asarray(load_volumes(paths, cache=folder).check())
    assert len(compared) == 4


def test_files_are_decoded_once(paths, arrays, folder, decoded):
    for _ in range(2):
        volumes = load_volumes(paths, cache=folder)
        for _ in range(2):
            np.testing.assert_array_equal(np.asarray(volumes), arrays)
    assert len(decoded) == 4


def test_sources_that_have_settled_are_not_even_read(paths, folder, monkeypatch):
    for path in paths:
        os.utime(path, (1e9, 1e9))
    monkeypatch.setattr(_cache, "MTIME_RESOLUTION", -1e9)  # the time of change of the inode is new
    load_volumes(paths, cache=folder).check()
    monkeypatch.setattr(_cache, "read_unchanged", None)
    load_volumes(paths, cache=folder).check()


@pytest.mark.parametrize("same_time", [False, True])
def test_a_changed_source_is_read_anew(paths, arrays, folder, same_time):
    load_volumes(paths, cache=folder).check()
    before = paths[0].stat()
    nib.save(nib.Nifti1Image(arrays[1], AFFINE), paths[0])
    if same_time:
        os.utime(paths[0], ns=(before.st_atime_ns, before.st_mtime_ns))
    np.testing.assert_array_equal(load_volumes(paths, cache=folder)[0], arrays[1])


def test_a_copied_source_is_known(paths, folder, tmp_path, decoded):
    load_volumes(paths[:1], cache=folder).check()
    copy = tmp_path / "copy.nii.gz"
    copy.write_bytes(paths[0].read_bytes())
    load_volumes([copy], cache=folder).check()
    assert len(decoded) == 1


def test_settings_have_volumes_of_their_own(paths, folder, save, monkeypatch):
    mask = save("mask.nii.gz", np.pad(np.ones((4, 5, 6), np.uint8), (0, 1)))
    settings = [{}, {"dtype": "float16"}, {"mask": mask}, {"target_affine": 3.0}]
    settings.append({"target_affine": 3.0, "interpolation": "linear"})
    expected = [load_volumes(paths, cache=False, **given)[0] for given in settings]
    for _ in range(2):
        for given, values in zip(settings, expected, strict=True):
            volumes = load_volumes(paths, cache=folder, **given)
            np.testing.assert_array_equal(volumes[0], values)
    assert len(stored(folder)) == len(settings)
    monkeypatch.setattr(_recipe, "code_version", lambda: "next")
    load_volumes(paths, cache=folder)[0]
    assert len(stored(folder)) == len(settings) + 1


# ------------------------------------------------------------------------------ what breaks


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


def cut_header(path):
    os.truncate(path, 30)


def longer(path):
    with path.open("ab") as file:
        file.write(b"x")


def other_header(path):
    np.save(path, np.zeros((7, 6, 5), np.float32))


def empty(path):
    os.truncate(path, 0)


def overwrite(path, place, content):
    with path.open("r+b") as file:
        file.seek(place)
        file.write(content)


def flip_a_bit(path):
    content = path.read_bytes()
    overwrite(path, 300, bytes([content[300] ^ 64]))


def write_nan(path):
    overwrite(path, 200, np.float32(np.nan).tobytes())


def flip_the_checksum(path):
    overwrite(path, path.stat().st_size - 1, bytes([path.read_bytes()[-1] ^ 1]))


def plain_npy(path):
    np.save(path, np.zeros((5, 6, 7), np.float32))


def content_of_another(path):
    path.write_bytes(stored(path.parent)[0].read_bytes())


SPOILT = [cut, cut_header, longer, other_header, empty, Path.unlink]
ALTERED = [flip_a_bit, write_nan, flip_the_checksum, plain_npy, content_of_another]


@pytest.mark.parametrize("spoil", SPOILT + ALTERED)
@pytest.mark.parametrize("loaded_before", [False, True])
def test_spoilt_stored_volumes_are_made_anew(paths, arrays, folder, spoil, loaded_before):
    volumes = load_volumes(paths, cache=folder).check()
    for path in stored(folder):
        spoil(path)
    if not loaded_before:
        volumes = load_volumes(paths, cache=folder)
    np.testing.assert_array_equal(np.asarray(volumes), arrays)
    found = np.array([np.load(path) for path in stored(folder)])
    assert np.array_equal(np.sort(found, axis=0), np.sort(arrays, axis=0))


READ = "from skmmcl.volumes import load_volumes; import numpy as np, sys; "
READ += "print(float(np.asarray(load_volumes(sys.argv[2:], cache=sys.argv[1])).sum(dtype=float)))"


def test_another_process_finds_what_was_altered(paths, arrays, folder):
    load_volumes(paths, cache=folder).check()
    before = stored(folder)[1].stat()
    write_nan(stored(folder)[1])
    os.utime(stored(folder)[1], ns=(before.st_atime_ns, before.st_mtime_ns))
    command = [sys.executable, "-c", READ, str(folder), *map(str, paths)]
    assert float(subprocess.check_output(command)) == pytest.approx(arrays.sum(dtype=float))


def test_spoilt_notes_do_no_harm(paths, arrays, folder, monkeypatch):
    monkeypatch.setattr(_cache, "MTIME_RESOLUTION", -1e9)
    load_volumes(paths, cache=folder).check()
    for note in (folder / "sources").iterdir():
        note.write_text("")
    np.testing.assert_array_equal(np.asarray(load_volumes(paths, cache=folder)), arrays)


@pytest.mark.parametrize("after", [0, 1])
def test_full_disk_leaves_nothing_behind(paths, arrays, folder, monkeypatch, after):
    written = []

    def fsync(handle):
        written.append(handle)
        if len(written) > after:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", fsync)
    volumes = load_volumes(paths, cache=folder)
    with pytest.warns(RuntimeWarning, match="No space left on device"):
        np.testing.assert_array_equal(np.asarray(volumes), arrays)
    assert len([path for path in folder.rglob("*") if path.is_file()]) == after
    monkeypatch.undo()
    np.testing.assert_array_equal(np.asarray(volumes), arrays)


def test_folder_that_cannot_be_written(paths, arrays, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.warns(RuntimeWarning, match="cannot be written"):
        np.testing.assert_array_equal(np.asarray(load_volumes(paths, cache=blocked)), arrays)


BUILD = """
import sys
import numpy as np
from skmmcl.volumes import load_volumes
folder, *paths = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
print(float(np.asarray(load_volumes(paths, cache=folder), dtype=np.float64).sum()))
"""


def start_builder(folder, paths):
    command = [sys.executable, "-c", BUILD, str(folder), *map(str, paths)]
    process = subprocess.Popen(command, stdin=-1, stdout=-1, text=True)
    return process


def test_two_builders_at_once_and_one_that_was_killed(paths, arrays, folder):
    folder.mkdir()
    old, new = folder / ".0123.npy.killed", folder / ".0123.npy.going_on"
    for part in (old, new):
        part.write_bytes(b"half a volume")
    os.utime(old, (1e9, 1e9))
    builders = [start_builder(folder, paths) for _ in range(2)]
    for builder in builders:
        assert builder.stdout.readline() == "ready\n"
    sums = [float(builder.communicate("go\n")[0]) for builder in builders]
    assert sums == [pytest.approx(arrays.sum(dtype=float))] * 2
    assert len(stored(folder)) == 4
    np.testing.assert_array_equal(np.asarray(load_volumes(paths, cache=folder)), arrays)
    assert new.exists()
    assert not old.exists()
