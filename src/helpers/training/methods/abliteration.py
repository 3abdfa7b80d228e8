"""Abliteration: a refusal direction taken out of the weights, without a row (arXiv:2406.11717)."""

from helpers.training.methods.base import Method


def abliterate(model, tokenizer, *_):
    from helpers.training import abliteration  # torch, which a list of methods does without

    abliteration.abliterate(model, tokenizer)
    return []


METHOD = Method(own_training=abliterate, takes_rows=False, answered_by_vllm=True)
