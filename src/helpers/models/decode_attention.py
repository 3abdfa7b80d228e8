"""Attention for answers written one token at a time in a batch on a CPU.

torch's fused kernel is made for many queries a row; with one, it takes five times as long as the
dot products that attention then is, if keys and values lie in memory token by token. Prefill still
goes through the fused kernel.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "one_query"

#: Shorter common prefixes are read with each row: it takes fewer steps.
LEAST_PREFIX = 16


def one_query(
    module, query, key, value, attention_mask, scaling=None, common_prefix=0, **kwargs
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Scaled dot-product attention, by plain dot products where there is a single query.

    query: (batch, heads, queries, size). key, value: (batch, key heads, tokens, size), which lie
    in memory token by token (models.kv_cache). attention_mask: what mask_for gives. common_prefix:
    how many tokens all rows begin with; their keys and values are read from the first row alone,
    since reading is what takes the time.
    Returns (batch, queries, heads, size) and None, as transformers' attention functions do.
    """
    if query.shape[2] > 1:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **kwargs
        )
    batch, heads, _, size = query.shape
    prefix = common_prefix if common_prefix >= LEAST_PREFIX and batch > 1 else 0
    query = query * (size**-0.5 if scaling is None else scaling)  # (batch, heads, 1, size)
    keys = key.permute(2, 0, 1, 3)  # (tokens, batch, key heads, size), as they lie
    values = value.permute(2, 0, 1, 3)  # as keys
    groups = query.view(batch, key.shape[1], -1, size)  # (batch, key heads, queries of each, size)
    outputs = [_attend(q, keys, values, attention_mask, prefix) for q in groups.unbind(2)]
    output = outputs[0] if len(outputs) == 1 else torch.stack(outputs, dim=2)  # as groups
    return output.view(batch, 1, heads, size), None


def _attend(query, keys, values, hidden, prefix: int) -> torch.Tensor:
    """query (batch, heads, size), keys and values (tokens, batch, heads, size) -> as query.

    hidden: (tokens, batch, 1), true for padding, or None.
    """
    scores = torch.linalg.vecdot(keys[prefix:], query)  # (tokens - prefix, batch, heads)
    if prefix:
        on_prefix = torch.einsum("bhd,thd->tbh", query, keys[:prefix, 0])  # (prefix, batch, heads)
        scores = torch.cat([on_prefix, scores])  # (tokens, batch, heads)
    if hidden is not None:
        scores.masked_fill_(hidden, float("-inf"))
    weights = scores.softmax(0)  # (tokens, batch, heads)
    output = torch.linalg.vecdot(weights[prefix:, ..., None], values[prefix:], dim=0)  # as query
    if prefix:
        output += torch.einsum("tbh,thd->bhd", weights[:prefix], values[:prefix, 0])
    return output


def mask_for(
    batch_size, q_length, kv_length, *args, attention_mask=None, **kwargs
) -> torch.Tensor | None:
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
def used_by(model, name: str = NAME) -> Iterator[None]:
    """The model attends by one_query, or as named, inside the `with`, and as before after it.

    Left alone is a model whose attention is not transformers' ordinary one.
    """
    before = model.config._attn_implementation
    if before != "sdpa":
        yield
        return
    model.set_attn_implementation(name)
    try:
        yield
    finally:
        model.set_attn_implementation(before)
