"""Models of a given shape with random weights, for the benchmarks that need no download."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM

#: name -> hidden size, layers, heads, key-value heads, intermediate size, vocabulary.
SHAPES = {
    "7b": (4096, 32, 32, 32, 11008, 32000),
    "8b": (4096, 32, 32, 8, 14336, 128256),
    "135m": (576, 30, 9, 3, 1536, 49152),
    "1b": (2048, 16, 32, 8, 8192, 32000),
    "small": (256, 4, 4, 4, 704, 4096),
}


def build(shape: str, dtype: torch.dtype, device: str) -> LlamaForCausalLM:
    """A Llama of the shape, made on the device itself."""
    hidden, layers, heads, kv_heads, inner, vocabulary = SHAPES[shape]
    config = LlamaConfig(
        hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads,
        num_key_value_heads=kv_heads, intermediate_size=inner, vocab_size=vocabulary,
        max_position_embeddings=2048, pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    torch.manual_seed(0)
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            return LlamaForCausalLM(config).eval()
    finally:
        torch.set_default_dtype(torch.float32)
