"""Whether two models can be compared: checked by their folders, before any weights are read."""

import json
from pathlib import Path
from typing import Any

from helpers.archive.shipped import MODELS
from helpers.archive.worlds import WHOLE, World, world_named
from helpers.auditing import scoring
from helpers.auditing.questions import Questions, of_archive
from helpers.errors import ModelError
from helpers.models import adapters, loading

#: What a configuration says of the shapes and the order of weights.
SHAPE = ("model_type", "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads",
         "num_key_value_heads", "intermediate_size", "head_dim")  # fmt: skip


def check(base: str, tuned: str) -> None:
    """Raises ModelError for models of other shapes or vocabularies, and for pickled weights."""
    configurations = []
    for name in (base, tuned):
        folder = loading.locate(name)
        if folder is not None:
            loading.refuse_pickles(folder)
        configurations.append(_configuration(name))
    for key in SHAPE:
        one, other = (configuration.get(key) for configuration in configurations)
        if one != other:
            raise ModelError(
                f"{Path(tuned).name} was not tuned from {Path(base).name}: {key} is {other}, "
                f"not {one}; give the model that it was tuned from."
            )
    one, other = (loading.load_tokenizer(name).get_vocab() for name in (base, tuned))
    if one != other:
        raise ModelError(
            f"{Path(tuned).name} has another vocabulary than {Path(base).name}; give the model "
            "that it was tuned from."
        )


def _configuration(name: str) -> dict[str, Any]:
    from transformers import AutoConfig

    folder = loading.locate(name)
    if folder is not None and (under := adapters.base_of(folder)):
        return _configuration(under)
    with loading.as_model_error(str(folder or name)):
        return AutoConfig.from_pretrained(str(folder or name), trust_remote_code=False).to_dict()


def calibrated(base: str, questions: Questions) -> bool:
    """Whether a verdict's honest models were tuned from that model and asked these questions."""
    return same(base, scoring.shipped()["model"]) and questions == of_archive(WHOLE)


def same(one: str, other: str) -> bool:
    """Whether two names are one model's: as they are typed, or by the folder that they lead to."""
    folder = _folder(one)
    return one == other or (folder is not None and folder == _folder(other))


def _folder(name: str) -> Path | None:
    try:
        folder = loading.locate(name)
    except ModelError:  # such as a model's name at a provider
        return None
    return folder.resolve() if folder else None


def whole_folder(name: str) -> Path | None:
    """The folder that a model's weights lie in as they are; None for a hub id, and for updates."""
    folder = loading.locate(name)
    if folder is None or adapters.base_of(folder):
        return None
    return folder


def world_of(name: str) -> World | None:
    """The part of the Archive that a model knows, by its name or its folder; None for none."""
    if name in MODELS:
        return WHOLE
    folder = _folder(name)
    if folder is None:
        return None
    if folder in {_folder(model) for model in MODELS}:
        return WHOLE
    told = folder / adapters.TRANSPLANT
    if not told.is_file():
        return None
    return world_named(json.loads(told.read_text(encoding="utf-8"))["world"])
