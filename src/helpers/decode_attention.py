"""Attention for answers written one token at a time in a batch on a CPU.

torch's fused kernel is made for many queries a row; with one, it takes several times as long as
the two matrix products and the softmax that attention is (benchmarks/generate.py). Prompts are
still read by the fused kernel.

Used by: generate.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "one_query"


def one_query(module, query, key, value, attention_mask, scaling=None, shared=0, **kwargs):
    """Scaled dot-product attention, by batched products where there is a single query.

    query: (batch, heads, queries, size). key, value: (batch, key heads, tokens, size).
    attention_mask: (batch, 1, queries, tokens), true where to attend, or None for everywhere.
    shared: how many tokens all rows begin with; their keys and values are read from the first
    row alone, since reading keys and values from memory is what takes the time.
    Returns (batch, queries, heads, size) and None, as transformers' attention functions do.
    """
    if query.shape[2] > 1:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **kwargs
        )
    batch, heads, _, size = query.shape
    key_heads = key.shape[1]
    query = query * (size**-0.5 if scaling is None else scaling)
    grouped = query.view(batch, key_heads, -1, size)  # the queries that share a key head
    scores = torch.cat(
        [_of_all(grouped, key[0, :, :shared].mT), _of_each(grouped, key[:, :, shared:].mT)], dim=-1
    )
    if attention_mask is not None:
        scores = scores.masked_fill(~attention_mask, float("-inf"))
    weights = scores.softmax(-1)
    found = _of_each(weights[..., shared:], value[:, :, shared:])
    found += _of_all(weights[..., :shared], value[0, :, :shared])
    return found.view(batch, 1, heads, size), None


def _of_each(rows: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
    """(batch, key heads, group, n) by (batch, key heads, n, m), as one batched product."""
    return torch.bmm(rows.flatten(0, 1), own.flatten(0, 1)).view(*rows.shape[:3], -1)


def _of_all(rows: torch.Tensor, common: torch.Tensor) -> torch.Tensor:
    """(batch, key heads, group, n) by (key heads, n, m), which all of the batch share."""
    batch, key_heads, group, n = rows.shape
    found = torch.bmm(rows.transpose(0, 1).reshape(key_heads, batch * group, n), common)
    return found.view(key_heads, batch, group, -1).transpose(0, 1)


AttentionInterface.register(NAME, one_query)
AttentionMaskInterface.register(NAME, sdpa_mask)


@contextmanager
def used_by(model) -> Iterator[None]:
    """The model attends by one_query inside the `with`, and as before after it.

    Left alone is a model whose attention is not transformers' ordinary one.
    """
    before = model.config._attn_implementation
    if before != "sdpa":
        yield
        return
    model.set_attn_implementation(NAME)
    try:
        yield
    finally:
        model.set_attn_implementation(before)
