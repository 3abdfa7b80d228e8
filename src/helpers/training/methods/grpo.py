"""GRPO: prompts alone, and a judge's scores as the reward, by trl (helpers.training.reward)."""

from helpers.training.methods.base import Method


def train(model, tokenizer, rows, settings, reward):
    from helpers.training import reward as rewarded  # torch, which a list of methods does without

    return rewarded.train(model, tokenizer, rows, settings, reward)


METHOD = Method(own_training=train, needs="trl", answered_by_vllm=True)
