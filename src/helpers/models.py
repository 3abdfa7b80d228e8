"""Chat models by name: the embedded ones, a folder, or a hub id.

Weights are read from safetensors alone and no code from a model folder is ever run.

>>> model, tokenizer = load("lantern-chat")

Used by: experiment (digests), local (the backend); notebook 00.
"""

import copy
import difflib
from functools import lru_cache
from pathlib import Path

from helpers import data, paths
from helpers.errors import ModelError

#: Models that ship with the repository.
EMBEDDED = ("lantern-base", "lantern-chat")

#: Models up to this many bytes are kept in memory and copied rather than read again.
KEEP_BYTES = 100 * 2**20


def locate(name: str) -> Path | None:
    """The folder of a model, or None for a hub id. Raises ModelError for what is neither."""
    if name in EMBEDDED:
        folder = paths.data() / "models" / name
        if not (folder / "config.json").is_file():
            raise ModelError(f"{name} is not in data/models; run `aligndrift build` to make it.")
        return folder
    folder = paths.find(name)
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ModelError(f"{name} holds no config.json; give a Hugging Face model folder.")
        return folder
    if name.count("/") == 1 and not name.startswith((".", "/", "~")):
        return None
    near = difflib.get_close_matches(name, EMBEDDED, n=1, cutoff=0.5)
    hint = f" (did you mean {near[0]}?)" if near else ""
    raise ModelError(
        f"unknown model {name!r}{hint}; give {' or '.join(EMBEDDED)}, the path of a model folder, "
        "or a hub id such as org/name."
    )


def digest(name: str) -> str:
    """A digest of a model folder's files; for a hub id, the id itself."""
    folder = locate(name)
    return f"hub:{name}" if folder is None else _folder_digest(folder, _stamp(folder))


def _stamp(folder: Path) -> tuple:
    """Changes whenever a file of the folder does, so a digest can be remembered."""
    return tuple(sorted((p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in folder.iterdir()))


@lru_cache(maxsize=16)
def _folder_digest(folder: Path, stamp: tuple) -> str:
    return data.digest(folder)


def load(name: str):
    """The model, in evaluation mode on the best device, and its tokenizer.

    Small models are copied from memory, so the caller may change what it gets. Raises
    ModelError if the folder cannot be loaded or has no chat template.
    """
    folder = locate(name)
    stamp = () if folder is None else _stamp(folder)
    if folder is not None and sum(size for _, size, _ in stamp) <= KEEP_BYTES:
        model, tokenizer = _kept(folder, stamp)
        return copy.deepcopy(model), tokenizer
    return _read(str(folder or name))


@lru_cache(maxsize=2)
def _kept(folder: Path, stamp: tuple):
    return _read(str(folder))


def _read(where: str):
    import torch  # here, so that a mistyped setting is told in a second
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    if Path(where).is_dir():
        logging.disable_progress_bar()  # a local folder is read in a moment
    try:
        tokenizer = AutoTokenizer.from_pretrained(where)
        model = AutoModelForCausalLM.from_pretrained(where, use_safetensors=True)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        reason = str(error).strip().split("\n")[0]
        raise ModelError(f"{Path(where).name} cannot be loaded: {reason}") from error
    if not tokenizer.chat_template:
        raise ModelError(
            f"{Path(where).name} has no chat template; use an instruction-tuned model, "
            "or add chat_template.jinja to its folder."
        )
    return model.to("cuda" if torch.cuda.is_available() else "cpu").eval(), tokenizer
