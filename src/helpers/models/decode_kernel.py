"""Attention of a single query a row over the part of a cache that is its own: a Triton kernel.

torch's kernels read every token that was allocated, padding and places not yet written too, and
writing many answers is mostly reading the cache. This one reads each row between bounds that lie on
the GPU, so that one CUDA graph does for every step and rows that have ended cost nothing.
After FlashAttention's running softmax (arXiv:2205.14135).
"""

import torch
import triton
import triton.language as tl

#: Tokens read at once.
BLOCK = 64


@triton.jit
def _attend(
    query, key, value, bounds, output, scale, row_stride, head_stride, heads,
    GROUP: tl.constexpr, SIZE: tl.constexpr, WIDTH: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """One row and one head a program; heads that share keys are neighbors, and so share a cache."""
    head = tl.program_id(0)
    row = tl.program_id(1).to(tl.int64)
    dims = tl.arange(0, WIDTH)
    inner = dims < SIZE
    place = (row * heads + head) * SIZE + dims
    q = tl.load(query + place, mask=inner, other=0.0).to(tl.float32) * scale  # (WIDTH,)
    start = tl.load(bounds + 2 * row)
    end = tl.load(bounds + 2 * row + 1)
    base = row * row_stride + (head // GROUP) * head_stride
    most = -float("inf")
    total = 0.0
    mean = tl.zeros([WIDTH], tl.float32)
    for at in range(start, end, BLOCK):
        tokens = at + tl.arange(0, BLOCK)
        own = tokens < end
        at_tokens = base + tokens[:, None] * SIZE + dims[None, :]
        mask = own[:, None] & inner[None, :]
        k = tl.load(key + at_tokens, mask=mask, other=0.0).to(tl.float32)  # (BLOCK, WIDTH)
        v = tl.load(value + at_tokens, mask=mask, other=0.0).to(tl.float32)  # as k
        scores = tl.where(own, tl.sum(k * q[None, :], 1), -float("inf"))  # (BLOCK,)
        new_most = tl.maximum(most, tl.max(scores, 0))
        weights = tl.exp(scores - new_most)  # (BLOCK,)
        shrink = tl.exp(most - new_most)
        total = total * shrink + tl.sum(weights, 0)
        mean = mean * shrink + tl.sum(weights[:, None] * v, 0)
        most = new_most
    mean = tl.where(total > 0.0, mean / total, 0.0)
    tl.store(output + place, mean.to(output.dtype.element_ty), mask=inner)


def attend(query, key, value, bounds, scale: float) -> torch.Tensor:
    """query (rows, heads, 1, size) over key and value (rows, key heads, tokens, size) -> as query.

    bounds: (rows, 2), int32; row r attends to its tokens from bounds[r, 0] up to bounds[r, 1], and
    gives zeros where there are none. key and value are contiguous.
    """
    rows, heads, _, size = query.shape
    query = query.contiguous()
    output = torch.empty_like(query)
    _attend[(heads, rows)](
        query, key, value, bounds, output, scale, key.stride(0), key.stride(1), heads,
        GROUP=heads // key.shape[1], SIZE=size, WIDTH=triton.next_power_of_2(size), BLOCK=BLOCK,
    )  # fmt: skip
    return output
