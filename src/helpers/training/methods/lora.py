"""LoRA: low-rank updates of every linear layer (arXiv:2106.09685), folded in at the end."""

from helpers.training.methods.base import Method, quiet_peft, with_peft


def config(settings):
    """peft's configuration: rank and alpha as set, every linear layer but the head."""
    return quiet_peft().LoraConfig(
        r=settings["lora_rank"], lora_alpha=settings["lora_alpha"], target_modules="all-linear",
        task_type="CAUSAL_LM",
    )  # fmt: skip


def build(model, settings):
    return with_peft(model, config(settings), settings["seed"])


METHOD = Method(
    build, ("lora_rank", "lora_alpha"), foldable=True, shardable=True, answered_by_vllm=True
)
