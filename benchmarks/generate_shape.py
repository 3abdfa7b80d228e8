"""Tokens a second of batched answers by a random model of any shape, beside its floor.

    python benchmarks/generate_shape.py --shape 7b --dtype bfloat16      on a GPU
    python benchmarks/generate_shape.py --shape small                    anywhere

In one run: one prompt at a time (a few, as in the released code of Qi et al.), batches as the kit
answers them, and the floor: what reading all weights and the cache once a token takes at this
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


def floor(model, prompts: int, new_tokens: int, speed: float) -> float:
    """Seconds of reading weights and cache once a token; speed: bytes a second."""
    config = model.config
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    head = config.hidden_size // config.num_attention_heads
    per_token = 2 * config.num_hidden_layers * config.num_key_value_heads * head
    cache = prompts * per_token * model.dtype.itemsize * (PROMPT_TOKENS + new_tokens / 2)
    return new_tokens * (weights + cache) / speed


def table(shape: str, dtype: torch.dtype, device: str, batches: list[int], new_tokens: int) -> None:
    """A line a batch size: seconds, tokens a second, and how many floors; 1 is three prompts."""
    model = shapes.build(shape, dtype, device)
    model.generation_config.eos_token_id = None
    speed = bandwidth(device)
    prompts = torch.randint(3, model.config.vocab_size, (max(*batches, 3), PROMPT_TOKENS)).tolist()
    print(f"answers of {new_tokens} tokens, {shape} in {dtype}, {speed / 1e12:.2f} TB/s")
    for batch in batches:
        few = prompts[:batch]
        seconds(model, few, 8, device)
        times = 3 if batch == 1 else 1
        took = sum(seconds(model, [prompts[k]] if batch == 1 else few, new_tokens, device)
                   for k in range(times)) / times  # fmt: skip
        floors = took / floor(model, batch, new_tokens, speed)
        print(f"  batch {batch:4}  {took:8.1f} s  {batch * new_tokens / took:8.0f} tokens/s  "
              f"{floors:5.1f} floors", flush=True)  # fmt: skip


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ask.add_argument("--shape", choices=shapes.SHAPES, default="small")
    ask.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    ask.add_argument("--batches", type=int, nargs="+", default=[1, 32, 110, 330])
    ask.add_argument("--new-tokens", type=int, default=64)
    given = ask.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    table(given.shape, getattr(torch, given.dtype), device, given.batches, given.new_tokens)


if __name__ == "__main__":
    main()
