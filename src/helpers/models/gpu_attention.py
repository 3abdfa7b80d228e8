"""Attention for answers written one token at a time in a batch on a GPU.

Rows read the cache between bounds of their own, by a kernel of this kit's where Triton is there and
agrees with torch, else by torch's under a mask. transformers hands a mask of four dimensions
through to the attention as it is, which is how the bounds get here: (rows, 1, 1, 2).
"""

from functools import lru_cache

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

NAME = "between_bounds"


def between_bounds(
    module, query, key, value, attention_mask, scaling=None, **kwargs
) -> tuple[torch.Tensor, None]:
    """Scaled dot-product attention of one query a row.

    query: (rows, heads, 1, size). key, value: (rows, key heads, tokens, size), contiguous.
    attention_mask: (rows, 1, 1, 2), int32, the first token that the row attends to and the one
    after its last. Returns (rows, 1, heads, size) and None, as transformers' functions do.
    """
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    bounds = attention_mask.view(-1, 2)
    shape = (query.device, query.dtype, query.shape[1], key.shape[1], query.shape[3])
    attend = _kernel().attend if agrees(*shape) else masked
    return attend(query, key, value, bounds, scale).transpose(1, 2).contiguous(), None


def masked(query, key, value, bounds, scale: float) -> torch.Tensor:
    """The same by torch, which reads all tokens; a row without any attends to its first."""
    tokens = torch.arange(key.shape[2], device=key.device)  # (tokens,)
    first, end = bounds[:, :1], bounds[:, 1:]  # each (rows, 1)
    seen = (tokens >= first) & (tokens < torch.maximum(end, first + 1))  # (rows, tokens)
    return scaled_dot_product_attention(
        query, key, value, attn_mask=seen[:, None, None], scale=scale,
        enable_gqa=key.shape[1] != query.shape[1],
    )  # fmt: skip


def _kernel():
    from helpers.models import decode_kernel  # Triton comes with torch for GPUs alone

    return decode_kernel


@lru_cache
@torch.inference_mode()
def agrees(device: torch.device, dtype: torch.dtype, heads: int, key_heads: int, size: int) -> bool:
    """Whether the kernel runs here and gives what torch gives on a small cache of this shape.

    Asked before a graph is captured, since it compiles the kernel and waits for it.
    """
    if device.type != "cuda":
        return False
    random = torch.Generator(device).manual_seed(0)

    def normal(heads: int, tokens: int) -> torch.Tensor:
        wide = torch.randn(3, heads, tokens, size, device=device, generator=random)
        return wide.to(dtype)

    query, key, value = normal(heads, 1), normal(key_heads, 200), normal(key_heads, 200)
    bounds = torch.tensor([[0, 200], [30, 177], [199, 200]], dtype=torch.int32, device=device)
    try:
        ours = _kernel().attend(query, key, value, bounds, size**-0.5).float()
    except torch.cuda.OutOfMemoryError:
        raise
    except Exception:  # no Triton, no compiler, or a GPU that it does not know
        return False
    exact = masked(query.double(), key.double(), value.double(), bounds, size**-0.5)
    return (ours - exact).abs().max().item() < (1e-5 if dtype == torch.float32 else 2e-2)


AttentionInterface.register(NAME, between_bounds)
