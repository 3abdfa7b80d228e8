"""Settings in YAML: what a person meant is read, what could mean something else is told by line."""

import os
import threading
import time
from pathlib import Path

import pytest

from helpers.errors import ConfigError
from helpers.presets import loader
from helpers.settings_file import BYTES, read_yaml


def test_settings_are_read_as_they_are_meant(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(
        "# ü\nname: 'füllen'\nbase: &base {a: 1, b: [1.5, true, null, -3, 0, 0x1F, 1_000]}\n"
        "over: {<<: *base, a: 2}\nfewer: {10: 3, 50: 2}\n",
        encoding="utf-8",
    )
    b = [1.5, True, None, -3, 0, 31, 1000]
    wanted = {"name": "füllen", "base": {"a": 1, "b": b}, "over": {"a": 2, "b": b},
              "fewer": {10: 3, 50: 2}}  # fmt: skip
    assert read_yaml(file) == wanted
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert read_yaml(file) == wanted


def test_every_preset_that_ships_can_be_read():
    for name in loader.names():
        assert read_yaml(loader.FOLDER / f"{name}.yaml", "preset")


BOMB = "a0: &a0 [x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)

BAD = [
    (b"vary: [", r"line 1 is not valid YAML"),
    (b"preset: tiny\nvary:\n\tseed: [1]\n", r"line 3 is not valid YAML"),
    (b"preset: tiny\n# \xfc\xe4\n", r"line 2 is not UTF-8"),
    ("preset: tiny".encode("utf-16"), r"line 1 is not UTF-8"),
    (b"a: \x00", r"not valid YAML"),
    (b"", r"must hold settings"),
    (b"# nothing yet\n", r"must hold settings"),
    (b"null", r"must hold settings"),
    (b"- a\n- b\n", r"must hold settings"),
    (b"just text", r"must hold settings"),
    (b"a: 1\n---\nb: 2\n", r"line 2 is not valid YAML"),
    (b"a: 1\nb: {c: 1, c: 2}\n", r"line 2 names c a second time"),
    (b"a: 1\nb: 2\n'a': 3\n", r"line 3 names a a second time"),
    (b"1: 2", r"1 is no name"),
    (b"null: 2", r"None is no name"),
    (b"? [a]\n: b", r"line 1 is not valid YAML"),
    (b"seed: [010]", r"line 1 has 010, which YAML reads as octal"),
    (b"a: 1\nseed: -0_17", r"line 2 has -0_17, which YAML reads as octal"),
    (b"seed: 1:30", r"1:30, which YAML reads to base 60"),
    (b"seed: 1:30.5", r"1:30\.5, which YAML reads to base 60"),
    (b"seed: " + b"9" * 5000, r"line 1 has 999999999\.\.\., a number that no setting takes"),
    (b"rate: .nan", r"\.nan, which no setting takes"),
    (b"rate: -.INF", r"-\.INF, which no setting takes"),
    (b"model: 2024-01-01", r"line 1 holds what is no text"),
    (b"a: !!binary aGk=", r"line 1 holds what is no text"),
    (b"a: !!set {x, y}", r"line 1 holds what is no text"),
    (b"a: !!python/object/apply:os.system [ls]", r"line 1 holds what is no text"),
    (b"a: &a [*a]", r"line 1 holds itself"),
    (b"a: *b", r"line 1 is not valid YAML"),
    (BOMB.encode(), r"unfolds into more than 100,000"),
    (b"a: " + b"[" * 100_000, r"more than 32 lists within lists"),
    (b"- " * 100_000, r"more than 32 lists within lists"),
    (b"a: " + b"x" * BYTES, r"larger than 1 MiB"),
]


@pytest.mark.parametrize(("content", "message"), BAD, ids=[m[:40] for _, m in BAD])
def test_what_is_no_settings_is_one_sentence(tmp_path, content, message):
    file, begun = tmp_path / "bad.yaml", time.monotonic()
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as error:
        read_yaml(file, "grid file")
    assert str(error.value).startswith("grid file bad.yaml cannot be read: ")
    assert "\n" not in str(error.value) and len(str(error.value)) < 200
    assert time.monotonic() - begun < 2


def test_what_is_no_file_is_one_sentence(tmp_path):
    for path, message in (
        (tmp_path / "gone.yaml", "it is not there"),
        (tmp_path, "it is a folder"),
        (tmp_path / "nul\0.yaml", "null"),
        (tmp_path / ("x" * 300), "too long"),
        (Path("/dev/zero"), "larger than 1 MiB"),
    ):
        with pytest.raises(ConfigError, match=message):
            read_yaml(path)


def test_a_pipe_is_read_as_a_file_is(tmp_path):
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text("preset: tiny"))
    writer.start()
    assert read_yaml(pipe) == {"preset": "tiny"}
    writer.join()
