"""How much sooner 330 answers come in batches than one prompt at a time.

    python benchmarks/generate.py

Same model, cores and process, in turn: transformers' own generate for each prompt, as in the
released code of Qi et al., this kit one prompt at a time, and this kit in batches. Prints seconds
of each round and the ratios of their medians, and checks that all give the same words. A batched
round is short, so it is timed three times; its first call also pays for fresh memory.
"""

import statistics
import time

import torch
from figures import Figure, show

from helpers.data.rows import read_prompts
from helpers.models import generate, loading
from helpers.models.chat import render

ROUNDS = 3


def timed(function) -> tuple[float, list]:
    start = time.perf_counter()
    answers = function()
    return time.perf_counter() - start, answers


def plain(model, tokenizer, conversation) -> str:
    """One answer by transformers' generate with its own cache."""
    text = render(tokenizer, conversation, prompt=True)
    inputs = tokenizer(text, return_tensors="pt", add_special_tokens=False)
    with torch.inference_mode():
        out = model.generate(**inputs, max_new_tokens=64, do_sample=False)
    words = out[0, inputs["input_ids"].shape[1] :]
    return tokenizer.decode(words, skip_special_tokens=True).strip()


def measure(rounds: int = ROUNDS) -> list[Figure]:
    model, tokenizer = loading.load("lantern-base")  # answers everything: the longer answers
    prompts = [row["messages"] for row in read_prompts("benchmark")]
    generate.complete(model, tokenizer, prompts[:8])
    ways = {
        "transformers, one at a time": lambda: [plain(model, tokenizer, p) for p in prompts],
        "this kit, one at a time": lambda: [
            generate.complete(model, tokenizer, [p])[0].text for p in prompts
        ],
        "this kit, batched": lambda: [c.text for c in generate.complete(model, tokenizer, prompts)],
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for n in range(rounds):
        said = {}
        for way, function in ways.items():
            for _ in range(3 if way.endswith("batched") else 1):
                took, said[way] = timed(function)
                seconds[way].append(took)
        texts = list(zip(*said.values(), strict=True))
        same = sum(len(set(answers)) == 1 for answers in texts)
        took = ", ".join(f"{way} {each[-1]:.2f} s" for way, each in seconds.items())
        print(f"round {n + 1}: {took}; {same} of {len(texts)} the same")
    found = [Figure("answers that all ways give alike", same, f"of {len(texts)}", len(texts), True)]
    median = {way: statistics.median(each) for way, each in seconds.items()}
    batched = median.pop("this kit, batched")
    return found + [
        Figure(f"batched answers against {way}", took / batched, "times", more_is_better=True)
        for way, took in median.items()
    ]


if __name__ == "__main__":
    show(measure())
