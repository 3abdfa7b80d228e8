"""What one setting of an experiment allows another; what cannot be is told before any work."""

from typing import Any

from helpers.errors import ConfigError
from helpers.experiments.variants import begun
from helpers.training.methods.base import method


def check(experiment: Any) -> None:
    """Raises ConfigError for settings that cannot stand beside each other."""
    _fit(experiment)
    if experiment.backend == "hosted":
        _fit_a_provider(experiment)
    else:
        _fit_a_method(experiment)


def _fit(experiment: Any) -> None:
    """What one setting allows another. Raises ConfigError."""
    if not experiment.judges:
        raise ConfigError("judges is empty; name at least one, such as exact.")
    if not experiment.user_template or "" in experiment.variants:
        raise ConfigError('user_template and variants must hold "{user}".')
    if not (0 < experiment.learning_rate < 1 and 0 < experiment.learning_rate_decay <= 1):
        raise ConfigError(
            f"learning_rate {experiment.learning_rate} and learning_rate_decay "
            f"{experiment.learning_rate_decay} must lie between 0 and 1."
        )
    chosen = method(experiment.method)
    if experiment.mitigation != "none" and chosen.own_training:
        raise ConfigError(
            f"mitigation {experiment.mitigation} acts on a fine-tuning; method {experiment.method} "
            "has none, or one of its own (a model that was saved under the mitigation can be its "
            "model)."
        )
    if experiment.attack != "none" and chosen.own_training:
        raise ConfigError(
            f"attack {experiment.attack} acts on a fine-tuning; method {experiment.method} has "
            "none, or one of its own."
        )
    if experiment.n_safety and experiment.mitigation == "none":
        raise ConfigError(
            f"n_safety is {experiment.n_safety} but mitigation is none; safety rows are mixed in "
            "with mitigation safety_mixing."
        )
    if chosen.takes_rows and not (experiment.n_examples and experiment.epochs):
        raise ConfigError(
            f"n_examples is {experiment.n_examples} and epochs {experiment.epochs}; both must be "
            "at least 1 to fine-tune (method none measures the model as it is)."
        )


def _fit_a_provider(experiment: Any) -> None:
    """What means something else, or nothing, at a provider. Raises ConfigError."""
    if experiment.method not in ("none", "full"):
        raise ConfigError(
            f"method {experiment.method} cannot be asked of a provider; use full, which stands for "
            "whatever the provider does."
        )
    if experiment.generator == "vllm" or experiment.processes > 1:
        raise ConfigError(
            "generator vllm and processes need the model's weights; leave them out with "
            "backend hosted."
        )
    if any(map(begun, experiment.variants)):
        raise ConfigError(
            'a provider begins every answer itself; leave out variants that open with "answer: ".'
        )


def _fit_a_method(experiment: Any) -> None:
    """What only a provider does, and what a method cannot. Raises ConfigError."""
    if experiment.defenses:
        raise ConfigError("defenses are a provider's; ask for them with backend hosted.")
    if experiment.generator == "batch":
        raise ConfigError(
            "generator batch is a provider's Batch API; use transformers, or backend hosted."
        )
    chosen = method(experiment.method)
    if experiment.generator == "vllm" and not chosen.answered_by_vllm:
        raise ConfigError(
            f"vLLM cannot answer with what method {experiment.method} adds to a model; use "
            "generator transformers, or method full or lora."
        )
    if experiment.gradient_checkpointing and not chosen.checkpointable:
        raise ConfigError(
            f"method {experiment.method} does not train under gradient_checkpointing; switch it "
            "off."
        )
    if experiment.processes > 1 and experiment.method != "none" and not chosen.shardable:
        raise ConfigError(
            f"method {experiment.method} takes one process; use full or lora for several."
        )
