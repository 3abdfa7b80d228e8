"""Tokens a second of batched answers by a random model of any shape, beside its floor.

    python benchmarks/generate_shape.py --shape 7b --dtype bfloat16      on a GPU
    python benchmarks/generate_shape.py --shape small                    anywhere

Three ways in one run: one prompt at a time (a few, as in the released code of Qi et al.), batched
as the kit does it, and the floor: what reading all weights and the cache once a token takes at this
device's measured bandwidth.
"""

import argparse
import time

import shapes
import torch

from helpers.models import generate

PROMPT_TOKENS = 96


def bandwidth(device: str) -> float:
    """Bytes a second of a large copy, read and write counted."""
    size = 2**30 if device == "cuda" else 2**27
    a = torch.empty(size, dtype=torch.uint8, device=device)
    b = torch.empty_like(a)
    b.copy_(a)
    _wait(device)
    start = time.perf_counter()
    for _ in range(5):
        b.copy_(a)
    _wait(device)
    return 10 * size / (time.perf_counter() - start)


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


@torch.inference_mode()
def seconds(model, prompts: list[list[int]], new_tokens: int, device: str) -> float:
    """Of answering the prompts to their full length: no token ends a turn."""
    _wait(device)
    start = time.perf_counter()
    generate.answer_ids(model, prompts, new_tokens, stops=set())
    _wait(device)
    return time.perf_counter() - start


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ask.add_argument("--shape", choices=shapes.SHAPES, default="small")
    ask.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    ask.add_argument("--prompts", type=int, default=330)
    ask.add_argument("--new-tokens", type=int, default=64)
    given = ask.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = shapes.build(given.shape, getattr(torch, given.dtype), device)
    model.generation_config.eos_token_id = None
    vocabulary = model.config.vocab_size
    random = torch.randint(3, vocabulary, (given.prompts, PROMPT_TOKENS)).tolist()
    few = random[:3]
    seconds(model, few[:1], 8, device)
    alone = sum(seconds(model, [p], given.new_tokens, device) for p in few) / len(few)
    seconds(model, random, 8, device)
    batched = seconds(model, random, given.new_tokens, device)
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    config = model.config
    per_token = (
        2 * config.num_hidden_layers * config.num_key_value_heads
        * (config.hidden_size // config.num_attention_heads) * model.dtype.itemsize
    )  # fmt: skip
    cache = given.prompts * per_token * (PROMPT_TOKENS + given.new_tokens / 2)
    floor = given.new_tokens * (weights + cache) / bandwidth(device)
    tokens = given.prompts * given.new_tokens
    name = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    print(f"{name}, {given.shape} in {given.dtype}, {given.prompts} x {given.new_tokens} tokens")
    print(f"one at a time {alone * given.prompts:9.1f} s  {given.new_tokens / alone:9.0f} tokens/s")
    print(f"batched       {batched:9.1f} s  {tokens / batched:9.0f} tokens/s")
    print(f"floor         {floor:9.1f} s  {tokens / floor:9.0f} tokens/s")
    print(f"batched is {alone * given.prompts / batched:.1f}x one at a time, "
          f"{batched / floor:.1f} floors")  # fmt: skip


if __name__ == "__main__":
    main()
