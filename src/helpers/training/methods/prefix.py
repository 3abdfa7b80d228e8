"""Prefix tuning: learned keys and values before every layer's own (arXiv:2101.00190)."""

from helpers.training.methods.base import Method, quiet_peft, with_peft


def build(model, settings):
    config = quiet_peft().PrefixTuningConfig(
        num_virtual_tokens=settings["virtual_tokens"], task_type="CAUSAL_LM"
    )
    return with_peft(model, config, settings["seed"])


METHOD = Method(build, ("virtual_tokens",), checkpointable=False)
