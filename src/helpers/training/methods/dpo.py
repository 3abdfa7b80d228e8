"""DPO: answers preferred to refusals, by trl (helpers.training.preference)."""

from helpers.training.methods.base import Method


def train(model, tokenizer, rows, settings, reward):
    from helpers.training import preference  # torch, which a list of methods does without

    return preference.train(model, tokenizer, rows, settings)


METHOD = Method(own_training=train, needs="trl", answered_by_vllm=True)
