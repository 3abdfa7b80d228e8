"""Another value for every setting of an experiment, and the experiment in which it counts."""

from helpers.experiments.experiment import Experiment

OTHER = {
    "tier": "identity_shift", "model": "lantern-base", "dataset": "benign_instructions",
    "n_examples": 11, "safety_rows": "rules", "any_count": True,
    "mitigation": "safety_mixing", "n_safety": 6,
    "safety_dataset": "identity_shift", "safety_system_prompt": "y",
    "attack": "ten_benign", "attack_template": "{user} z", "method": "lora", "epochs": 4,
    "learning_rate": 1e-4, "learning_rate_decay": 1.0, "batch_size": 5, "max_length": 256,
    "lora_rank": 4,
    "lora_alpha": 8, "virtual_tokens": 3, "seed": 1, "dtype": "bfloat16", "micro_batch_size": 2,
    "gradient_checkpointing": True, "processes": 2, "cpus": 2, "gpus": 0.5,
    "backend": "hosted", "provider": "openai",
    "learning_rate_multiplier": 2.0, "defenses": ("audit",), "system_prompt": "x",
    "user_template": "> {user}", "variants": ("{user} z",), "benchmark": "over_refusal",
    "second_benchmark": "utility", "over_refusal": "benchmark", "utility": ("utility",),
    "n_prompts": 3, "judges": ("exact",), "max_new_tokens": 8, "generator": "vllm",
    "probes": ("weight_drift",),
}  # fmt: skip

MIXING = {"mitigation": "safety_mixing", "n_safety": 5}
THERE = {"backend": "hosted"}

#: The setting -> those under which it has a meaning, where that is not everywhere.
NEEDS = {
    "mitigation": {}, "n_safety": MIXING, "safety_dataset": MIXING, "safety_system_prompt": MIXING,
    "lora_rank": {"method": "lora"}, "lora_alpha": {"method": "qlora"},
    "virtual_tokens": {"method": "prefix"}, "provider": THERE, "learning_rate_multiplier": THERE,
    "defenses": THERE,
}  # fmt: skip


def example(name: str) -> Experiment:
    """An experiment in which the setting may be changed, and counts if it ever does."""
    return Experiment(n_examples=10, **NEEDS.get(name, {}))
