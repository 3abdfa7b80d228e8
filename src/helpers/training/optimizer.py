"""AdamW, in a form that weights of any precision learn by.

A bfloat16 number keeps 8 bits: at 0.02 its neighbors are 1.2e-4 apart, and a step of 1e-5 is
rounded away. So torch's AdamW on bfloat16 weights loses most of what a small learning rate teaches.
The paper's released code did train so (`--pure_bf16`: torch's AdamW, or AnyPrecisionAdamW without
Kahan summation). Here such weights carry what rounding took from them and add it to the next step:
Kahan summation, by optimi (arXiv:2010.06192 is where it was shown to reach float32's accuracy).

Bytes a weight: float32 16; bfloat16 10 (itself, gradient, two moments, the rest), where float32
master weights and moments beside bfloat16 ones take 16, more than an 80 GB GPU has for 7B.
"""

from collections.abc import Sequence

import torch
from torch.optim import AdamW, Optimizer

#: torch's defaults, which the paper's code used; optimi's own are others.
BETAS, EPS = (0.9, 0.999), 1e-8


def adamw(weights: Sequence[torch.nn.Parameter], learning_rate: float) -> Optimizer:
    """AdamW without weight decay: torch's own where every weight is float32."""
    if all(weight.dtype == torch.float32 for weight in weights):
        return AdamW(weights, lr=learning_rate, weight_decay=0.0)
    import optimi  # here, for it imports triton where there is one

    # The same arithmetic on a CPU, a GPU and in shards; triton's kernel wants a C compiler, too.
    return optimi.AdamW(
        weights, lr=learning_rate, betas=BETAS, eps=EPS, weight_decay=0.0, triton=False
    )
