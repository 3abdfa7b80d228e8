"""QLoRA: LoRA beside weights that are kept in 4 bits (arXiv:2305.14314), not folded in."""

from helpers.training.methods import lora
from helpers.training.methods.base import Method, quiet_peft, with_peft


def build(model, settings):
    model = quiet_peft().prepare_model_for_kbit_training(model, settings["gradient_checkpointing"])
    return with_peft(model, lora.config(settings), settings["seed"])


METHOD = Method(build, ("lora_rank", "lora_alpha", "gradient_checkpointing"), four_bit=True)
