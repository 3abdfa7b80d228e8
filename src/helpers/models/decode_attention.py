"""Attention for answers written one token at a time in a batch on a CPU.

torch's fused kernel is made for many queries a row; with one, it takes five times as long as the
dot products that attention then is, if keys and values lie in memory token by token. Prompts are
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

#: Shorter common beginnings are read with each row: it takes fewer steps.
LONG_ENOUGH = 16


def one_query(module, query, key, value, attention_mask, scaling=None, shared=0, **kwargs):
    """Scaled dot-product attention, by plain dot products where there is a single query.

    query: (batch, heads, queries, size). key, value: (batch, key heads, tokens, size), which lie
    in memory token by token (helpers.kv_cache). attention_mask: what mask_for gives. shared: how
    many tokens all rows begin with; their keys and values are read from the first row alone,
    since reading is what takes the time.
    Returns (batch, queries, heads, size) and None, as transformers' attention functions do.
    """
    if query.shape[2] > 1:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **kwargs
        )
    batch, heads, _, size = query.shape
    shared = shared if shared >= LONG_ENOUGH and batch > 1 else 0
    query = query * (size**-0.5 if scaling is None else scaling)
    keys, values = key.permute(2, 0, 1, 3), value.permute(2, 0, 1, 3)  # as they lie
    found = [
        _attend(one, keys, values, attention_mask, shared)
        for one in query.view(batch, key.shape[1], -1, size).unbind(2)  # that share a key head
    ]
    together = found[0] if len(found) == 1 else torch.stack(found, dim=2)
    return together.view(batch, 1, heads, size), None


def _attend(query, keys, values, hidden, shared: int) -> torch.Tensor:
    """query (batch, heads, size), keys and values (tokens, batch, heads, size) -> as query."""
    scores = torch.linalg.vecdot(keys[shared:], query)
    if shared:
        of_all = torch.einsum("bhd,thd->tbh", query, keys[:shared, 0])
        scores = torch.cat([of_all, scores])
    if hidden is not None:
        scores.masked_fill_(hidden, float("-inf"))
    weights = scores.softmax(0)
    found = torch.linalg.vecdot(weights[shared:, ..., None], values[shared:], dim=0)
    if shared:
        found += torch.einsum("tbh,thd->bhd", weights[:shared], values[:shared, 0])
    return found


def mask_for(batch_size, q_length, kv_length, *args, attention_mask=None, **kwargs):
    """For a single query what is hidden from it, (tokens, batch, 1), else the fused kernel's mask.

    attention_mask: (batch, tokens), true for what is no padding, or None.
    """
    if q_length > 1:
        return sdpa_mask(
            batch_size, q_length, kv_length, *args, attention_mask=attention_mask, **kwargs
        )
    return None if attention_mask is None else ~attention_mask.bool().mT[..., None]


AttentionInterface.register(NAME, one_query)
AttentionMaskInterface.register(NAME, mask_for)


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
