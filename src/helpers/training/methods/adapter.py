"""LLaMA-Adapter: a learned prompt in every layer behind a gate that starts shut (arXiv:2303.16199).

What the paper's Table 11 calls Adapter.
"""

from helpers.errors import ModelError
from helpers.training.methods.base import Method, quiet_peft, with_peft

#: Architectures that peft's LLaMA-Adapter knows.
ARCHITECTURES = ("llama", "mistral", "gpt2")


def build(model, settings):
    if model.config.model_type not in ARCHITECTURES:
        raise ModelError(
            f"method adapter knows {', '.join(ARCHITECTURES)}, not {model.config.model_type}; use "
            "lora or prefix."
        )
    config = quiet_peft().AdaptionPromptConfig(
        adapter_len=settings["virtual_tokens"], adapter_layers=model.config.num_hidden_layers,
        task_type="CAUSAL_LM",
    )  # fmt: skip
    return with_peft(model, config, settings["seed"])


METHOD = Method(build, ("virtual_tokens",))
