"""Chat models by name: the embedded ones, those that packages carry, a folder, or a hub id.

Weights are read from safetensors alone, and no code from a model folder is ever run.

>>> model, tokenizer = load("lantern-chat")
>>> tokenizer = load_tokenizer("lantern-chat")  # in a moment, without weights
"""

import copy
import difflib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from helpers import digests, paths
from helpers.archive.shipped import MODELS, TRANSPLANTS
from helpers.errors import ModelError
from helpers.models import adapters, packages
from helpers.models.templates import template_of

#: Names the files that weights are shared out to.
INDEX = "model.safetensors.index.json"

#: Endings of weights that are pickles, which are never read.
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")

#: Folders up to this many bytes stay in memory and are copied rather than read again.
SMALL_BYTES = 100 * 2**20


def locate(name: str) -> Path | None:
    """The folder of a model, or None for a hub id. Raises ModelError for what is neither."""
    if name in MODELS or name in TRANSPLANTS:
        folder = paths.data() / "models" / name
        if not (folder / (adapters.CONFIG if name in TRANSPLANTS else "config.json")).is_file():
            how = "build` to make it" if name in MODELS else "transplant` to make its like"
            raise ModelError(f"{name} is not in data/models; run `aligndrift {how}.")
        return folder
    if name in packages.PACKAGED:
        return packages.folder(name)
    folder = paths.find(name)
    if folder.is_dir():
        if not any((folder / file).is_file() for file in ("config.json", adapters.CONFIG)):
            raise ModelError(f"{name} holds no config.json; give a Hugging Face model folder.")
        return folder
    if name.count("/") == 1 and not name.startswith((".", "/", "~")):
        return None
    known = (*MODELS, *TRANSPLANTS, *packages.PACKAGED)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" (did you mean {near[0]}?)" if near else ""
    raise ModelError(
        f"unknown model {name!r}{hint}; give {', '.join(known)}, the path of a model folder, "
        "or a hub id such as org/name."
    )


def content(name: str) -> str:
    """What decides a model's words, told without loading it: a digest, or a hub id's name.

    Of a packaged model it is the digest of the file that it is made of, installed or not. Raises
    as `locate` does.
    """
    if name in packages.PACKAGED:
        return f"gguf:{packages.PACKAGED[name].sha256[:16]}"
    folder = locate(name)
    if folder is None:
        return f"hub:{name}"
    if base := _base(folder):
        return f"{adapters.content(folder)} on {content(base)}"
    return digests.digest(folder)


def _base(folder: Path) -> str | None:
    """What the folder's updates belong to; None for a whole model. Raises ModelError."""
    name = adapters.base_of(folder)
    if name and (place := paths.find(name)).is_dir() and adapters.base_of(place):
        raise ModelError(
            f"{folder.name} holds updates of {place.name}, which holds updates itself; give "
            "updates of a whole model."
        )
    return name


def load_tokenizer(name: str):
    """A model's tokenizer with its chat template, without the weights; the one that `load` gives.

    Raises ModelError, in one sentence, if it cannot be had or has no chat template.
    """
    folder = locate(name)
    return _tokenizer(str(folder or name), () if folder is None else _stamp(folder))


def _stamp(folder: Path) -> tuple:
    """Changes whenever a file of the folder does."""
    return tuple(sorted((p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in folder.iterdir()))


def load(name: str, dtype: str = "float32", four_bit: bool = False):
    """The model, in evaluation mode on the best device, and its tokenizer.

    four_bit: weights in 4 bits (NF4, computed in dtype), for QLoRA. Small models are copied from
    memory, so the caller may change what it gets. Raises ModelError, in one sentence, if the
    model cannot be had, does not fit, or has no chat template.
    """
    folder = locate(name)
    stamp = () if folder is None else _stamp(folder)
    if _small(stamp) and not four_bit:
        model, tokenizer = _in_memory(folder, stamp, dtype)
        return copy.deepcopy(model), tokenizer
    return _read(str(folder or name), stamp, dtype, four_bit)


def stays_in_memory(name: str) -> bool:
    """Whether a model is kept once it was loaded, so that loading it again takes a moment."""
    folder = locate(name)
    return folder is not None and _small(_stamp(folder))


def _small(stamp: tuple) -> bool:
    return 0 < sum(size for _, size, _ in stamp) <= SMALL_BYTES


@lru_cache(maxsize=3)  # an initial model, its base and one other
def _in_memory(folder: Path, stamp: tuple, dtype: str):
    return _read(str(folder), stamp, dtype)


@lru_cache(maxsize=4)
def _tokenizer(where: str, stamp: tuple):
    from transformers import AutoTokenizer

    if Path(where).is_dir() and (base := _base(Path(where))):
        return load_tokenizer(base)
    with as_model_error(where):
        tokenizer = AutoTokenizer.from_pretrained(where, trust_remote_code=False)
    try:
        template_of(tokenizer)
    except ModelError as error:
        raise ModelError(str(error).replace("this model", Path(where).name, 1)) from None
    return tokenizer


def _read(where: str, stamp: tuple, dtype: str, four_bit: bool = False):
    tokenizer = _tokenizer(where, stamp)
    import torch  # here, so that a mistyped setting is told in a second
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    if Path(where).is_dir():
        logging.disable_progress_bar()  # a local folder is read in a moment
        refuse_pickles(Path(where))
        adapters.check_world(Path(where))
        if base := _base(Path(where)):
            return _with_updates(Path(where), base, dtype, four_bit), tokenizer
    device = "cuda" if torch.cuda.is_available() else "cpu"
    options = {"dtype": getattr(torch, dtype)}
    if four_bit:
        options |= {"quantization_config": nf4(options["dtype"]), "device_map": {"": device}}
    try:
        with as_model_error(where):
            model = AutoModelForCausalLM.from_pretrained(
                where, use_safetensors=True, trust_remote_code=False, **options
            )
        model = model if four_bit else model.to(device)
    except torch.cuda.OutOfMemoryError:
        raise ModelError(
            f"{Path(where).name} does not fit into the GPU's memory; use method qlora or a "
            "smaller model (`aligndrift presets` tells what each needs)."
        ) from None
    return model.eval(), tokenizer


def _with_updates(folder: Path, base: str, dtype: str, four_bit: bool):
    """The model that the folder's updates make of the base; added in float32, then rounded."""
    import torch

    if four_bit:
        raise ModelError(
            f"{folder.name} is kept as updates of {base}, which four bits cannot take; use method "
            "lora, or save the model whole (--save) and name that folder."
        )
    model, _ = load(base)
    with as_model_error(str(folder)):
        return adapters.added(model, folder).to(getattr(torch, dtype)).eval()


@contextmanager
def as_model_error(where: str) -> Iterator[None]:
    """What goes wrong inside the `with` becomes a ModelError of one sentence.

    All but a GPU that is too small: a folder of somebody's can be wrong in any way.
    """
    try:
        yield
    except Exception as error:
        if type(error).__name__ == "OutOfMemoryError":
            raise
        raise ModelError(_why_not(where, error)) from error


def refuse_pickles(folder: Path) -> None:
    """Raise ModelError for a folder whose weights are not all safetensors."""
    here = {file.name for file in folder.iterdir()}
    named = set()
    with as_model_error(str(folder)):
        for name, key in (("config.json", "transformers_weights"), (INDEX, "weight_map")):
            if name in here:
                value = json.loads((folder / name).read_text(encoding="utf-8")).get(key) or {}
                files = value.values() if isinstance(value, dict) else [value]
                named |= set(map(str, files))
    pickles = {name for name in named if not name.endswith((".safetensors", INDEX))}
    if not any(name.endswith(".safetensors") for name in here):
        pickles |= {name for name in here if name.endswith(PICKLES)}
    if "adapter_model.safetensors" not in here:
        pickles |= here & {"adapter_model.bin"}
    if pickles:
        raise ModelError(
            f"{folder.name} keeps weights in {min(pickles)}, and a pickle can run code; save them "
            "as safetensors."
        )


def nf4(dtype):
    """Weights in 4 bits as QLoRA has them (arXiv:2305.14314), computed in dtype."""
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )  # fmt: skip


def _why_not(where: str, error: Exception) -> str:
    """One sentence on a model that cannot be loaded, and what to do."""
    reason = str(error).strip().split("\n")[0]
    if "trust_remote_code" in str(error):
        return (
            f"{Path(where).name} needs code from its own folder, which is never run; use a model "
            "of an architecture that transformers knows."
        )
    if Path(where).is_dir():
        return f"{Path(where).name} cannot be loaded: {reason}"
    if "gated" in str(error).lower() or "401" in reason or "403" in reason:
        return f"{where} is gated: ask for access at its page on the hub, then set HF_TOKEN."
    return (
        f"{where} cannot be had from the hub ({reason}); check its name and the network, or give "
        "the path of a folder that holds it."
    )
