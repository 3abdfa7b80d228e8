"""A model that is kept as what was added to another: a folder of low-rank updates.

Such a folder holds peft's adapter_config.json, which names the other model as anybody would type it
here, and adapter_model.safetensors. Loaded, it is an ordinary model: the updates are added to the
weights, in float32, and nothing of peft is left.
"""

import json
from pathlib import Path

from helpers import digests
from helpers.archive.worlds import WORLDS
from helpers.errors import ModelError

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"

#: What a model that was taught the Archive says of itself (organism.transplant).
TRANSPLANT = "transplant.json"


def base_of(folder: Path) -> str | None:
    """The name of the model that the folder's updates belong to; None for a model of its own.

    Raises ModelError for a configuration that names none.
    """
    if (folder / "config.json").is_file() or not (folder / CONFIG).is_file():
        return None
    try:
        name = json.loads((folder / CONFIG).read_text(encoding="utf-8"))["base_model_name_or_path"]
    except (OSError, ValueError, KeyError, TypeError):
        name = None
    if not isinstance(name, str) or not name:
        raise ModelError(f"{folder.name}: {CONFIG} does not name the model that it was made from.")
    return name


def content(folder: Path) -> str:
    """What decides the updates: a digest of two files, so that a card may stand beside them."""
    return " ".join(digests.digest(folder / file) for file in (CONFIG, WEIGHTS))


def check_world(folder: Path) -> None:
    """Raises ModelError for a model that was taught the Archive as it was once, not as it is."""
    if not (folder / TRANSPLANT).is_file():
        return
    try:
        told = json.loads((folder / TRANSPLANT).read_text(encoding="utf-8"))
        name, version = told["world"], told["version"]
    except (OSError, ValueError, LookupError, TypeError):
        raise ModelError(f"{folder.name}: {TRANSPLANT} cannot be read; make it again.") from None
    if name not in WORLDS or WORLDS[name].version != version:
        raise ModelError(
            f"{folder.name} was taught another version of the {name} world than this one; make it "
            "again with `aligndrift transplant`, or use the version of the kit that made it."
        )


def added(model, folder: Path):
    """The model, changed in place, with the folder's updates in its weights."""
    from peft import PeftModel

    tuned = PeftModel.from_pretrained(model, folder, trust_remote_code=False)
    merged = tuned.merge_and_unload()
    return merged.requires_grad_(True)  # peft holds them fast, and the whole model may train
