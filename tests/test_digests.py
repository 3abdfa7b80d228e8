"""Digests: what lies in a file or folder decides, and nothing else does."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from helpers import digests
from helpers.digests import SMALL, digest
from helpers.errors import DataError


def test_a_files_digest_is_of_its_bytes(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"one")
    assert digest(tmp_path / "a.txt") == hashlib.sha256(b"one").hexdigest()[:16]
    (tmp_path / "another.bin").write_bytes(b"one")
    os.utime(tmp_path / "another.bin", (0, 0))
    assert digest(tmp_path / "another.bin") == digest(tmp_path / "a.txt")


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "sub" / "weights").write_bytes(b"abc")
    return folder


def test_a_folder_under_another_name_has_the_same_digest(folder, tmp_path):
    before = digest(folder)
    assert len(before) == 16 and int(before, 16)
    shutil.copytree(folder, tmp_path / "copy")
    folder.rename(tmp_path / "renamed")
    assert digest(tmp_path / "renamed") == digest(tmp_path / "copy") == before


def test_hidden_files_and_folders_and_empty_ones_do_not_count(folder):
    before = digest(folder)
    (folder / ".gitattributes").write_text("x")
    (folder / "sub" / ".hidden").write_text("x")
    (folder / ".cache" / "deep").mkdir(parents=True)
    (folder / ".cache" / "deep" / "file").write_text("x")
    (folder / "empty").mkdir()
    assert digest(folder) == before


def test_a_folder_below_a_hidden_one_counts(folder, tmp_path):
    hidden = tmp_path / ".cache" / "model"
    hidden.parent.mkdir()
    before = digest(folder)
    folder.rename(hidden)
    assert digest(hidden) == before


def later(file):
    """Make a file a millisecond newer: a coarse clock may not have moved on."""
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 10**6))


def added(folder):
    (folder / "new").write_text("")


def renamed(folder):
    (folder / "config.json").rename(folder / "config2.json")


def moved(folder):
    (folder / "sub" / "weights").rename(folder / "weights")


def rewritten(folder):
    (folder / "sub" / "weights").write_bytes(b"abd")
    later(folder / "sub" / "weights")


def exchanged(folder):
    (folder / "sub" / "weights").write_bytes(b"{}")
    (folder / "config.json").write_bytes(b"abc")


@pytest.mark.parametrize("change", [added, renamed, moved, rewritten, exchanged])
def test_what_changes_in_a_folder_changes_its_digest(folder, change):
    before = digest(folder)
    change(folder)
    assert digest(folder) != before


@pytest.mark.parametrize("size", [3, SMALL, SMALL + 1])
def test_the_last_byte_counts_however_large_a_file_is(tmp_path, size):
    file = tmp_path / "weights"
    file.write_bytes(b"a" * size)
    before = digest(file)
    with file.open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(b"b")
    later(file)
    assert digest(file) != before
    assert digest(file) == hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def test_a_large_file_is_remembered_and_nothing_there_speaks_of_this_machine(tmp_path, outputs):
    file = tmp_path / "weights"
    file.write_bytes(b"a" * SMALL)
    expected = digest(file)
    (memory,) = (outputs / "digests").iterdir()
    content = memory.read_text()
    assert int(memory.name, 16) and content[:16] == expected and int(content, 16)


def test_another_process_reads_what_is_remembered_instead_of_the_file(tmp_path, outputs):
    import subprocess
    import sys

    file = tmp_path / "weights"
    file.write_bytes(b"a" * SMALL)
    digest(file)
    (memory,) = (outputs / "digests").iterdir()
    memory.write_text(digests._with_check("f" * 64))
    code = "import sys; from pathlib import Path; from helpers.digests import digest; "
    code += "print(digest(Path(sys.argv[1])))"
    done = subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True)
    assert done.stdout.strip() == "f" * 16


@pytest.mark.parametrize("damage", ["", "f" * 64, "f" * 72, "\xff\xfe", "unlink and a folder"])
def test_what_is_remembered_wrongly_is_read_again(tmp_path, outputs, damage):
    file = tmp_path / "weights"
    file.write_bytes(b"a" * SMALL)
    expected = digest(file)
    (memory,) = (outputs / "digests").iterdir()
    memory.unlink()
    memory.mkdir() if "folder" in damage else memory.write_text(damage, encoding="latin-1")
    digests._remembered.cache_clear()
    assert digest(file) == expected


def test_what_cannot_be_read_is_told(tmp_path, monkeypatch):
    file = tmp_path / "weights"
    file.write_bytes(b"a")

    def denied(self, *_, **__):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", denied)
    for path in (file, tmp_path):
        with pytest.raises(DataError, match=r"^weights cannot be read \(Permission denied\)"):
            digest(path)


def test_small_files_leave_nothing_behind(folder, outputs):
    digests.digest(folder)
    assert not (outputs / "digests").exists()
