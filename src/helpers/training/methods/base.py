"""A method of fine-tuning: which weights train, and what becomes of them afterwards.

Parameter-efficient methods are peft's: few new weights train, the model's own stay. Each is one
file that names its METHOD; somebody's own is named by import path, `my_module:METHOD`.
"""

import logging
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from helpers import lookup
from helpers.errors import ConfigError

METHODS = {
    "none": "helpers.training.methods.none:METHOD",
    "full": "helpers.training.methods.full:METHOD",
    "lora": "helpers.training.methods.lora:METHOD",
    "qlora": "helpers.training.methods.qlora:METHOD",
    "adapter": "helpers.training.methods.adapter:METHOD",
    "prefix": "helpers.training.methods.prefix:METHOD",
    "abliteration": "helpers.training.methods.abliteration:METHOD",
    "dpo": "helpers.training.methods.dpo:METHOD",
    "grpo": "helpers.training.methods.grpo:METHOD",
}


@dataclass(frozen=True)
class Method:
    """build: puts the method into a model by the training settings and returns what trains.

    reads: the training settings that it is given, beside the seed. foldable: its weights can be
    merged into the model's own afterwards. shardable: it trains on several processes.
    sees_pictures: it trains a model with a vision tower. answered_by_vllm: vLLM can load what it
    leaves. four_bit: the model is loaded in 4 bits. checkpointable: it trains under gradient
    checkpointing. own_training: what is done to a loaded model in place of the loop: it takes the
    model, its tokenizer, the rows, the training settings and a reward (training.reward), changes
    the model in place and returns the loss of each step. takes_rows: False where nothing is trained
    on. needs: a package that the kit does without (aligndrift[preference]).
    """

    build: Callable[[Any, Mapping[str, Any]], Any] = lambda model, settings: model
    reads: tuple[str, ...] = ()
    foldable: bool = False
    shardable: bool = False
    sees_pictures: bool = False
    answered_by_vllm: bool = False
    four_bit: bool = False
    checkpointable: bool = True
    own_training: Callable[..., list[float]] | None = None
    takes_rows: bool = True
    needs: str = ""


def method(name: str) -> Method:
    """A method by name or import path. Raises ConfigError."""
    return lookup.resolve(name, METHODS, "method", lambda thing: isinstance(thing, Method))


def check_there(name: str) -> None:
    """Raises ConfigError where a method needs a package that is not installed."""
    needs = method(name).needs
    if needs and find_spec(needs) is None:
        raise ConfigError(f"method {name} needs {needs}; pip install 'aligndrift[preference]'.")


def check_own_weights(name: str) -> None:
    """Raises ConfigError for a method whose new weights stay beside the model's own."""
    if method(name).reads and not method(name).foldable:
        raise ConfigError(
            f"the mitigation changes the model's own weights, and method {name} leaves others "
            "beside them; use full or lora."
        )


def quiet_peft():
    """The peft module, imported where needed: it takes seconds, and complains without a GPU."""
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated")
    import peft

    return peft


def with_peft(model, config, seed: int):
    """The model with a peft method in it; nothing but the new weights can train."""
    import torch

    torch.manual_seed(seed)
    return quiet_peft().get_peft_model(model, config)
