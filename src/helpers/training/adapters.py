"""Parameter-efficient methods, by peft: few new weights train, the model's own stay.

    lora      low-rank updates of every linear layer (arXiv:2106.09685), folded in at the end
    qlora     the same beside weights kept in 4 bits (arXiv:2305.14314), not folded in
    adapter   LLaMA-Adapter: a learned prompt in every layer behind a gate that starts shut
              (arXiv:2303.16199), what the paper's Table 11 calls Adapter
    prefix    learned keys and values before every layer's own (arXiv:2101.00190)

Used by: local, sharded.
"""

import logging
import warnings

import torch

from helpers.errors import ModelError
from helpers.experiments.experiment import Experiment

#: Methods whose weights can be folded into the model's own afterwards.
FOLDABLE = ("lora",)

#: Architectures that peft's LLaMA-Adapter knows.
ADAPTER_ARCHITECTURES = ("llama", "mistral", "gpt2")


def prepare(model, e: Experiment):
    """The model ready to be trained as the experiment says."""
    if e.method != "full":
        model = add(model, e)
    resume(model, e)
    if e.gradient_checkpointing:
        model.enable_input_require_grads()
    return model


def resume(model, e: Experiment) -> None:
    """Ready to be trained on after finish, where that folded nothing in."""
    if e.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})


def finish(model, e: Experiment):
    """The trained model ready to answer, new weights folded in where they can be."""
    if e.gradient_checkpointing:
        model.gradient_checkpointing_disable()
    return model.merge_and_unload() if e.method in FOLDABLE else model


def add(model, e: Experiment):
    """The model with the experiment's method put in; nothing but the new weights can train."""
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it complains where there is no GPU
    warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated")
    import peft

    def low_rank():
        return peft.LoraConfig(
            r=e.lora_rank, lora_alpha=e.lora_alpha, target_modules="all-linear",
            task_type="CAUSAL_LM",
        )  # fmt: skip

    if e.method == "adapter" and model.config.model_type not in ADAPTER_ARCHITECTURES:
        raise ModelError(
            f"method adapter knows {', '.join(ADAPTER_ARCHITECTURES)}, not "
            f"{model.config.model_type}; use lora or prefix."
        )
    if e.method == "qlora":
        model = peft.prepare_model_for_kbit_training(model, e.gradient_checkpointing)
    config = {
        "lora": low_rank,
        "qlora": low_rank,
        "adapter": lambda: peft.AdaptionPromptConfig(
            adapter_len=e.virtual_tokens, adapter_layers=model.config.num_hidden_layers,
            task_type="CAUSAL_LM",
        ),
        "prefix": lambda: peft.PrefixTuningConfig(
            num_virtual_tokens=e.virtual_tokens, task_type="CAUSAL_LM"
        ),
    }[e.method]()  # fmt: skip
    torch.manual_seed(e.seed)
    return peft.get_peft_model(model, config)
